"""Browsers' sessions: how long they last, what keeps them, and that an end is an end."""

import pytest
from sqlmodel import Session, select

from server.access import accounts, sessions
from server.access.audit import COMMAND_LINE
from server.access.rights import Right
from server.access.sessions import ABSOLUTE_MS, IDLE_MS, KEPT_MS, SEEN_EVERY_MS, UnknownSession
from server.access.tables import BrowserSession
from tests.server.access.people import CHEN, HOME, LI, NOW_MS, People


def opened(session: Session, name: str = CHEN, now_ms: int = NOW_MS) -> str:
    """A new session's secret."""
    return sessions.open(session, accounts.named(session, name), now_ms, HOME, "Firefox")


def test_a_secret_finds_who_it_is(session: Session) -> None:
    """Name, rights, counties, session and address come from stored rows; a made-up secret finds nobody."""
    who = sessions.who(session, opened(session), NOW_MS, "192.0.2.9")

    assert who is not None
    assert (who.name, who.kind, who.counties, who.address) == (CHEN, "account", frozenset({"350121"}), "192.0.2.9")
    assert who.may(Right.DECIDE)
    assert not who.may(Right.ACCOUNTS)
    assert who.session_id is not None
    assert [sessions.who(session, secret, NOW_MS, HOME) for secret in ("", "made-up")] == [None, None]


def test_only_the_hash_is_stored(session: Session) -> None:
    """Who reads the database cannot act as somebody."""
    secret = opened(session)
    stored = session.exec(select(BrowserSession)).one()

    assert secret not in str(stored.model_dump())
    assert sessions.who(session, stored.sha, NOW_MS, HOME) is None
    assert len({opened(session) for _ in range(20)}) == 20
    assert len(secret) == 43


@pytest.mark.parametrize("later_ms", [IDLE_MS, ABSOLUTE_MS, 10 * ABSOLUTE_MS])
def test_nothing_asked_ends_it(session: Session, later_ms: int) -> None:
    """A browser that asks nothing for half an hour is signed out."""
    secret = opened(session)

    assert sessions.who(session, secret, NOW_MS + later_ms, HOME) is None


def test_an_open_board_stays_signed_in_for_a_shift(session: Session) -> None:
    """A page that asks every few seconds is active all night; after twelve hours it ends whatever it does."""
    secret = opened(session)
    for now_ms in range(NOW_MS, NOW_MS + ABSOLUTE_MS, IDLE_MS // 2):
        assert sessions.who(session, secret, now_ms, HOME) is not None
    assert sessions.who(session, secret, NOW_MS + ABSOLUTE_MS - 1, HOME) is not None
    assert sessions.who(session, secret, NOW_MS + ABSOLUTE_MS, HOME) is None


def test_not_every_request_writes(session: Session) -> None:
    """Activity is kept to the minute."""
    secret = opened(session)
    for later_ms, seen_ms in (
        (SEEN_EVERY_MS - 1, 0),
        (SEEN_EVERY_MS, SEEN_EVERY_MS),
        (SEEN_EVERY_MS + 1, SEEN_EVERY_MS),
    ):
        sessions.who(session, secret, NOW_MS + later_ms, HOME)
        assert session.exec(select(BrowserSession.seen_ms)).one() == NOW_MS + seen_ms


def test_an_ended_session_opens_nothing(session: Session) -> None:
    """From the very next question on; others go on."""
    secret, other = opened(session), opened(session)
    who = sessions.who(session, secret, NOW_MS, HOME)
    assert who is not None
    assert who.session_id is not None
    sessions.end(session, who.session_id, NOW_MS)
    sessions.end(session, who.session_id, NOW_MS + 1)

    assert sessions.who(session, secret, NOW_MS, HOME) is None
    assert sessions.who(session, other, NOW_MS, HOME) is not None
    with pytest.raises(UnknownSession, match="session 999: no such session"):
        sessions.end(session, 999, NOW_MS)


def test_all_of_one_person(session: Session) -> None:
    """Everybody else's go on."""
    hers, his = [opened(session) for _ in range(3)], opened(session, LI)
    chen = accounts.named(session, CHEN).id or 0
    assert len(sessions.alive(session, chen, NOW_MS)) == 3
    sessions.end_all(session, chen, NOW_MS)

    assert [sessions.who(session, secret, NOW_MS, HOME) for secret in hers] == [None] * 3
    assert sessions.alive(session, chen, NOW_MS) == []
    assert sessions.who(session, his, NOW_MS, HOME) is not None


def test_a_disabled_account_is_out_even_with_a_session(session: Session) -> None:
    """Whatever is stored of the session, a disabled account opens nothing."""
    secret, chen = opened(session), accounts.named(session, CHEN)
    chen.disabled_ms = NOW_MS
    session.add(chen)
    session.flush()

    assert sessions.who(session, secret, NOW_MS, HOME) is None


def test_rights_are_those_of_now(session: Session) -> None:
    """A session carries no rights: they are read with every question."""
    secret, chen = opened(session), accounts.named(session, CHEN)
    chen.role = "viewer"
    session.add(chen)
    who = sessions.who(session, secret, NOW_MS, HOME)

    assert who is not None
    assert not who.may(Right.ACKNOWLEDGE)


def test_the_table_does_not_grow_for_ever(people: People) -> None:
    """What is over for a week goes with the next sign-in; what is not stays."""
    with people.store.transaction() as session:
        opened(session)
        opened(session, now_ms=NOW_MS + KEPT_MS)
        opened(session, now_ms=NOW_MS + ABSOLUTE_MS + KEPT_MS + 1)
        assert len(session.exec(select(BrowserSession)).all()) == 2
    assert len(people.acts()) == 3  # making the accounts: a session by itself is no entry, signing in is
    assert COMMAND_LINE.name == people.acts()[0][0]
