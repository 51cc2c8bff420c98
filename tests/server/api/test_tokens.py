"""Secrets of the interface: shown once, kept as hashes, good for as long as they say."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session, select

from server import tokens
from server.store import Store
from server.tables import Token

NOW_MS = 1_772_294_400_000


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A transaction on an empty database."""
    store = Store(tmp_path / "coldseal.sqlite")
    with store.transaction() as session:
        yield session
    store.close()


def name_of(session: Session, secret: str, now_ms: int = NOW_MS) -> str | None:
    """Who holds a secret."""
    token = tokens.bearer(session, secret, now_ms)
    return token.name if token is not None else None


def test_a_secret_finds_its_bearer(session: Session) -> None:
    """Each secret leads to its own name, and a made-up one to nobody."""
    one, two = tokens.issue(session, "one", NOW_MS), tokens.issue(session, "two", NOW_MS)

    assert (name_of(session, one), name_of(session, two)) == ("one", "two")
    assert (name_of(session, one[:-1]), name_of(session, "")) == (None, None)


def test_only_the_hash_is_stored(session: Session, tmp_path: Path) -> None:
    """No file of the database holds a secret."""
    secret = tokens.issue(session, "one", NOW_MS)
    session.commit()

    assert not [p for p in tmp_path.iterdir() if secret.encode() in p.read_bytes()]


def test_secrets_differ(session: Session) -> None:
    """Two secrets are never the same and carry 256 bits."""
    secrets = {tokens.issue(session, str(i), NOW_MS) for i in range(50)}

    assert len(secrets) == 50
    assert {len(secret) for secret in secrets} == {43}


def test_a_name_is_one_bearer(session: Session) -> None:
    """The author in the record is unmistakable."""
    tokens.issue(session, "one", NOW_MS)

    with pytest.raises(tokens.NameTaken, match="token 'one': the name is taken; choose another"):
        tokens.issue(session, "one", NOW_MS)


def test_a_revoked_secret_is_good_for_nothing(session: Session) -> None:
    """Revocation counts at once."""
    secret = tokens.issue(session, "one", NOW_MS)
    session.exec(select(Token).where(Token.name == "one")).one().revoked_ms = NOW_MS

    assert name_of(session, secret) is None


def test_the_first_administrator_is_made_once(session: Session) -> None:
    """The first start gives a secret; every later one gives none, even after the first was revoked."""
    secret = tokens.first_admin(session, NOW_MS)

    assert secret is not None
    assert name_of(session, secret) == "first-admin"
    assert tokens.first_admin(session, NOW_MS) is None
    session.exec(select(Token)).one().revoked_ms = NOW_MS
    assert tokens.first_admin(session, NOW_MS) is None


def test_a_link_works_once(session: Session) -> None:
    """The first opening of a link signs in, the second does not."""
    link = tokens.issue_one_time(session, NOW_MS)
    secret = tokens.redeem(session, link, NOW_MS + 1)

    assert secret is not None
    assert name_of(session, secret, NOW_MS + 1) is not None
    assert tokens.redeem(session, link, NOW_MS + 2) is None


def test_a_link_is_no_token_and_a_token_no_link(session: Session) -> None:
    """Who sees a link in a history cannot use it as a bearer's secret, nor the other way round."""
    assert name_of(session, tokens.issue_one_time(session, NOW_MS)) is None
    assert tokens.redeem(session, tokens.issue(session, "one", NOW_MS), NOW_MS) is None
    assert tokens.redeem(session, "made up", NOW_MS) is None


def test_a_link_ends_after_a_day(session: Session) -> None:
    """A link that nobody opened in time is dead."""
    link = tokens.issue_one_time(session, NOW_MS)

    assert tokens.redeem(session, link, NOW_MS + tokens.LINK_MS) is None
    assert tokens.redeem(session, link, NOW_MS + tokens.LINK_MS - 1) is not None


def test_signing_in_ends_after_a_shift(session: Session) -> None:
    """What a link gives is good for twelve hours; what was issued is good until revoked."""
    signed_in = tokens.redeem(session, tokens.issue_one_time(session, NOW_MS), NOW_MS) or ""
    issued = tokens.issue(session, "one", NOW_MS)

    assert name_of(session, signed_in, NOW_MS + tokens.SIGNED_IN_MS - 1) is not None
    assert name_of(session, signed_in, NOW_MS + tokens.SIGNED_IN_MS) is None
    assert name_of(session, issued, NOW_MS + 1000 * tokens.SIGNED_IN_MS) == "one"
