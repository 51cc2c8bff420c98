"""Violations as people and machines read them: what happened, by which numbers, and who did what about it."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from server.tables import Enterprise, Furnace, Seal, Site, StoredFinding, Transition, Violation

_STATES = ("open", "acknowledged", "closed")
_SEVERITIES = ("red", "amber")


class ViolationRow(BaseModel):
    """One violation in a list.

    Attributes:
        first_ms, raised_ms, last_ms, ended_ms: event times of the first sample, of the one that satisfied the rule,
            of the last that shows it, and of its end (null while it goes on).
        detected_ms: server time at which it was stored.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    seal_id: str
    enterprise: str
    site: str
    county_code: str
    furnace: str
    code: str
    severity: str
    state: str
    first_ms: int
    raised_ms: int
    last_ms: int
    ended_ms: int | None
    detected_ms: int
    reason_zh: str
    reason_en: str


class FindingNumbers(BaseModel):
    """The numbers behind a verdict, and which of the agent's envelopes hold them.

    Attributes:
        statistic, threshold, peak: in `unit`; resumed_power's peak is the draw itself, in W.
        energy_wh: by the meter's register since first_ms, where it was read.
        false_alarms_per_year: expected of the threshold on one idle seal.
    """

    model_config = ConfigDict(extra="forbid")

    code: str
    severity: str
    meter: str
    first_ms: int
    raised_ms: int
    last_ms: int
    ended_ms: int | None
    statistic: float
    threshold: float
    unit: str
    peak: float
    energy_wh: float | None
    false_alarms_per_year: float
    agent_id: str
    first_seq: int
    last_seq: int


class Step(BaseModel):
    """One step in a violation's life."""

    model_config = ConfigDict(extra="forbid")

    at_ms: int
    from_state: str | None
    to_state: str
    author: str
    reason: str


class Evidence(BaseModel):
    """The envelopes of one agent that hold what happened."""

    model_config = ConfigDict(extra="forbid")

    agent_id: str
    first_seq: int
    last_seq: int


class ViolationDetail(ViolationRow):
    """One violation with its findings, its life and where its evidence is.

    Attributes:
        findings: in the order of their first samples.
        transitions: in the order in which they happened.
        evidence: one range an agent, over all findings.
    """

    findings: list[FindingNumbers]
    transitions: list[Step]
    evidence: list[Evidence]


def violation_rows(session: Session, *, state: str | None, limit: int | None = None) -> list[ViolationRow]:
    """Violations: unacknowledged first, then the red, then what goes on, then the newest.

    Args:
        session: the transaction.
        state: only those in this state (open, acknowledged, closed); None for all.
        limit: only so many of the newest.
    """
    query = _joined().order_by(col(Violation.first_ms).desc()).limit(limit)
    if state is not None:
        query = query.where(Violation.state == state)
    return sorted((_row(*found) for found in session.exec(query).all()), key=_urgency)


def violation(session: Session, violation_id: str) -> ViolationDetail | None:
    """One violation, or None where no such id is."""
    found = session.exec(_joined().where(Violation.id == violation_id)).first()
    if found is None:
        return None
    findings = session.exec(
        select(StoredFinding)
        .where(StoredFinding.violation_id == violation_id)
        .order_by(col(StoredFinding.first_ms), col(StoredFinding.id))
    ).all()
    steps = session.exec(
        select(Transition).where(Transition.violation_id == violation_id).order_by(col(Transition.id))
    ).all()
    return ViolationDetail(
        **_row(*found).model_dump(),
        findings=[FindingNumbers(**f.model_dump(include=set(FindingNumbers.model_fields))) for f in findings],
        transitions=[Step(**s.model_dump(include=set(Step.model_fields))) for s in steps],
        evidence=_evidence(findings),
    )


def _joined() -> Select[Violation, Furnace, Site, Enterprise]:
    return (
        select(Violation, Furnace, Site, Enterprise)
        .join(Seal, col(Seal.id) == col(Violation.seal_id))
        .join(Furnace, col(Furnace.id) == col(Seal.furnace_id))
        .join(Site, col(Site.id) == col(Furnace.site_id))
        .join(Enterprise, col(Enterprise.id) == col(Site.enterprise_id))
    )


def _row(violation: Violation, furnace: Furnace, site: Site, enterprise: Enterprise) -> ViolationRow:
    return ViolationRow(
        enterprise=enterprise.name,
        site=site.name,
        county_code=site.county_code,
        furnace=furnace.name,
        **violation.model_dump(),
    )


def _urgency(row: ViolationRow) -> tuple[int, int, bool, int]:
    return (_STATES.index(row.state), _SEVERITIES.index(row.severity), row.ended_ms is not None, -row.first_ms)


def _evidence(findings: Sequence[StoredFinding]) -> list[Evidence]:
    ranges: dict[str, Evidence] = {}
    for f in findings:
        known = ranges.get(f.agent_id)
        first = min(f.first_seq, known.first_seq) if known else f.first_seq
        last = max(f.last_seq, known.last_seq) if known else f.last_seq
        ranges[f.agent_id] = Evidence(agent_id=f.agent_id, first_seq=first, last_seq=last)
    return list(ranges.values())
