"""The record of changes: what it keeps, and how it is read."""

import json

import pytest
from sqlmodel import Session

from server.access import audit
from server.access.audit import COMMAND_LINE, Wanted
from tests.server.access.people import CHEN, LI, NOW_MS, WANG, limited

LATER_MS = NOW_MS + 1_000


@pytest.fixture
def filled(session: Session) -> Session:
    """The accounts' own three entries, and four more."""
    for number, (actor, action, subject) in enumerate(
        [
            (LI, "violation.acknowledge", "V-1"),
            (CHEN, "violation.close", "V-1"),
            (CHEN, "violations", "V-2"),
            (CHEN, "violation.comment", "V-2"),
        ]
    ):
        audit.write(session, limited(actor), action, subject, LATER_MS + number, reason="误合闸")
    return session


def subjects(session: Session, wanted: Wanted) -> list[tuple[str, str]]:
    """Action and subject, as read."""
    return [(entry.action, entry.subject) for entry in audit.entries(session, wanted)]


def test_an_entry(filled: Session) -> None:
    """When, who, what, of what, the detail, and from where; Chinese stays readable."""
    entry = audit.entries(filled, Wanted(limit=1))[0]

    assert (entry.at_ms, entry.actor, entry.actor_kind, entry.action, entry.subject, entry.address) == (
        LATER_MS + 3, CHEN, "account", "violation.comment", "V-2", "",
    )  # fmt: skip
    assert "误合闸" in entry.detail
    assert json.loads(entry.detail) == {"reason": "误合闸"}
    assert audit.entries(filled, Wanted(actor=COMMAND_LINE.name))[0].actor_kind == "command"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(actor=CHEN, subject="V-1"), [("violation.close", "V-1")]),
        (Wanted(actor="nobody"), []),
        (Wanted(action="violation.close"), [("violation.close", "V-1")]),
        (
            Wanted(action="violation"),
            [("violation.comment", "V-2"), ("violation.close", "V-1"), ("violation.acknowledge", "V-1")],
        ),
        (Wanted(action="violation_"), []),
        (Wanted(action="account", limit=2), [("account.add", WANG), ("account.add", CHEN)]),
        (Wanted(from_ms=LATER_MS + 1, to_ms=LATER_MS + 2), [("violation.close", "V-1")]),
        (Wanted(before=2), [("account.add", LI)]),
    ],
)
def test_what_may_be_asked(filled: Session, wanted: Wanted, expected: list[tuple[str, str]]) -> None:
    """By whom, what (up to a dot), of what and when; the newest first."""
    assert subjects(filled, wanted) == expected


def test_pages_hold_every_entry_once(filled: Session) -> None:
    """Following `before` gives each entry once."""
    found, before = list[int](), None
    while page := audit.entries(filled, Wanted(before=before, limit=3)):
        found += [entry.id or 0 for entry in page]
        before = page[-1].id

    assert found == [7, 6, 5, 4, 3, 2, 1]
