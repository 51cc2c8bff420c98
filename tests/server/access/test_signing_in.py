"""Signing in and choosing passwords: what opens, what is refused alike, what ends, and what the record says."""

import pytest
from argon2 import PasswordHasher
from sqlmodel import Session

from server.access import accounts, links, passwords, sessions, signing_in
from server.access.accounts import NameTaken
from server.access.audit import COMMAND_LINE
from server.access.links import Purpose
from server.access.passwords import WeakPassword
from server.access.rights import Right
from server.access.signing_in import LinkOver, Refused, SignedIn, WrongPassword
from server.access.who import Who
from tests.server.access.people import CHEN, HOME, LI, NOW_MS, PASSWORD, WANG, People, place
from tests.server.stores import a_store


@pytest.fixture(scope="module")
def hashed() -> str:
    """The password's hash, made once."""
    return passwords.hashed(PASSWORD)


@pytest.fixture
def people(people: People, hashed: str) -> People:
    """Everybody has chosen the same password, but for the viewer."""
    for name in (LI, CHEN):
        with people.account(name) as (session, account):
            accounts.set_password(session, account, hashed)
    return people


def who(people: People, gained: SignedIn | Refused, later_ms: int = 0) -> Who | None:
    """Who was signed in."""
    assert isinstance(gained, SignedIn)
    with people.store.transaction() as session:
        return sessions.who(session, gained.secret, NOW_MS + later_ms, HOME)


def password_link(session: Session, name: str) -> str:
    """A link to choose a password."""
    return links.issue(session, Purpose.PASSWORD, accounts.named(session, name).id, NOW_MS)


@pytest.mark.parametrize("name", [CHEN, "CHEN", " chen "])
def test_the_right_password_opens(people: People, name: str) -> None:
    """Name and password open a session; the record has one entry; capitals and blanks around the name do not matter."""
    before = len(people.acts())
    signed = who(people, signing_in.sign_in(people.store, name, PASSWORD, place()))

    assert signed is not None
    assert signed.name == CHEN
    assert people.acts(before) == [(CHEN, "session.sign_in", CHEN)]


@pytest.mark.parametrize(
    ("name", "password"),
    [
        (CHEN, "wrong"),
        (CHEN, ""),
        ("nobody", PASSWORD),
        ("\x00", PASSWORD),
        ("'; --", PASSWORD),
        (WANG, PASSWORD),
        (WANG, ""),
    ],
)
def test_everything_else_is_refused_alike(people: People, name: str, password: str) -> None:
    """A wrong password, an unknown name, a name that is none and an account without password: one answer."""
    before = len(people.acts())

    assert signing_in.sign_in(people.store, name, password, place()) == Refused(0)
    assert people.acts(before) == []


def test_a_disabled_account_is_refused_alike(people: People) -> None:
    """Not even the right password says that the account exists."""
    with people.store.transaction() as session:
        accounts.change(session, COMMAND_LINE, CHEN, now_ms=NOW_MS, disabled=True)

    assert signing_in.sign_in(people.store, CHEN, PASSWORD, place()) == Refused(0)


def test_a_wrong_password_ten_times(people: People) -> None:
    """From the fifth on one must wait and is told how long; the right one waits too; a session of before goes on."""
    open_board = signing_in.sign_in(people.store, CHEN, PASSWORD, place())
    before = len(people.acts())
    waits = [signing_in.sign_in(people.store, CHEN, "wrong", place(n)) for n in range(10)]

    assert waits[:4] == [Refused(0)] * 4
    assert waits[4] == Refused(30_000)
    assert waits[9] == Refused(30_000 - 5)
    assert signing_in.sign_in(people.store, CHEN, PASSWORD, place(10)) == Refused(30_000 - 6)
    assert who(people, open_board, 10) is not None
    assert people.acts(before) == [("-", "sign_in.lock", f"here:{CHEN}@{HOME}")]
    assert isinstance(signing_in.sign_in(people.store, CHEN, PASSWORD, place(30_004)), SignedIn)


def test_a_stranger_keeps_nobody_out(people: People) -> None:
    """Who guesses a person's password all day, from one address, waits there; the person signs in from another one."""
    minutes, strange = 60_000, "198.51.100.7"
    for minute in range(24 * 60):
        signing_in.sign_in(people.store, CHEN, "", place(minute * minutes, strange))
        if minute % 240 == 0:
            assert isinstance(signing_in.sign_in(people.store, CHEN, PASSWORD, place(minute * minutes)), SignedIn)
    locked = signing_in.sign_in(people.store, CHEN, PASSWORD, place(24 * 60 * minutes, strange))

    assert isinstance(locked, Refused)
    assert locked.wait_ms > 0


def test_a_link_opens_a_locked_account(people: People) -> None:
    """The way out where a name is locked at the person's own address: a link that works once."""
    for n in range(5):
        signing_in.sign_in(people.store, CHEN, "wrong", place(n))
    with people.account(CHEN) as (session, account):
        link = links.issue(session, Purpose.SIGN_IN, account.id, NOW_MS)

    assert isinstance(signing_in.sign_in(people.store, CHEN, PASSWORD, place(6)), Refused)
    assert who(people, signing_in.use_link(people.store, link, place(7))) is not None


def test_an_unknown_name_is_locked_like_a_known_one(people: People) -> None:
    """A stranger cannot learn from the wait who exists; what was typed as a name is not in the record."""
    before = len(people.acts())
    waits = [signing_in.sign_in(people.store, "hunter2-oops", "wrong", place(n)) for n in range(6)]

    assert waits == [Refused(0)] * 4 + [Refused(30_000), Refused(29_999)]
    assert people.acts(before) == [("-", "sign_in.lock", f"here:?@{HOME}")]


