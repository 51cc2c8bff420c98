"""What happened to violations, one after the other: the shift's log."""

from sqlmodel import Session, col, select

from server.access.counties import seals_of
from server.tables import Transition, Violation
from server.views.steps import Step, shown_names, step_of
from server.views.violations import places


class LogLine(Step):
    """A step among those of other violations, with what it was done to."""

    violation_id: str
    seal_id: str
    code: str
    severity: str
    enterprise: str
    furnace: str
    county_code: str


def log(session: Session, *, since_ms: int, limit: int, counties: frozenset[str] = frozenset()) -> list[LogLine]:
    """What happened to all violations, the newest first.

    Args:
        session: the transaction.
        since_ms: server time from which on.
        limit: only so many of the newest.
        counties: only of these; empty is every county.
    """
    query = select(Transition).where(col(Transition.at_ms) >= since_ms)
    if counties:
        seen = select(Violation.id).where(col(Violation.seal_id).in_(seals_of(counties)))
        query = query.where(col(Transition.violation_id).in_(seen))
    steps = session.exec(query.order_by(col(Transition.id).desc()).limit(limit)).all()
    about = places(session, {step.violation_id for step in steps})
    shown = shown_names(session, steps)
    lines = list[LogLine]()
    for step in steps:
        violation, furnace, site, enterprise = about[step.violation_id]
        lines.append(
            LogLine(
                **step_of(step, shown).model_dump(),
                violation_id=violation.id,
                seal_id=violation.seal_id,
                code=violation.code,
                severity=violation.severity,
                enterprise=enterprise.name,
                furnace=furnace.name,
                county_code=site.county_code,
            )
        )
    return lines
