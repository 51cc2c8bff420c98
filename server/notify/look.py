"""What time alone makes worth telling: a red violation that nobody looks at, and what no finding reports."""

import msgspec
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, exists, func, or_, select

from server.life import STATES
from server.notify.channels import AlertsFile
from server.notify.events import Kind, write
from server.notify.log import TELLING, Outcome
from server.notify.tables import AlertEvent, AlertLog
from server.standing import SETTLED, SYSTEM, is_unseen, transitions, unseen_since_ms
from server.tables import Mute, Transition, Violation

CHATTER_MS = 600_000
"""What was told as ended and goes on again is told anew after so long only: chattering is one violation."""

_NOT_CLOSED = tuple(state for state in STATES if state != "closed")
_LIFE = (Kind.NEW.value, Kind.STRONGER.value, Kind.ENDED.value)


class Muted(msgspec.Struct, frozen=True):
    """The seals and counties that are muted now."""

    seals: frozenset[str]
    counties: frozenset[str]

    def holds(self, violation: Violation, event: AlertEvent) -> bool:
        """Whether no message may go out about a violation; the event tells its county."""
        return violation.seal_id in self.seals or event.county_code in self.counties


def look(session: Session, alerts: AlertsFile, now_ms: int) -> None:
    """Write the events that are due.

    Args:
        session: a transaction.
        alerts: the settings.
        now_ms: server time: how long somebody had to acknowledge is no matter of event time.
    """
    muted = _muted(session, now_ms)
    if alerts.escalate_after_min is not None:
        _escalate(session, muted, now_ms, now_ms - round(alerts.escalate_after_min * 60_000))
    _follow(session, muted, now_ms)


def _escalate(session: Session, muted: Muted, now_ms: int, before_ms: int) -> None:
    """Once for each time that a red violation waits for a person too long; one that is muted waits until it is not."""
    waiting = session.exec(
        select(Violation, AlertEvent)
        .join(AlertEvent, col(AlertEvent.id) == _newest())
        .where(Violation.severity == "red", col(Violation.state).not_in(SETTLED), Violation.detected_ms <= before_ms)
        .where(is_unseen(), ~_escalated_since_seen())
    ).all()
    lives: dict[str, list[Transition]] = {violation.id: [] for violation, _ in waiting}
    for step in transitions(session, list(lives)):
        lives[step.violation_id].append(step)
    for violation, event in waiting:
        since_ms = unseen_since_ms(lives[violation.id])
        if since_ms is not None and since_ms <= before_ms and not muted.holds(violation, event):
            write(session, violation, Kind.ESCALATED, now_ms)


def _escalated_since_seen() -> ColumnElement[bool]:
    """Whether the violation of the query around it was escalated after a person's last step; muted is not told."""
    seen_ms = (
        select(func.coalesce(func.max(Transition.at_ms), 0))
        .where(col(Transition.violation_id) == col(Violation.id))
        .where(Transition.kind != "comment", Transition.author != SYSTEM)
        .correlate(Violation)
        .scalar_subquery()
    )
    escalated = exists().where(
        col(AlertEvent.violation_id) == col(Violation.id),
        col(AlertEvent.kind) == Kind.ESCALATED.value,
        col(AlertEvent.at_ms) > seen_ms,
        ~_became(Outcome.MUTED.value),
    )
    return escalated.correlate(Violation)


def _follow(session: Session, muted: Muted, now_ms: int) -> None:
    """What ended without a finding that says so (silence does), goes on after its end, or outlasts its mute."""
    going_on = col(Violation.ended_ms).is_(None)
    told_ended = AlertEvent.kind == Kind.ENDED.value
    unheard = going_on & col(Violation.state).not_in(SETTLED) & ~told_ended & _became(Outcome.MUTED.value)
    found = session.exec(
        select(Violation, AlertEvent)
        .join(AlertEvent, col(AlertEvent.id) == _newest())
        .where(col(Violation.state).in_(_NOT_CLOSED), or_(going_on == told_ended, unheard))
    ).all()
    for violation, event in found:
        if violation.ended_ms is not None:
            write(session, violation, Kind.ENDED, now_ms)
        elif event.kind == Kind.ENDED.value:
            if now_ms - event.at_ms >= CHATTER_MS:
                write(session, violation, Kind.NEW, now_ms)
        elif not muted.holds(violation, event):
            write(session, violation, _unheard(session, violation, event), now_ms)


def _unheard(session: Session, violation: Violation, event: AlertEvent) -> Kind:
    """What a mute kept from people: that it began, or, where they know that, that it grew stronger or came back."""
    heard = session.exec(
        select(AlertLog.id)
        .join(AlertEvent, col(AlertEvent.id) == col(AlertLog.event_id))
        .where(AlertEvent.violation_id == violation.id, col(AlertLog.outcome).in_(TELLING))
        .limit(1)
    ).first()
    return Kind.NEW if heard is None else Kind(event.kind)


def _newest() -> ColumnElement[int]:
    """Of the violation of the query around it the newest event of its own life."""
    return (
        select(func.max(AlertEvent.id))
        .where(col(AlertEvent.violation_id) == col(Violation.id), col(AlertEvent.kind).in_(_LIFE))
        .correlate(Violation)
        .scalar_subquery()
    )


def _became(*outcomes: str) -> ColumnElement[bool]:
    """Whether the event of the query around it became this for a channel."""
    rows = exists().where(col(AlertLog.event_id) == col(AlertEvent.id), col(AlertLog.outcome).in_(outcomes))
    return rows.correlate(AlertEvent)


def _muted(session: Session, now_ms: int) -> Muted:
    """The mutes in force, as `mutes.of` has them."""
    found = session.exec(
        select(Mute.seal_id, Mute.county_code)
        .where(col(Mute.from_ms) <= now_ms, col(Mute.until_ms) > now_ms)
        .where(or_(col(Mute.ended_ms).is_(None), col(Mute.ended_ms) > now_ms))
    ).all()
    return Muted(
        frozenset(seal_id for seal_id, _ in found if seal_id is not None),
        frozenset(county for _, county in found if county is not None),
    )
