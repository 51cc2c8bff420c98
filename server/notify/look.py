"""What time alone makes worth telling: a red violation that nobody acknowledges, and what no finding reports."""

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, exists, func, select

from server import mutes
from server.life import STATES
from server.notify.channels import AlertsFile
from server.notify.events import Kind, write
from server.notify.tables import AlertEvent
from server.tables import Violation

CHATTER_MS = 600_000
"""What was told as ended and goes on again is told anew after so long only: chattering is one violation."""

_NOT_CLOSED = tuple(state for state in STATES if state != "closed")
_LIFE = (Kind.NEW.value, Kind.STRONGER.value, Kind.ENDED.value)


def look(session: Session, alerts: AlertsFile, now_ms: int) -> None:
    """Write the events that are due.

    Args:
        session: a transaction.
        alerts: the settings.
        now_ms: server time: how long somebody had to acknowledge is no matter of event time.
    """
    if alerts.escalate_after_min is not None:
        _escalate(session, now_ms, now_ms - round(alerts.escalate_after_min * 60_000))
    _follow(session, now_ms)


def _escalate(session: Session, now_ms: int, before_ms: int) -> None:
    """Once for each red violation that is open for too long; one that is muted waits until it is not."""
    late = session.exec(
        select(Violation)
        .where(Violation.state == "open", Violation.severity == "red", Violation.detected_ms <= before_ms)
        .where(_noted(Kind.NEW), ~_noted(Kind.ESCALATED))
    ).all()
    for violation in late:
        if mutes.of(session, violation.seal_id, _county_of(session, violation), now_ms) is None:
            write(session, violation, Kind.ESCALATED, now_ms)


def _noted(kind: Kind) -> ColumnElement[bool]:
    """Whether an event of this kind is written for the violation of the query around it."""
    return exists().where(col(AlertEvent.violation_id) == col(Violation.id), col(AlertEvent.kind) == kind.value)


def _follow(session: Session, now_ms: int) -> None:
    """Violations that ended without a finding that says so (silence does), or that go on after they had ended."""
    newest = (
        select(func.max(AlertEvent.id))
        .where(col(AlertEvent.violation_id) == col(Violation.id), col(AlertEvent.kind).in_(_LIFE))
        .correlate(Violation)
        .scalar_subquery()
    )
    going_on = col(Violation.ended_ms).is_(None)
    told_ended = AlertEvent.kind == Kind.ENDED.value
    found = session.exec(
        select(Violation, AlertEvent)
        .join(AlertEvent, col(AlertEvent.id) == newest)
        .where(col(Violation.state).in_(_NOT_CLOSED), going_on == told_ended)
    ).all()
    for violation, event in found:
        if violation.ended_ms is not None:
            write(session, violation, Kind.ENDED, now_ms)
        elif now_ms - event.at_ms >= CHATTER_MS:
            write(session, violation, Kind.NEW, now_ms)


def _county_of(session: Session, violation: Violation) -> str:
    event = select(AlertEvent.county_code).where(AlertEvent.violation_id == violation.id).limit(1)
    return session.exec(event).one()
