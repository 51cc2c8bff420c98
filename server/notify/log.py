"""What became of every event for every channel, and why: the record that answers "who was told?"."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, and_, col, or_, select

from server.notify.tables import AlertEvent, AlertLog, AlertMessage
from server.tables import Violation

Delivery = Literal["delivered", "waiting", "none"]


class Outcome(StrEnum):
    """What became of one event for one channel."""

    TOLD = "told"
    GROUPED = "grouped"
    MUTED = "muted"
    REPEATED = "repeated"
    OVER = "over"
    NOT_FOR_CHANNEL = "not_for_channel"


TELLING = (Outcome.TOLD.value, Outcome.GROUPED.value)


class Told(BaseModel):
    """One event for one channel.

    Attributes:
        at_ms: when it was decided.
        why: why this channel got it, e.g. 值班/闽侯县/红色, or why not.
        delivery: delivered, waiting (still tried), or none where no message was made of it.
        sent_ms: when the receiver had it; null while it is tried.
        last_error: why the last attempt failed; where it is delivered, which of several recipients will never have
            it, and why. Never an address or a secret.
    """

    model_config = ConfigDict(extra="forbid")

    id: int
    at_ms: int
    kind: str
    violation_id: str | None
    seal_id: str | None
    topic: str
    code: str
    severity: str
    county_code: str
    channel: str
    outcome: Outcome
    why: str
    message_id: str | None
    delivery: Delivery
    sent_ms: int | None
    attempts: int
    last_error: str | None


def told(session: Session, violation_id: str) -> list[Told]:
    """Who was told of a violation, who was not, and why; oldest first."""
    return rows(session, violation_id=violation_id, newest_first=False)


def rows(  # noqa: PLR0913 - each is one way to look for rows
    session: Session,
    *,
    violation_id: str | None = None,
    channel: str | None = None,
    outcome: Outcome | None = None,
    counties: frozenset[str] = frozenset(),
    before_id: int | None = None,
    limit: int | None = None,
    newest_first: bool = True,
) -> list[Told]:
    """The log.

    Args:
        session: the transaction.
        violation_id: only of this violation.
        channel: only of this channel.
        outcome: only what became this.
        counties: only of these; empty is every county, and the server's own troubles too.
        before_id: only rows older than this one.
        limit: at most so many.
        newest_first: the order.
    """
    query = (
        select(AlertLog, AlertEvent, AlertMessage, Violation.seal_id)
        .join(AlertEvent, col(AlertEvent.id) == col(AlertLog.event_id))
        .join(AlertMessage, col(AlertMessage.id) == col(AlertLog.message_id), isouter=True)
        .join(Violation, col(Violation.id) == col(AlertEvent.violation_id), isouter=True)
        .order_by(col(AlertLog.id).desc() if newest_first else col(AlertLog.id))
        .limit(limit)
    )
    if violation_id is not None:
        query = query.where(AlertEvent.violation_id == violation_id)
    if channel is not None:
        query = query.where(AlertLog.channel == channel)
    if outcome is not None:
        query = query.where(AlertLog.outcome == outcome.value)
    if counties:
        query = query.where(col(AlertEvent.county_code).in_(counties))
    if before_id is not None:
        query = query.where(col(AlertLog.id) < before_id)
    return [_told(*found) for found in session.exec(query).all()]


def all_told(
    session: Session, channels: Iterable[str], violation_ids: Iterable[str], topics: Iterable[str]
) -> list[tuple[str, AlertEvent]]:
    """Channel and event of all that was told of some violations and topics, in the order in which it happened."""
    about = or_(
        col(AlertEvent.violation_id).in_(list(violation_ids)),
        and_(col(AlertEvent.violation_id).is_(None), col(AlertEvent.topic).in_(list(topics))),
    )
    return list(
        session.exec(
            select(AlertLog.channel, AlertEvent)
            .join(AlertEvent, col(AlertEvent.id) == col(AlertLog.event_id))
            .where(col(AlertLog.channel).in_(list(channels)), col(AlertLog.outcome).in_(TELLING), about)
            .order_by(col(AlertEvent.id))
        ).all()
    )


def _told(log: AlertLog, event: AlertEvent, message: AlertMessage | None, seal_id: str | None) -> Told:
    delivery: Delivery = "none" if message is None else "waiting" if message.sent_ms is None else "delivered"
    return Told(
        id=log.id or 0,
        at_ms=log.at_ms,
        kind=event.kind,
        violation_id=event.violation_id,
        seal_id=seal_id,
        topic=event.topic,
        code=event.code,
        severity=event.severity,
        county_code=event.county_code,
        channel=log.channel,
        outcome=Outcome(log.outcome),
        why=log.why,
        message_id=log.message_id,
        delivery=delivery,
        sent_ms=None if message is None else message.sent_ms,
        attempts=0 if message is None else message.attempts,
        last_error=None if message is None else message.last_error,
    )
