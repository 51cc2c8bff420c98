"""Accounts: made, changed, disabled; what cannot be meant is refused; what ends with a change."""

from itertools import pairwise

import pytest
from sqlmodel import Session

from server.access import accounts, keys, links, sessions
from server.access.accounts import AccountError, NameTaken, UnknownAccount
from server.access.audit import COMMAND_LINE
from server.access.links import Purpose
from server.access.rights import RIGHTS, Right, Role
from server.access.who import Forbidden
from tests.server.access.people import CHEN, HOME, LI, NOW_MS, WANG, People, limited


@pytest.mark.parametrize("name", ["", "Li", "李", "a b", ".a", "-a", "a" * 33, "a\n", "a/b", "a\x00"])
def test_names_that_are_none(name: str) -> None:
    """A name can be typed on every keyboard and stands in addresses."""
    assert not accounts.is_name(name)


def test_what_cannot_be_meant(session: Session) -> None:
    """A name, a shown name and a county are each refused with what was expected, and nothing is made."""
    for shown_as in ("", "  ", "x" * 41, "a\nb", "a\x00b"):
        with pytest.raises(AccountError, match="shown_as: expected 1 to 40 characters"):
            accounts.add(session, COMMAND_LINE, name="new", shown_as=shown_as, role=Role.VIEWER, now_ms=NOW_MS)
    for code in ("", "35012", "3501211", "闽侯县", "035012"):
        with pytest.raises(AccountError, match="counties: expected codes of six digits"):
            accounts.change(session, COMMAND_LINE, CHEN, now_ms=NOW_MS, counties=[code])
    with pytest.raises(AccountError, match="name: expected a-z, 0-9"):
        accounts.add(session, COMMAND_LINE, name="Li", shown_as="X", role=Role.VIEWER, now_ms=NOW_MS)
    assert len(accounts.everyone(session)) == 3


def test_a_name_is_one_author(session: Session) -> None:
    """Neither another person's, nor a program's, nor the server's own name."""
    keys.add(session, COMMAND_LINE, name="a-program", scopes=[], now_ms=NOW_MS)
    for name in (LI, "coldseal", "command-line", "a-program"):
        with pytest.raises(NameTaken, match=f"name: '{name}' is taken"):
            accounts.add(session, COMMAND_LINE, name=name, shown_as="X", role=Role.VIEWER, now_ms=NOW_MS)


def test_an_administrator_has_every_county(session: Session) -> None:
    """Who changes what every county has is limited to none: the limit would not hold."""
    with pytest.raises(AccountError, match="counties: expected none for administrator"):
        accounts.change(session, COMMAND_LINE, CHEN, now_ms=NOW_MS, role=Role.ADMINISTRATOR)
    changed = accounts.change(session, COMMAND_LINE, CHEN, now_ms=NOW_MS, role=Role.ADMINISTRATOR, counties=[])
    assert changed.role == "administrator"


@pytest.mark.parametrize("role", [Role.MONITOR, Role.INSPECTOR, Role.VIEWER])
def test_only_administrators_make_accounts(session: Session, role: Role) -> None:
    """Nobody else makes, changes, or gives a link."""
    by = limited("x", role=role)
    account = accounts.named(session, WANG)
    for attempt in (
        lambda: accounts.add(session, by, name="new", shown_as="X", role=Role.VIEWER, now_ms=NOW_MS),
        lambda: accounts.change(session, by, WANG, now_ms=NOW_MS, role=Role.MONITOR),
        lambda: accounts.link(session, by, account, Purpose.SIGN_IN, NOW_MS),
    ):
        with pytest.raises(Forbidden, match="expected the right 'accounts'"):
            attempt()


