"""Every step from every state by everybody: who may, where it leads, and what stays in the record."""

import json
import threading
from itertools import product
from pathlib import Path

import pytest
from sqlmodel import Session, select

from server import life, standing
from server.access.rights import Role
from server.access.tables import AuditEntry
from server.access.who import Forbidden
from server.tables import Transition, Violation
from tests.server.life.town import ADMIN, COUNTY, INSPECTOR, MONITOR, NOW_MS, PEOPLE, WHY, Town, take, who

NAMES = ("acknowledge", "dispatch", "confirm", "dismiss", "close", "comment")
LEADS = {
    "open": ("acknowledged", "dispatched", "confirmed", "dismissed", "closed", "open"),
    "acknowledged": (None, "dispatched", "confirmed", "dismissed", "closed", "acknowledged"),
    "dispatched": (None, "dispatched", "confirmed", "dismissed", "closed", "dispatched"),
    "confirmed": (None, None, None, "dismissed", "closed", "confirmed"),
    "dismissed": (None, None, "confirmed", None, "closed", "dismissed"),
    "closed": (None, None, None, None, None, "closed"),
}
"""To which state each step leads; None where it does not lead on."""

MAY = {
    Role.ADMINISTRATOR: set(NAMES),
    Role.MONITOR: set(NAMES),
    Role.INSPECTOR: {"acknowledge", "dispatch", "comment"},
    Role.VIEWER: set[str](),
}
BEFORE = {"acknowledged": "acknowledge", "dispatched": "dispatch", "confirmed": "confirm", "dismissed": "dismiss",
          "closed": "close"}  # fmt: skip
"""The step that brings an open violation to a state."""


def transitions(session: Session, town: Town) -> list[Transition]:
    """The violation's life."""
    return list(standing.transitions(session, [town.violation_id]))


@pytest.mark.parametrize("state", LEADS)
def test_every_step(town: Town, state: str) -> None:
    """State × step × role: refused without the right, refused where it does not lead on, else written with its author."""
    for (name, leads), role in product(zip(NAMES, LEADS[state], strict=True), Role):
        by = PEOPLE[role]
        with town.tried() as session:
            if state != "open":
                town.step(session, BEFORE[state], ADMIN)
            before = transitions(session, town)
            assert (leads is not None) == (name in life.STEPS[state])
            if name not in MAY[role]:
                with pytest.raises(Forbidden, match="expected the right"):
                    town.step(session, name, by)
            elif leads is None:
                with pytest.raises(life.WrongState, match=f"got {state} since .* by administrator-1"):
                    town.step(session, name, by)
            else:
                assert town.step(session, name, by, now_ms=NOW_MS + 1).state == leads
                last = transitions(session, town)[-1]
                before.append(last)
                assert (last.from_state, last.to_state, last.author, last.reason, last.at_ms, last.kind) == (
                    state, leads, by.name, WHY, NOW_MS + 1, "comment" if name == "comment" else "step",
                )  # fmt: skip
            assert transitions(session, town) == before


def test_every_step_is_audited(town: Town) -> None:
    """The audit says who did what to which violation, what it was, what it became and why."""
    for name, became in zip(NAMES, LEADS["open"], strict=True):
        with town.tried() as session:
            town.step(session, name, MONITOR)
            entry = session.exec(select(AuditEntry)).one()
            assert (entry.at_ms, entry.actor, entry.action, entry.subject) == (
                NOW_MS, "monitor-1", f"violation.{name}", town.violation_id,
            )  # fmt: skip
            assigned = {"assignee": "chen"} if name == "dispatch" else {}
            assert json.loads(entry.detail) == {"was": "open", "became": became, "reason": WHY} | assigned


def test_another_countys_violation_is_unknown(town: Town) -> None:
    """What one does not see is not told apart from what is not there."""
    for name in NAMES:
        with town.tried() as session:
            assert town.step(session, name, who(Role.MONITOR, COUNTY, "350181")).id == town.violation_id
        with town.tried() as session, pytest.raises(life.UnknownViolation, match="no such id"):
            town.step(session, name, who(Role.MONITOR, "350181"))
        with town.tried() as session, pytest.raises(life.UnknownViolation, match="'V-NONE': no such id"):
            take(session, "V-NONE", name, ADMIN)


WRONG_WORDS = [
    ("confirm", "", "reason: expected some words, got none"),
    ("dismiss", " \n", "reason: expected some words, got none"),
    ("close", "\u3000", "reason: expected some words, got none"),
    ("comment", "", "text: expected some words, got none"),
    ("close", "x" * 501, "reason: expected at most 500 characters, got 501"),
    ("comment", "x" * 2_001, "text: expected at most 2000 characters, got 2001"),
    ("acknowledge", "x" * 501, "reason: expected at most 500 characters"),
    ("dispatch", "a\x00b", "reason: expected text, got control characters"),
    ("comment", "\x1b[31m", "text: expected text, got control characters"),
]


