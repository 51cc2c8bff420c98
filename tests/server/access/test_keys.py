"""Keys of programs: scopes and counties limit them, they end, and nobody gives what is not his to give."""

import pytest
from sqlmodel import Session, select

from server.access import keys
from server.access.accounts import AccountError, NameTaken
from server.access.audit import COMMAND_LINE
from server.access.keys import UnknownKey
from server.access.rights import WIDE, Right, Role
from server.access.tables import ApiKey
from server.access.who import Forbidden, Who
from tests.server.access.people import CHEN, HOME, NOW_MS, People, limited


def added(session: Session, name: str = "platform", **more: object) -> str:
    """A new key's secret."""
    asked: dict[str, object] = {"scopes": [Right.READ], "now_ms": NOW_MS} | more
    return keys.add(session, COMMAND_LINE, name=name, **asked).secret  # type: ignore[arg-type]  # a table of inputs


def test_a_key_may_what_its_scopes_say(session: Session) -> None:
    """Scopes are rights; counties limit what is seen; a key without scopes may nothing."""
    who = keys.who(session, added(session, counties=["350121"]), NOW_MS, HOME)
    none = keys.who(session, added(session, "idle", scopes=[]), NOW_MS, HOME)

    assert who is not None
    assert none is not None
    assert (who.name, who.kind, who.rights, who.counties, who.session_id) == (
        "platform", "key", frozenset({Right.READ}), frozenset({"350121"}), None,
    )  # fmt: skip
    assert none.rights == frozenset()


def test_a_key_ends(session: Session) -> None:
    """At its time, or when it is revoked, for good."""
    timed, plain = added(session, expires_ms=NOW_MS + 10), added(session, "plain")

    assert keys.who(session, timed, NOW_MS + 9, HOME) is not None
    assert keys.who(session, timed, NOW_MS + 10, HOME) is None
    keys.revoke(session, COMMAND_LINE, "plain", NOW_MS)
    keys.revoke(session, COMMAND_LINE, "plain", NOW_MS + 5)
    assert keys.who(session, plain, NOW_MS, HOME) is None
    assert session.exec(select(ApiKey.revoked_ms).where(ApiKey.name == "plain")).one() == NOW_MS


def test_what_cannot_be_meant(session: Session) -> None:
    """A taken name, a past end, a county that is none, and counties beside a right about every county."""
    added(session)
    for name in ("platform", CHEN):
        with pytest.raises(NameTaken, match=f"'{name}' is taken"):
            added(session, name)
    with pytest.raises(AccountError, match="expires: expected a time to come"):
        added(session, "late", expires_ms=NOW_MS)
    with pytest.raises(AccountError, match="counties: expected codes of six digits"):
        added(session, "lost", counties=["x"])
    for right in WIDE:
        with pytest.raises(AccountError, match=f"counties: expected none beside {right.value}"):
            added(session, "wide", scopes=[right], counties=["350121"])
    with pytest.raises(UnknownKey, match="'none': no such key; see: coldseal server keys list"):
        keys.revoke(session, COMMAND_LINE, "none", NOW_MS)


def test_a_key_may_no_more_than_its_maker(session: Session) -> None:
    """A program that may make keys cannot make itself a better one."""
    maker = Who(name="m", shown_as="m", kind="key", rights=frozenset({Right.ACCOUNTS, Right.READ}))

    with pytest.raises(Forbidden, match="expected the right 'decide'"):
        keys.add(session, maker, name="x", scopes=[Right.READ, Right.DECIDE], now_ms=NOW_MS)
    for by in (limited("x", role=Role.MONITOR), limited("x", role=Role.VIEWER)):
        with pytest.raises(Forbidden, match="expected the right 'accounts'"):
            keys.add(session, by, name="x", scopes=[Right.READ], now_ms=NOW_MS)
        with pytest.raises(Forbidden, match="expected the right 'accounts'"):
            keys.revoke(session, by, "x", NOW_MS)


def test_only_the_hash_is_stored_and_the_record_has_no_secret(people: People) -> None:
    """The secret is nowhere but with the program."""
    before = len(people.acts())
    with people.store.transaction() as session:
        secret = added(session)
        keys.revoke(session, COMMAND_LINE, "platform", NOW_MS)
        assert secret not in str(session.exec(select(ApiKey)).one().model_dump())
    assert people.acts(before) == [("command-line", "key.add", "platform"), ("command-line", "key.revoke", "platform")]