@pytest.mark.parametrize(
    "change", [{"role": Role.MONITOR}, {"disabled": True}, {"role": Role.VIEWER, "counties": ["350121"]}]
)
def test_the_last_administrator_stays(people: People, change: dict[str, object]) -> None:
    """Nobody can shut everyone out; with a second administrator the first may go."""
    with pytest.raises(AccountError, match="got the last one"), people.store.transaction() as session:
        accounts.change(session, COMMAND_LINE, LI, now_ms=NOW_MS, **change)  # type: ignore[arg-type]  # a table of changes
    with people.account(LI) as (session, li):
        assert (li.role, li.disabled_ms) == ("administrator", None)
        people.add(session, "zhao", Role.ADMINISTRATOR)
        accounts.change(session, COMMAND_LINE, LI, now_ms=NOW_MS, **change)  # type: ignore[arg-type]  # as above


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"disabled": True}, True),
        ({"role": Role.VIEWER}, True),
        ({"counties": ["350122"]}, True),
        ({"shown_as": "陈某"}, False),
        ({"role": Role.MONITOR, "counties": ["350121"]}, False),
    ],
)
def test_what_ends_with_a_change(session: Session, change: dict[str, object], ends: bool) -> None:
    """Another role, other counties, or a disabling ends sessions and links; another shown name, or no change, does not."""
    chen = accounts.named(session, CHEN)
    secret = sessions.open(session, chen, NOW_MS, HOME, "")
    link = links.issue(session, Purpose.SIGN_IN, chen.id, NOW_MS)
    accounts.change(session, COMMAND_LINE, CHEN, now_ms=NOW_MS, **change)  # type: ignore[arg-type]  # a table of changes

    assert (sessions.who(session, secret, NOW_MS, HOME) is None) is ends
    assert (links.find(session, link, NOW_MS) is None) is ends


def test_who_is_disabled_comes_back_without_the_old_sessions(session: Session) -> None:
    """An enabled account opens nothing that was ended."""
    chen = accounts.named(session, CHEN)
    secret = sessions.open(session, chen, NOW_MS, HOME, "")
    accounts.change(session, COMMAND_LINE, CHEN, now_ms=NOW_MS, disabled=True)
    with pytest.raises(AccountError, match="'chen' is disabled; enable the account first"):
        accounts.link(session, COMMAND_LINE, chen, Purpose.SIGN_IN, NOW_MS)
    accounts.change(session, COMMAND_LINE, CHEN, now_ms=NOW_MS, disabled=False)

    assert chen.disabled_ms is None
    assert sessions.who(session, secret, NOW_MS, HOME) is None


def test_to_whom_a_violation_may_go(session: Session) -> None:
    """Who sees the county, may acknowledge and is not disabled."""
    accounts.add(
        session, COMMAND_LINE, name="he", shown_as="何", role=Role.INSPECTOR, counties=["350122"], now_ms=NOW_MS
    )

    assert [one.name for one in accounts.people(session, "350121")] == [CHEN, LI]
    assert [one.name for one in accounts.people(session, "350122")] == ["he", LI]
    accounts.change(session, COMMAND_LINE, "he", now_ms=NOW_MS, disabled=True)
    assert [one.name for one in accounts.people(session, "350122")] == [LI]


def test_nobody_of_this_name(session: Session) -> None:
    """A typing error is told with the way to look."""
    with pytest.raises(UnknownAccount, match="name: 'nobody': no such account; see: coldseal server accounts list"):
        accounts.named(session, "nobody")


def test_what_the_record_says(people: People) -> None:
    """Each change is one entry: by whom, and what it was before."""
    before = len(people.acts())
    with people.store.transaction() as session:
        accounts.change(session, limited(LI), CHEN, now_ms=NOW_MS, role=Role.VIEWER)
        accounts.change(session, limited(LI), CHEN, now_ms=NOW_MS, disabled=True)
        accounts.link(session, COMMAND_LINE, accounts.named(session, WANG), Purpose.PASSWORD, NOW_MS)

    assert people.acts(before) == [
        (LI, "account.set", CHEN), (LI, "account.disable", CHEN), ("command-line", "link.add", WANG),
    ]  # fmt: skip


def test_roles_hold_what_the_design_says() -> None:
    """Each role may do all that the one below may; only the administrator has what is about every county."""
    order = [Role.VIEWER, Role.INSPECTOR, Role.MONITOR, Role.ADMINISTRATOR]
    for less, more in pairwise(order):
        assert RIGHTS[less] < RIGHTS[more]
    assert RIGHTS[Role.VIEWER] == {Right.READ}
    assert RIGHTS[Role.ADMINISTRATOR] == set(Right)
