"""One-time links: they wait a day, open one door once, and looking does not use them up."""

import pytest
from sqlmodel import Session, select

from server.access import accounts, links
from server.access.audit import COMMAND_LINE
from server.access.links import LINK_MS, Purpose
from server.access.rights import Role
from server.access.tables import OneTimeLink
from tests.server.access.people import CHEN, NOW_MS, People
from tests.server.stores import a_store


def test_looking_uses_nothing_up(session: Session) -> None:
    """A chat program that looks at a link leaves it as it was; the first use is the last."""
    secret = links.issue(session, Purpose.SIGN_IN, accounts.named(session, CHEN).id, NOW_MS)
    for _ in range(3):
        assert links.find(session, secret, NOW_MS) is not None

    assert links.use(session, secret, Purpose.SIGN_IN, NOW_MS) is not None
    assert links.use(session, secret, Purpose.SIGN_IN, NOW_MS) is None
    assert links.find(session, secret, NOW_MS) is None


def test_a_link_opens_its_own_door(session: Session) -> None:
    """A link to sign in chooses no password, and is not used up by the attempt."""
    secret = links.issue(session, Purpose.SIGN_IN, accounts.named(session, CHEN).id, NOW_MS)

    assert links.use(session, secret, Purpose.PASSWORD, NOW_MS) is None
    assert links.use(session, secret, Purpose.FIRST_ADMIN, NOW_MS) is None
    assert links.use(session, secret, Purpose.SIGN_IN, NOW_MS) is not None


@pytest.mark.parametrize(("later_ms", "opens"), [(LINK_MS - 1, True), (LINK_MS, False)])
def test_a_link_ends_after_a_day(session: Session, later_ms: int, opens: bool) -> None:
    """A link that nobody opened in time is dead."""
    secret = links.issue(session, Purpose.SIGN_IN, accounts.named(session, CHEN).id, NOW_MS)

    assert (links.find(session, secret, NOW_MS + later_ms) is not None) is opens


def test_a_new_password_link_replaces_the_old_one(session: Session) -> None:
    """A link that went to the wrong person is ended by making another one; one to sign in stands beside others."""
    chen = accounts.named(session, CHEN).id
    first, second = (links.issue(session, Purpose.PASSWORD, chen, NOW_MS) for _ in range(2))
    one, two = (links.issue(session, Purpose.SIGN_IN, chen, NOW_MS) for _ in range(2))

    assert [links.find(session, s, NOW_MS) is not None for s in (first, second, one, two)] == [False, True, True, True]


def test_a_disabled_accounts_link_is_dead(session: Session) -> None:
    """A disabling ends what was sent out before."""
    chen = accounts.named(session, CHEN)
    secret = links.issue(session, Purpose.SIGN_IN, chen.id, NOW_MS)
    accounts.change(session, COMMAND_LINE, CHEN, now_ms=NOW_MS, disabled=True)

    assert links.find(session, secret, NOW_MS) is None
    accounts.change(session, COMMAND_LINE, CHEN, now_ms=NOW_MS, disabled=False)
    assert links.find(session, secret, NOW_MS) is None


def test_the_first_administrators_link(tmp_path_factory: pytest.TempPathFactory, people: People) -> None:
    """As long as there is no account each start gives a new link and ends the one before; with one, none does."""
    store = a_store(tmp_path_factory.mktemp("empty"))
    with store.transaction() as session:
        first = links.first_administrator(session, NOW_MS) or ""
        second = links.first_administrator(session, NOW_MS) or ""
        assert links.find(session, first, NOW_MS) is None
        assert links.find(session, second, NOW_MS) is not None
        people.add(session, "li", Role.ADMINISTRATOR)
        assert links.find(session, second, NOW_MS) is None
        assert links.first_administrator(session, NOW_MS) is None


def test_only_a_hash_is_stored(session: Session) -> None:
    """Who reads the database cannot open a door with it."""
    secret = links.issue(session, Purpose.SIGN_IN, accounts.named(session, CHEN).id, NOW_MS)
    stored = session.exec(select(OneTimeLink)).one()

    assert secret not in str(stored.model_dump())
    assert links.find(session, stored.sha, NOW_MS) is None
