"""Wrong passwords in a row: when one must wait, for how long, and what is forgotten."""

import pytest
from sqlmodel import Session, col, func, select

from server.access import lockout
from server.access.lockout import FIRST_LOCK_MS, FORGET_MS, FREE, LEAK_MS, LOCK_MS_MAX, ROWS_MAX
from server.access.tables import SignInFailure
from tests.server.access.people import HOME, NOW_MS, People

CHEN = lockout.keys("chen", HOME)


def wrong(session: Session, times: int, counted: tuple[str, ...] = CHEN, now_ms: int = NOW_MS) -> None:
    """So many wrong passwords, each taken."""
    for _ in range(times):
        assert lockout.count(session, counted, now_ms).wait_ms == 0


def test_four_wrong_ones_are_free(session: Session) -> None:
    """Typing errors lock nobody."""
    wrong(session, 4)

    assert lockout.wait_ms(session, CHEN, NOW_MS) == 0


def test_the_wait_doubles_up_to_a_quarter_of_an_hour(session: Session) -> None:
    """Five lock for 30 s, each further one for twice as long, never longer than 15 minutes."""
    wrong(session, 4)
    now_ms, waits = NOW_MS, list[int]()
    for _ in range(8):
        wrong(session, 1, now_ms=now_ms)
        waits.append(lockout.wait_ms(session, CHEN, now_ms))
        now_ms += waits[-1]

    assert waits == [30_000, 60_000, 120_000, 240_000, 480_000, 900_000, 900_000, 900_000]
    assert (waits[0], waits[-1]) == (FIRST_LOCK_MS, LOCK_MS_MAX)


def test_waiting_is_not_counted(session: Session) -> None:
    """Who tries on during the wait does not make it longer; the time to wait is told."""
    wrong(session, 5)
    for later_ms in (0, 10_000, 29_999):
        assert lockout.count(session, CHEN, NOW_MS + later_ms).wait_ms == FIRST_LOCK_MS - later_ms

    assert lockout.count(session, CHEN, NOW_MS + FIRST_LOCK_MS).wait_ms == 0


def test_the_right_one_begins_anew(session: Session) -> None:
    """A person who got it right at the fourth time has all free attempts again."""
    wrong(session, 4)
    lockout.take_back(session, CHEN, NOW_MS)
    wrong(session, 4)

    assert lockout.wait_ms(session, CHEN, NOW_MS) == 0


def test_the_attempt_that_locks_may_be_the_right_one(session: Session) -> None:
    """The fifth attempt is still looked at; if its password is right nothing stays locked."""
    wrong(session, 4)
    attempt = lockout.count(session, CHEN, NOW_MS)
    assert (attempt.wait_ms, attempt.locks) == (0, ("here",))
    lockout.take_back(session, CHEN, NOW_MS)

    assert lockout.wait_ms(session, CHEN, NOW_MS) == 0


def test_an_address_is_locked_across_names(session: Session) -> None:
    """Who tries one password on many names is stopped by the address; a right one of his own does not help."""
    for number in range(20):
        wrong(session, 1, lockout.keys(f"n{number}", HOME))

    assert lockout.wait_ms(session, lockout.keys("fresh", HOME), NOW_MS) == FIRST_LOCK_MS
    assert lockout.wait_ms(session, lockout.keys("fresh", "198.51.100.1"), NOW_MS) == 0
    later_ms = NOW_MS + FIRST_LOCK_MS
    wrong(session, 1, lockout.keys("own", HOME), later_ms)
    lockout.take_back(session, lockout.keys("own", HOME), later_ms)
    wrong(session, 1, lockout.keys("next", HOME), later_ms)
    assert lockout.wait_ms(session, lockout.keys("next", HOME), later_ms) == 2 * FIRST_LOCK_MS


