"""Violations as people and machines read them: what happened, by which numbers, and who did what about it."""

from collections.abc import Collection, Sequence
from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from sqlalchemy import tuple_
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from server import standing
from server.tables import Enterprise, Furnace, Seal, Site, StoredFinding, Violation
from server.views.mutes import MuteRow, last_mutes
from server.views.steps import Life, Step, lives, shown_as

_SEVERITIES = ("red", "amber")


class Group(StrEnum):
    """Where a violation stands on the board."""

    UNSEEN = "unseen"
    """It waits for a person."""
    WORKING = "working"
    """Somebody saw it, and it is not closed yet."""
    SHELVED = "shelved"
    """Its seal is muted: by a person, with a reason and an end."""
    CLOSED = "closed"


class ViolationRow(BaseModel):
    """One violation in a list.

    Attributes:
        first_ms, raised_ms, last_ms, ended_ms: event times of the first sample, of the one that satisfied the rule,
            of the last that shows it, and of its end (null while it goes on).
        detected_ms: server time at which it was stored.
        assignee: the account that was sent last; assignee_shown is how pages call it.
        verdict: confirmed or dismissed, kept when it is closed; null while nothing is decided.
        steps: what leads on from here, for whoever has the right (`life.NEEDS`).
        unseen_since_ms, sounded_ms, last_step: see `views.steps.Life`.
        muted_until_ms: when the last mute of its seal or county ends; it holds while this lies ahead.
        shelved: the last mute of the seal itself, which nobody ended; it holds while its end lies ahead.
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
    assignee: str | None
    assignee_shown: str | None
    verdict: str | None
    steps: list[str]
    unseen_since_ms: int | None
    sounded_ms: int | None
    last_step: Step | None
    muted_until_ms: int | None
    shelved: MuteRow | None

    def group(self, now_ms: int) -> Group:
        """Where it stands on the board at a moment."""
        if self.state == "closed":
            return Group.CLOSED
        if self.shelved is not None and self.shelved.until_ms > now_ms:
            return Group.SHELVED
        return Group.WORKING if self.unseen_since_ms is None else Group.UNSEEN


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


class Wanted(BaseModel):
    """Which violations; null asks nothing.

    Attributes:
        unseen: only those that wait for a person, or only those that do not.
        assignee: only those to which this account was sent last.
    """

    model_config = ConfigDict(extra="forbid")

    state: str | None = None
    seal_id: str | None = None
    assignee: str | None = None
    unseen: bool | None = None


def violation_rows(
    session: Session,
    *,
    state: str | None = None,
    seal_id: str | None = None,
    pending: bool = False,
    limit: int | None = None,
    counties: frozenset[str] = frozenset(),
) -> list[ViolationRow]:
    """Violations: what waits for a person first, then by state, then the red, then what goes on, then the newest.

    Args:
        session: the transaction.
        state: only those in this state (`standing.STATES`); None for all.
        seal_id: only those of this seal.
        pending: only those that are not closed.
        limit: only so many of the newest.
        counties: only of these; empty is every county.
    """
    query = _chosen(Wanted(state=state, seal_id=seal_id), counties)
    if pending:
        query = query.where(Violation.state != "closed")
    newest = query.order_by(col(Violation.first_ms).desc(), col(Violation.id)).limit(limit)
    return sorted(_rows(session, session.exec(newest).all()), key=_urgency)


def violation_page(
    session: Session,
    wanted: Wanted,
    *,
    limit: int,
    after: tuple[int, str] | None = None,
    counties: frozenset[str] = frozenset(),
) -> list[ViolationRow]:
    """A page of violations in the order in which they were stored, the newest first: that order never changes.

    Args:
        session: the transaction.
        wanted: which.
        limit: at most so many.
        after: detected_ms and id of the row before.
        counties: only of these; empty is every county.
    """
    query = _chosen(wanted, counties).order_by(col(Violation.detected_ms).desc(), col(Violation.id).desc())
    if after is not None:
        query = query.where(tuple_(col(Violation.detected_ms), col(Violation.id)) < after)
    return _rows(session, session.exec(query.limit(limit)).all())


def violation(session: Session, violation_id: str, counties: frozenset[str] = frozenset()) -> ViolationDetail | None:
    """One violation, or None where no such id is in these counties."""
    found = session.exec(_chosen(Wanted(), counties).where(Violation.id == violation_id)).first()
    if found is None:
        return None
    findings = session.exec(
        select(StoredFinding)
        .where(StoredFinding.violation_id == violation_id)
        .order_by(col(StoredFinding.first_ms), col(StoredFinding.id))
    ).all()
    around = _Around(session, [found])
    return ViolationDetail(
        **_row(found, around).model_dump(),
        findings=[FindingNumbers(**f.model_dump(include=set(FindingNumbers.model_fields))) for f in findings],
        transitions=around.lives[violation_id].steps,
        evidence=_evidence(findings),
    )


Place = tuple[Violation, Furnace, Site, Enterprise]


def places(session: Session, violation_ids: Collection[str]) -> dict[str, Place]:
    """Violations with furnace, site and enterprise, by their ids."""
    found = session.exec(_joined().where(col(Violation.id).in_(violation_ids))).all()
    return {place[0].id: place for place in found}


def _chosen(wanted: Wanted, counties: frozenset[str]) -> Select[Violation, Furnace, Site, Enterprise]:
    query = _joined()
    for column, value in (
        (Violation.state, wanted.state),
        (Violation.seal_id, wanted.seal_id),
        (Violation.assignee, wanted.assignee),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.unseen is not None:
        query = query.where(standing.is_unseen() if wanted.unseen else ~standing.is_unseen())
    return query.where(col(Site.county_code).in_(counties)) if counties else query


def _joined() -> Select[Violation, Furnace, Site, Enterprise]:
    return (
        select(Violation, Furnace, Site, Enterprise)
        .join(Seal, col(Seal.id) == col(Violation.seal_id))
        .join(Furnace, col(Furnace.id) == col(Seal.furnace_id))
        .join(Site, col(Site.id) == col(Furnace.site_id))
        .join(Enterprise, col(Enterprise.id) == col(Site.enterprise_id))
    )


class _Around:
    """What is stored around violations, each kind read once for all of them."""

    def __init__(self, session: Session, places: Sequence[Place]) -> None:
        self.lives: dict[str, Life] = lives(session, [v.id for v, *_ in places])
        self.shown = shown_as(session, (v.assignee for v, *_ in places if v.assignee is not None))
        seals, counties = {v.seal_id for v, *_ in places}, {site.county_code for _, _, site, _ in places}
        self.mutes = last_mutes(session, sorted(seals), sorted(counties))


def _rows(session: Session, places: Sequence[Place]) -> list[ViolationRow]:
    around = _Around(session, places)
    return [_row(place, around) for place in places]


def _row(place: Place, around: _Around) -> ViolationRow:
    violation, furnace, site, enterprise = place
    lived = around.lives[violation.id]
    shelved, muted = around.mutes.get(violation.seal_id), around.mutes.get(site.county_code)
    steps = standing.steps(violation.state, unseen=lived.unseen_since_ms is not None)
    return ViolationRow(
        enterprise=enterprise.name,
        site=site.name,
        county_code=site.county_code,
        furnace=furnace.name,
        assignee_shown=None if violation.assignee is None else around.shown.get(violation.assignee, violation.assignee),
        steps=list(steps),
        muted_until_ms=max((mute.until_ms for mute in (shelved, muted) if mute is not None), default=None),
        shelved=shelved,
        **lived.model_dump(include={"unseen_since_ms", "sounded_ms", "last_step"}),
        **violation.model_dump(),
    )


def _urgency(row: ViolationRow) -> tuple[bool, int, int, bool, int]:
    return (
        row.unseen_since_ms is None,
        standing.STATES.index(row.state),
        _SEVERITIES.index(row.severity),
        row.ended_ms is not None,
        -row.first_ms,
    )


def _evidence(findings: Sequence[StoredFinding]) -> list[Evidence]:
    ranges: dict[str, Evidence] = {}
    for f in findings:
        known = ranges.get(f.agent_id)
        first = min(f.first_seq, known.first_seq) if known else f.first_seq
        last = max(f.last_seq, known.last_seq) if known else f.last_seq
        ranges[f.agent_id] = Evidence(agent_id=f.agent_id, first_seq=first, last_seq=last)
    return list(ranges.values())
