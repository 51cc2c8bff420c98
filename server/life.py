"""The life of a violation by hand: every step has an author, a time and a reason, and an entry in the audit.

What ColdSeal itself does to a violation (opening it, joining a finding to it) is in `violations.py`.
"""

import msgspec
from sqlmodel import Session, col, select

from server.access import accounts, audit
from server.access.who import Who
from server.standing import NEEDS, STATES, STEPS, is_unseen, steps, transitions, unseen_since_ms
from server.tables import Furnace, Seal, Site, Transition, Violation
from wire.clock import iso

__all__ = [
    "COMMENT_CHARS_MAX",
    "NEEDS",
    "REASON_CHARS_MAX",
    "STATES",
    "STEPS",
    "UnknownViolation",
    "ViolationError",
    "WrongInput",
    "WrongState",
    "acknowledge",
    "close",
    "comment",
    "confirm",
    "dismiss",
    "dispatch",
    "is_unseen",
    "needed",
]

REASON_CHARS_MAX = 500
COMMENT_CHARS_MAX = 2_000
PEOPLE_NAMED_MAX = 10


class ViolationError(Exception):
    """A violation cannot do what was asked of it."""


class UnknownViolation(ViolationError):
    """No violation has this id, or it is of a county that the asker does not see."""


class WrongState(ViolationError):
    """The step does not lead on from where the violation stands.

    Attributes:
        state: where it stands.
        author: who brought it there.
        at_ms: when.
    """

    def __init__(self, message: str, state: str, author: str, at_ms: int) -> None:
        super().__init__(message)
        self.state, self.author, self.at_ms = state, author, at_ms