def test_reasons(town: Town) -> None:
    """A decision needs words; too many words, or none that can be shown, are refused before anything is written."""
    for name, reason, message in WRONG_WORDS:
        with town.tried() as session:
            before = transitions(session, town)
            with pytest.raises(life.WrongInput, match=message):
                town.step(session, name, ADMIN, reason=reason)
            assert session.get_one(Violation, town.violation_id).state == "open"
            assert transitions(session, town) == before


def test_a_step_without_words_says_what_it_is(town: Town) -> None:
    """To see and to send need no words, and the record has a reason all the same."""
    for name, reason in (("acknowledge", "已看到 seen"), ("dispatch", "派给陈某 dispatched")):
        with town.tried() as session:
            town.step(session, name, INSPECTOR, reason=" ")
            assert transitions(session, town)[-1].reason == reason


def test_who_cannot_be_sent(town: Town) -> None:
    """Nobody of another county, without the right, disabled or unknown is sent; the message says who may be."""
    for to in ("far", "looks", "gone", "nobody", "", "CHEN"):
        with town.tried() as session:
            with pytest.raises(life.WrongInput, match=rf"to: expected somebody .* chen, wu; got {to!r}"):
                life.dispatch(session, town.violation_id, by=MONITOR, to=to, reason="", now_ms=NOW_MS)
            assert session.get_one(Violation, town.violation_id).assignee is None


def test_dispatched_again(town: Town) -> None:
    """Another person can be sent; the violation knows the last one, its life both."""
    with town.tried() as session:
        life.dispatch(session, town.violation_id, by=MONITOR, to="chen", reason="", now_ms=NOW_MS)
        violation = life.dispatch(session, town.violation_id, by=MONITOR, to="wu", reason="陈在外", now_ms=NOW_MS)
        assert (violation.state, violation.assignee) == ("dispatched", "wu")
        assert [one.assignee for one in transitions(session, town)] == [None, "chen", "wu"]


def test_the_verdict_stays(town: Town) -> None:
    """Dismissed, then confirmed, then closed: each verdict replaces the one before, and closing keeps the last."""
    with town.tried() as session:
        assert town.step(session, "dismiss", MONITOR).verdict == "dismissed"
        assert town.step(session, "confirm", MONITOR).verdict == "confirmed"
        closed = town.step(session, "close", MONITOR)
        assert (closed.state, closed.verdict) == ("closed", "confirmed")
    with town.tried() as session:
        assert town.step(session, "close", MONITOR).verdict is None


def test_two_at_once(tmp_path: Path) -> None:
    """Of two who acknowledge at the same time one does; the other is told who was first and when, nothing is lost."""
    town = Town(tmp_path)
    ready, told = threading.Barrier(2), list[life.WrongState]()

    def acknowledge(role: Role) -> None:
        ready.wait()
        try:
            with town.store.transaction() as session:
                town.step(session, "acknowledge", PEOPLE[role])
        except life.WrongState as error:
            told.append(error)

    both = [threading.Thread(target=acknowledge, args=[role]) for role in (Role.MONITOR, Role.INSPECTOR)]
    for one in both:
        one.start()
    for one in both:
        one.join(timeout=30)
    with town.store.transaction() as session:
        opened, seen = transitions(session, town)
        audited = session.exec(select(AuditEntry).where(AuditEntry.action == "violation.acknowledge")).all()
    (late,) = told
    assert (opened.to_state, seen.to_state, late.state) == ("open", "acknowledged", "acknowledged")
    assert (late.author, late.at_ms) == (seen.author, NOW_MS)
    assert str(late).endswith("got acknowledged since 2026-03-01T01:00:00.000+08:00 by " + seen.author)
    assert [entry.actor for entry in audited] == [seen.author]
    town.store.close()


def test_nobody_is_called_like_the_system(town: Town) -> None:
    """What ColdSeal did by itself and what people did are told apart by the author alone."""
    with town.tried() as session:
        town.step(session, "comment", MONITOR)
        assert [one.author == standing.SYSTEM for one in transitions(session, town)] == [True, False]
        assert session.exec(select(Violation.id).where(standing.is_unseen())).all() == [town.violation_id]
        town.step(session, "acknowledge", MONITOR)
        assert session.exec(select(Violation.id).where(standing.is_unseen())).all() == []