def test_a_new_session_takes_the_place_of_the_old_one(people: People) -> None:
    """Signing in again in the same browser ends the session that it had."""
    first = signing_in.sign_in(people.store, CHEN, PASSWORD, place())
    assert isinstance(first, SignedIn)
    second = signing_in.sign_in(people.store, LI, PASSWORD, place(1, secret=first.secret))

    assert who(people, first, 1) is None
    assert who(people, second, 1) is not None


def test_an_old_hash_becomes_a_new_one(people: People) -> None:
    """A hash of an earlier release's parameters is replaced when its password is known, at the sign-in."""
    old = PasswordHasher(time_cost=1, memory_cost=1_024, parallelism=1).hash(PASSWORD)
    with people.account(CHEN) as (session, chen):
        accounts.set_password(session, chen, old)

    assert isinstance(signing_in.sign_in(people.store, CHEN, PASSWORD, place()), SignedIn)
    with people.account(CHEN) as (_, chen):
        assert chen.password_hash != old
        assert not passwords.is_outdated(chen.password_hash or "")


def test_a_sign_in_link_signs_in_once(people: People) -> None:
    """Its first use opens a session, the second nothing."""
    with people.account(WANG) as (session, wang):
        secret = links.issue(session, Purpose.SIGN_IN, wang.id, NOW_MS)

    assert who(people, signing_in.use_link(people.store, secret, place())) is not None
    for used in (secret, "made-up", ""):
        with pytest.raises(LinkOver, match=r"^$"):
            signing_in.use_link(people.store, used, place())


def test_choosing_a_password(people: People) -> None:
    """A weak one is refused and the link stays; a good one signs in, ends what was open, and is in force."""
    board = signing_in.sign_in(people.store, CHEN, PASSWORD, place())
    with people.store.transaction() as session:
        secret = password_link(session, CHEN)
    with pytest.raises(WeakPassword, match="at least 12 characters"):
        signing_in.choose_password(people.store, secret, "short", place())
    before = len(people.acts())
    gained = signing_in.choose_password(people.store, secret, "another good phrase", place())

    assert who(people, gained) is not None
    assert who(people, board) is None
    assert people.acts(before) == [(CHEN, "password.set", CHEN), (CHEN, "session.sign_in", CHEN)]
    assert signing_in.sign_in(people.store, CHEN, PASSWORD, place()) == Refused(0)
    assert isinstance(signing_in.sign_in(people.store, CHEN, "another good phrase", place()), SignedIn)
    with pytest.raises(LinkOver, match=r"^$"):
        signing_in.choose_password(people.store, secret, "another good phrase", place())


def test_the_first_administrator(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The first start's link makes an administrator, once; what is wrong in the form does not use it up."""
    store = a_store(tmp_path_factory.mktemp("first"))
    with store.transaction() as session:
        secret = links.first_administrator(session, NOW_MS) or ""
    with pytest.raises(WeakPassword, match="the name and little else"):
        signing_in.make_first(store, secret, "li.ming", "李明", "li.ming-2026", place())
    with pytest.raises(NameTaken, match="'coldseal' is taken"):
        signing_in.make_first(store, secret, "coldseal", "李明", PASSWORD, place())
    gained = signing_in.make_first(store, secret, "li.ming", "李明", PASSWORD, place())
    with store.transaction() as session:
        first = sessions.who(session, gained.secret, NOW_MS, HOME)

    assert first is not None
    assert first.rights == frozenset(Right)
    with pytest.raises(LinkOver, match=r"^$"):
        signing_in.make_first(store, secret, "second", "二", PASSWORD, place())


def test_changing_ones_own_password(people: People) -> None:
    """With the old one: this browser gets a new session, every other one and every link ends."""
    board = signing_in.sign_in(people.store, CHEN, PASSWORD, place())
    phone = signing_in.sign_in(people.store, CHEN, PASSWORD, place())
    with people.store.transaction() as session:
        link = password_link(session, CHEN)
    me = who(people, board)
    assert me is not None
    with pytest.raises(WeakPassword, match="among the commonest"):
        signing_in.change_password(people.store, me, PASSWORD, "password1234", place())
    with pytest.raises(WrongPassword, match="expected the account's own") as wrong:
        signing_in.change_password(people.store, me, "wrong", "another good phrase", place())
    assert wrong.value.wait_ms == 0
    gained = signing_in.change_password(people.store, me, PASSWORD, "another good phrase", place())

    assert who(people, gained) is not None
    assert [who(people, before) for before in (board, phone)] == [None, None]
    with people.store.transaction() as session:
        assert links.find(session, link, NOW_MS) is None


def test_guessing_the_old_password_must_wait_too(people: People) -> None:
    """Who sits at an open page cannot try the person's password at will."""
    me = who(people, signing_in.sign_in(people.store, CHEN, PASSWORD, place()))
    assert me is not None
    waits = list[int]()
    for _ in range(6):
        with pytest.raises(WrongPassword, match="expected the account's own") as wrong:
            signing_in.change_password(people.store, me, "wrong", "another good phrase", place())
        waits.append(wrong.value.wait_ms)

    assert waits == [0, 0, 0, 0, 30_000, 30_000]


def test_signing_out(people: People) -> None:
    """The session is over at the server, not only in the browser."""
    gained = signing_in.sign_in(people.store, CHEN, PASSWORD, place())
    me = who(people, gained)
    assert me is not None
    before = len(people.acts())
    with people.store.transaction() as session:
        signing_in.sign_out(session, me, NOW_MS)

    assert who(people, gained) is None
    assert people.acts(before) == [(CHEN, "session.sign_out", str(me.session_id))]
