"""The sealed furnaces, each with what it is now and what is proved of today. Reads stored rows, decides nothing."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import Select

from server.detect.finding import Coverage
from server.last_values import last_values
from server.standing import SETTLED
from server.tables import Agent, CoverageSpan, Enterprise, Furnace, Meter, Pledge, Seal, Site, Violation
from server.views.state import SealState, in_force, seal_state
from server.views.today import CoveragePart, CoverageToday, day_start_ms, today
from server.views.today_spans import spans_since
from wire.quantities import Quantity

FURNACE_METER = "furnace"


class OpenViolation(BaseModel):
    """A violation that is neither dismissed nor closed."""

    model_config = ConfigDict(extra="forbid")

    id: str
    code: str
    severity: str
    state: str
    ended_ms: int | None


class AgentHeard(BaseModel):
    """An agent at the seal.

    Attributes:
        heard_ms: server time of its last accepted envelope.
        last_row_ms: event time of its newest row.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    heard_ms: int | None
    last_row_ms: int | None


class SealRow(BaseModel):
    """One sealed furnace.

    Attributes:
        allowed_kw: draw that the pledge allows; null where no pledge is stored.
        state, state_reason: what it is now and why (a finding's code, or coverage's reason).
        last_power_w, last_power_ms: |P| of the furnace's meter as last read, and when; null where none was.
        today: shares of the Beijing day up to now.
        violations: those that are neither dismissed nor closed.
    """

    model_config = ConfigDict(extra="forbid")

    id: str
    enterprise: str
    site: str
    county_code: str
    furnace: str
    kind: str
    shell: str | None
    tonnes: float
    rated_kw: float
    allowed_kw: float | None
    from_ms: int
    until_ms: int | None
    dismantle_by_ms: int | None
    state: SealState
    state_reason: str
    last_power_w: float | None
    last_power_ms: int | None
    agents: list[AgentHeard]
    today: CoverageToday
    violations: list[OpenViolation]


def seal_rows(
    session: Session, now_ms: int, counties: frozenset[str] = frozenset(), *, after: str = "", limit: int | None = None
) -> list[SealRow]:
    """Seals, by their numbers.

    Args:
        session: the transaction.
        now_ms: server time.
        counties: only of these; none is every county.
        after: only those after this number.
        limit: at most so many.
    """
    chosen = _joined(counties).where(col(Seal.id) > after).order_by(Seal.id).limit(limit)
    return _rows(session, session.exec(chosen).all(), now_ms)


def seal_row(session: Session, seal_id: str, now_ms: int, counties: frozenset[str] = frozenset()) -> SealRow | None:
    """One seal, or None where no such number is in these counties."""
    found = session.exec(_joined(counties).where(Seal.id == seal_id)).all()
    return next(iter(_rows(session, found, now_ms)), None)


_Place = tuple[Seal, Furnace, Site, Enterprise]


def _joined(counties: frozenset[str]) -> Select[Seal, Furnace, Site, Enterprise]:
    joined = (
        select(Seal, Furnace, Site, Enterprise)
        .join(Furnace, col(Furnace.id) == col(Seal.furnace_id))
        .join(Site, col(Site.id) == col(Furnace.site_id))
        .join(Enterprise, col(Enterprise.id) == col(Site.enterprise_id))
    )
    return joined.where(col(Site.county_code).in_(counties)) if counties else joined


def _rows(session: Session, places: Sequence[_Place], now_ms: int) -> list[SealRow]:
    around = _Around(session, [seal.id for seal, *_ in places], now_ms)
    return [_row(place, around, now_ms) for place in places]


class _Around:
    """What is stored around seals, each kind read once for all of them."""

    def __init__(self, session: Session, ids: list[str], now_ms: int) -> None:
        pledges = select(Pledge.seal_id, Pledge.allowed_kw).where(col(Pledge.seal_id).in_(ids))
        self.allowed_kw = dict(session.exec(pledges).all())
        meters = session.exec(select(Meter).where(col(Meter.seal_id).in_(ids)).order_by(col(Meter.id))).all()
        told = {
            id_: (heard, row) for id_, heard, row in session.exec(select(Agent.id, Agent.heard_ms, Agent.last_row_ms))
        }
        self.agents: dict[str, list[AgentHeard]] = {seal_id: [] for seal_id in ids}
        for seal_id, agent_id in dict.fromkeys((m.seal_id, m.agent_id) for m in meters):
            heard_ms, last_row_ms = told.get(agent_id, (None, None))
            self.agents[seal_id].append(AgentHeard(id=agent_id, heard_ms=heard_ms, last_row_ms=last_row_ms))
        furnace_meters = {m.seal_id: (m.agent_id, m.name) for m in reversed(meters) if m.role == FURNACE_METER}
        draws = last_values(session, list(furnace_meters.values()), Quantity.ACTIVE_POWER_W)
        self.draws = {seal_id: draws[at] for seal_id, at in furnace_meters.items() if at in draws}
        self.spans = spans_since(session, ids, day_start_ms(now_ms))
        self.violations = _violations(session, ids)


def _violations(session: Session, ids: list[str]) -> dict[str, list[OpenViolation]]:
    violations: dict[str, list[OpenViolation]] = {seal_id: [] for seal_id in ids}
    query = select(Violation).where(col(Violation.state).not_in(SETTLED), col(Violation.seal_id).in_(ids))
    for v in session.exec(query.order_by(col(Violation.first_ms))).all():
        violations[v.seal_id].append(OpenViolation(**v.model_dump(include=set(OpenViolation.model_fields))))
    return violations


def part(span: CoverageSpan) -> CoveragePart:
    """A stored span as pages and curves use it."""
    return CoveragePart(from_ms=span.from_ms, to_ms=span.to_ms, state=Coverage(span.state), reason=span.reason)


def _row(place: _Place, around: _Around, now_ms: int) -> SealRow:
    seal, furnace, site, enterprise = place
    spans, violations = around.spans[seal.id], around.violations[seal.id]
    sealed = in_force(seal.from_ms, seal.until_ms, now_ms)
    state, reason = seal_state(violations, spans[-1] if spans else None, now_ms, sealed=sealed)
    last = around.draws.get(seal.id)
    return SealRow(
        id=seal.id,
        enterprise=enterprise.name,
        site=site.name,
        county_code=site.county_code,
        furnace=furnace.name,
        kind=furnace.kind,
        shell=furnace.shell,
        tonnes=furnace.tonnes,
        rated_kw=furnace.rated_kw,
        allowed_kw=around.allowed_kw.get(seal.id),
        from_ms=seal.from_ms,
        until_ms=seal.until_ms,
        dismantle_by_ms=seal.dismantle_by_ms,
        state=state,
        state_reason=reason,
        last_power_w=None if last is None else last.value,
        last_power_ms=None if last is None else last.t_ms,
        agents=around.agents[seal.id],
        today=today(spans, seal.from_ms, seal.until_ms, now_ms),
        violations=violations,
    )