def from_many(session: Session, times: int, now_ms: int = NOW_MS) -> None:
    """So many wrong passwords of one person, each from an address of its own."""
    for number in range(times):
        wrong(session, 1, lockout.keys("chen", f"198.51.{number // 256}.{number % 256}"), now_ms)


def elsewhere(session: Session, name: str = "chen", now_ms: int = NOW_MS) -> int:
    """How long somebody waits at an address from which nobody has tried."""
    return lockout.wait_ms(session, lockout.keys(name, "203.0.113.1"), now_ms)


def test_a_name_is_locked_at_its_address_only(session: Session) -> None:
    """A stranger who guesses at one address does not keep the person out at another."""
    wrong(session, 5)

    assert lockout.wait_ms(session, CHEN, NOW_MS) == FIRST_LOCK_MS
    assert elsewhere(session) == 0


def test_a_name_is_locked_across_addresses(session: Session) -> None:
    """A hundred machines that guess one person's password wait together; other people do not."""
    from_many(session, FREE["account"] - 1)
    assert elsewhere(session) == 0
    from_many(session, 1)

    assert elsewhere(session) == FIRST_LOCK_MS
    assert elsewhere(session, "li") == 0


def test_a_name_forgets_one_each_minute(session: Session) -> None:
    """A few addresses that go on all day do not add up; what is left of a minute is not lost, and asking changes nothing."""
    from_many(session, FREE["account"] - 1)
    later_ms = NOW_MS + LEAK_MS * 3 // 2
    for _ in range(3):
        assert elsewhere(session, now_ms=later_ms) == 0
    from_many(session, 1, later_ms)
    assert elsewhere(session, now_ms=later_ms) == 0
    from_many(session, 1, NOW_MS + 2 * LEAK_MS - 1)
    assert elsewhere(session, now_ms=NOW_MS + 2 * LEAK_MS - 1) == FIRST_LOCK_MS


def test_the_right_one_frees_the_name(session: Session) -> None:
    """After the person has signed in, the name has all of its free attempts again."""
    from_many(session, FREE["account"] - 1)
    lockout.take_back(session, lockout.keys("chen", "203.0.113.1"), NOW_MS)
    from_many(session, FREE["account"] - 1)

    assert elsewhere(session) == 0


def test_an_hour_forgets(session: Session) -> None:
    """Typing errors of yesterday do not count today."""
    wrong(session, 4)
    wrong(session, 4, now_ms=NOW_MS + FORGET_MS)

    assert lockout.wait_ms(session, CHEN, NOW_MS + FORGET_MS) == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
        ("testclient", "testclient", True),
    ],
)
def test_one_subscriber_is_one_address(one: str, other: str, same: bool) -> None:
    """An IPv6 subscriber has a whole /64 to choose from; what is no address is taken as it is."""
    assert (lockout.keys("a", one) == lockout.keys("a", other)) is same


def test_the_table_is_bounded(session: Session) -> None:
    """Made-up names push out the oldest, and an hour later all of them are gone."""
    session.add_all(SignInFailure(key=f"account:x{n}", failures=1, last_ms=NOW_MS + n) for n in range(ROWS_MAX))
    session.flush()
    wrong(session, 1, now_ms=NOW_MS + ROWS_MAX)
    count = select(func.count()).select_from(SignInFailure)
    assert session.exec(count).one() == ROWS_MAX
    assert (
        session.exec(
            select(SignInFailure).where(col(SignInFailure.key).in_(("account:x0", "account:x1", "account:x2")))
        ).all()
        == []
    )
    wrong(session, 1, now_ms=NOW_MS + 2 * FORGET_MS)
    assert session.exec(count).one() == len(CHEN)


def test_a_restart_forgives_nothing(people: People) -> None:
    """The count is in the database."""
    with people.store.transaction() as session:
        wrong(session, 5)
    with people.store.transaction() as session:
        assert lockout.wait_ms(session, CHEN, NOW_MS) == FIRST_LOCK_MS