class WrongInput(ViolationError):
    """What was typed cannot be meant.

    Attributes:
        field: which input.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


def acknowledge(session: Session, violation_id: str, *, by: Who, reason: str, now_ms: int) -> Violation:
    """Someone saw it: open becomes acknowledged; what grew stronger later keeps its state, and is seen again.

    Raises:
        Forbidden: without the right.
        UnknownViolation: no such id, or another county's.
        WrongState: somebody acknowledged it before.
        WrongInput: the reason is no text.
    """
    at = _stand(session, violation_id, "acknowledge", by)
    to_state = "acknowledged" if at.violation.state == "open" else at.violation.state
    return _write(session, at, to_state, _said("reason", reason) or "已看到 seen", now_ms)


def dispatch(session: Session, violation_id: str, *, by: Who, to: str, reason: str, now_ms: int) -> Violation:
    """Somebody is to look after it; who sends a person has seen it.

    Args:
        session: the transaction.
        violation_id: which.
        by: who sends.
        to: the account that is sent: one that may acknowledge, and sees the county.
        reason: may be left empty.
        now_ms: server time.

    Raises:
        Forbidden: without the right.
        UnknownViolation: no such id, or another county's.
        WrongState: it is decided or closed.
        WrongInput: nobody of that name can be sent there, or the reason is no text.
    """
    at = _stand(session, violation_id, "dispatch", by)
    people = {person.name: person.shown_as for person in accounts.people(session, at.county_code)}
    if to not in people:
        names = ", ".join(sorted(people)[:PEOPLE_NAMED_MAX]) or "an account (none may acknowledge in this county)"
        raise WrongInput("to", f"expected somebody who may acknowledge in county {at.county_code}: {names}; got {to!r}")
    at.violation.assignee = to
    said = _said("reason", reason) or f"派给{people[to]} dispatched"
    return _write(session, at, "dispatched", said, now_ms, assignee=to)


def confirm(session: Session, violation_id: str, *, by: Who, reason: str, now_ms: int) -> Violation:
    """It is what it seemed: the pledge was broken, or the time is unproved.

    Raises:
        Forbidden: without the right.
        UnknownViolation: no such id, or another county's.
        WrongState: it is confirmed or closed already.
        WrongInput: no reason is given.
    """
    return _decide(session, violation_id, "confirm", "confirmed", by, reason, now_ms)


def dismiss(session: Session, violation_id: str, *, by: Who, reason: str, now_ms: int) -> Violation:
    """It is none: what happened has another cause. A draw that goes on after this is a new violation.

    Raises:
        Forbidden: without the right.
        UnknownViolation: no such id, or another county's.
        WrongState: it is dismissed or closed already.
        WrongInput: no reason is given.
    """
    return _decide(session, violation_id, "dismiss", "dismissed", by, reason, now_ms)


def close(session: Session, violation_id: str, *, by: Who, reason: str, now_ms: int) -> Violation:
    """It is dealt with; its verdict stays. A draw that goes on after this is a new violation.

    Raises:
        Forbidden: without the right.
        UnknownViolation: no such id, or another county's.
        WrongState: it is closed already.
        WrongInput: no reason is given.
    """
    at = _stand(session, violation_id, "close", by)
    return _write(session, at, "closed", needed("reason", reason), now_ms)


def comment(session: Session, violation_id: str, *, by: Who, text: str, now_ms: int) -> Violation:
    """A remark in its life, in any state; it says nothing about who saw it.

    Raises:
        Forbidden: without the right.
        UnknownViolation: no such id, or another county's.
        WrongInput: nothing is written, or too much.
    """
    at = _stand(session, violation_id, "comment", by)
    said = needed("text", text, COMMENT_CHARS_MAX)
    return _write(session, at, at.violation.state, said, now_ms, kind="comment")


class _Standing(msgspec.Struct, frozen=True):
    """A violation at which a step may be done."""

    violation: Violation
    county_code: str
    step: str
    by: Who


def _stand(session: Session, violation_id: str, step: str, by: Who) -> _Standing:
    """Find the violation, held until the transaction ends, and see that the step leads on from its state."""
    by.need(NEEDS[step])
    county_code = session.exec(
        select(Site.county_code)
        .join(Furnace, col(Furnace.site_id) == col(Site.id))
        .join(Seal, col(Seal.furnace_id) == col(Furnace.id))
        .join(Violation, col(Violation.seal_id) == col(Seal.id))
        .where(Violation.id == violation_id)
    ).first()
    if county_code is None or not by.sees(county_code):
        raise UnknownViolation(f"violation {violation_id!r}: no such id; list them with /api/v1/violations")
    violation = session.get_one(Violation, violation_id, with_for_update=True)
    life = transitions(session, [violation_id])
    if step not in steps(violation.state, unseen=unseen_since_ms(life) is not None):
        last = next(one for one in reversed(life) if one.kind != "comment")
        expected = " or ".join(state for state, leads in STEPS.items() if step in leads)
        raise WrongState(
            f"violation {violation_id}: expected state {expected}, got {violation.state} "
            f"since {iso(last.at_ms)} by {last.author}",
            violation.state,
            last.author,
            last.at_ms,
        )
    return _Standing(violation, county_code, step, by)


def _decide(
    session: Session, violation_id: str, step: str, verdict: str, by: Who, reason: str, now_ms: int
) -> Violation:
    at = _stand(session, violation_id, step, by)
    said = needed("reason", reason)
    at.violation.verdict = verdict
    return _write(session, at, verdict, said, now_ms)


def _write(
    session: Session, at: _Standing, to_state: str, reason: str, now_ms: int, *,
    kind: str = "step", assignee: str | None = None,
) -> Violation:  # fmt: skip
    violation, was = at.violation, at.violation.state
    violation.state = to_state
    session.add(violation)
    session.add(
        Transition(
            violation_id=violation.id,
            at_ms=now_ms,
            from_state=was,
            to_state=to_state,
            author=at.by.name,
            reason=reason,
            kind=kind,
            assignee=assignee,
        )
    )
    detail = {"was": was, "became": to_state, "reason": reason} | ({"assignee": assignee} if assignee else {})
    audit.write(session, at.by, f"violation.{at.step}", violation.id, now_ms, **detail)
    session.flush()
    return violation


def _said(field: str, text: str, chars_max: int = REASON_CHARS_MAX) -> str:
    said = text.strip()
    if len(said) > chars_max:
        raise WrongInput(field, f"expected at most {chars_max} characters, got {len(said)}")
    if any(char < " " and char not in "\n\t" for char in said):
        raise WrongInput(field, "expected text, got control characters in it")
    return said


def needed(field: str, text: str, chars_max: int = REASON_CHARS_MAX) -> str:
    """What somebody wrote, without the space around it.

    Raises:
        WrongInput: nothing, too much, or control characters.
    """
    said = _said(field, text, chars_max)
    if not said:
        raise WrongInput(field, "expected some words, got none; write why")
    return said
