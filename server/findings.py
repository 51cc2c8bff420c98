"""Findings as rows: what is stored of one, and when the meters of a violation have stopped."""

from sqlmodel import Session, and_, col, func, select

from server.detect.finding import Code, Finding
from server.tables import StoredFinding


def stored(violation_id: str, seal_id: str, agent_id: str, finding: Finding) -> StoredFinding:
    """A new row of a violation: what a rule saw in an agent's envelopes."""
    return StoredFinding(
        violation_id=violation_id,
        seal_id=seal_id,
        code=finding.code.value,
        severity=finding.severity.value,
        meter=finding.meter,
        note=finding.note,
        first_ms=finding.first_ms,
        raised_ms=finding.raised_ms,
        last_ms=finding.last_ms,
        ended_ms=finding.ended_ms,
        statistic=finding.statistic,
        threshold=finding.threshold,
        unit=finding.unit,
        false_alarms_per_year=finding.false_alarms_per_year,
        peak=finding.peak,
        energy_wh=finding.energy_wh,
        agent_id=agent_id,
        first_seq=finding.first_seq,
        last_seq=finding.last_seq,
    )


def opened(stored: StoredFinding) -> Finding:
    """What a rule saw, out of its row."""
    return Finding(
        code=Code(stored.code),
        meter=stored.meter,
        first_ms=stored.first_ms,
        raised_ms=stored.raised_ms,
        last_ms=stored.last_ms,
        ended_ms=stored.ended_ms,
        statistic=stored.statistic,
        threshold=stored.threshold,
        unit=stored.unit,
        peak=stored.peak,
        energy_wh=stored.energy_wh,
        false_alarms_per_year=stored.false_alarms_per_year,
        first_seq=stored.first_seq,
        last_seq=stored.last_seq,
        note=stored.note,
    )


def ended_ms(session: Session, violation_id: str) -> int | None:
    """When the last of a violation's meters had stopped; None while one goes on.

    Each meter's newest finding says whether that meter goes on. An older one that never ended says nothing: the rule
    for a weak draw gives way to the rule for a strong one without a word.
    """
    newest = (
        select(StoredFinding.agent_id, StoredFinding.meter, func.max(StoredFinding.last_ms).label("last_ms"))
        .where(StoredFinding.violation_id == violation_id)
        .group_by(col(StoredFinding.agent_id), col(StoredFinding.meter))
        .subquery()
    )
    ends = session.exec(
        select(StoredFinding.ended_ms)
        .join(
            newest,
            and_(
                col(StoredFinding.agent_id) == newest.c.agent_id,
                col(StoredFinding.meter) == newest.c.meter,
                col(StoredFinding.last_ms) == newest.c.last_ms,
            ),
        )
        .where(StoredFinding.violation_id == violation_id)
    ).all()
    over = [end_ms for end_ms in ends if end_ms is not None]
    return max(over) if len(over) == len(ends) else None
