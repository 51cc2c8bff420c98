"""What people may have to be told, written in the transaction that made it true, so that none is lost."""

from enum import StrEnum

from sqlmodel import Session, col, select

from server.notify.tables import AlertEvent
from server.tables import Furnace, Seal, Site, Violation
from server.violations import Change

TECHNICAL = "technical"
"""The severity of the server's own troubles: blue on pages."""


class Kind(StrEnum):
    """Why somebody is told; a violation that only grew is told to nobody."""

    NEW = "new"
    STRONGER = "stronger"
    ESCALATED = "escalated"
    ENDED = "ended"
    TROUBLE = "trouble"
    MENDED = "mended"


class OwnKind(StrEnum):
    """A trouble of the server's own begins, or is over."""

    TROUBLE = "trouble"
    MENDED = "mended"


_KINDS = {Change.OPENED: Kind.NEW, Change.STRONGER: Kind.STRONGER, Change.ENDED: Kind.ENDED}


def note(session: Session, violation: Violation, change: Change, now_ms: int) -> None:
    """Note what a finding did to a violation.

    Args:
        session: the transaction that changed it.
        violation: as it stands after the change.
        change: what the finding did; what only grew is not noted.
        now_ms: server time.
    """
    kind = _KINDS.get(change)
    if kind is None or (kind is Kind.ENDED and violation.ended_ms is None):
        return  # one of its findings ended, another goes on
    write(session, violation, kind, now_ms)
    if kind is Kind.NEW and violation.ended_ms is not None:
        write(session, violation, Kind.ENDED, now_ms)  # it came late and was over before it could be told


def write(session: Session, violation: Violation, kind: Kind, now_ms: int) -> None:
    """Write an event of a violation."""
    county_code = session.exec(
        select(Site.county_code)
        .join(Furnace, col(Furnace.site_id) == col(Site.id))
        .join(Seal, col(Seal.furnace_id) == col(Furnace.id))
        .where(Seal.id == violation.seal_id)
    ).one()
    session.add(
        AlertEvent(
            kind=kind.value,
            violation_id=violation.id,
            code=violation.code,
            severity=violation.severity,
            county_code=county_code,
            at_ms=now_ms,
        )
    )


def note_own(session: Session, topic: str, kind: OwnKind, text_zh: str, text_en: str, now_ms: int) -> bool:
    """Note a trouble of the server's own; the same topic is not noted again until it is mended.

    Args:
        session: a transaction.
        topic: what is wrong: behind, disk, broker.
        kind: whether it begins or is over.
        text_zh: what is wrong (or right again), and what to do.
        text_en: the same in English.
        now_ms: server time.

    Returns:
        Whether it was noted.
    """
    last = session.exec(
        select(AlertEvent.kind).where(AlertEvent.topic == topic).order_by(col(AlertEvent.id).desc()).limit(1)
    ).first()
    if (last or OwnKind.MENDED.value) == kind.value:
        return False
    session.add(
        AlertEvent(kind=kind.value, topic=topic, severity=TECHNICAL, text_zh=text_zh, text_en=text_en, at_ms=now_ms)
    )
    return True
