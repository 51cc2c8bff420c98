"""How the sealed furnaces of each county stand now: what they are, and what is proved of today."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from server.county_names import county_name
from server.detect.finding import Severity
from server.standing import SETTLED, is_unseen
from server.tables import Furnace, Seal, Site, Violation
from server.views.state import SealState, in_force, seal_state
from server.views.today import CoveragePart, CoverageToday, day_start_ms, longest_unproved_ms, share, today_parts
from server.views.today_spans import spans_since


class CountyRow(BaseModel):
    """One county.

    Attributes:
        code, name, name_en: GB/T 2260, and in pinyin; the name is the code where we have none.
        seals: how many are registered.
        today: the time of all its seals since midnight in Beijing, by what is proved.
        longest_unproved_ms: the longest unproved time of one seal today.
        states: how many seals are in which state; states that no seal is in are absent.
        red, amber: violations that wait for a person.
    """

    model_config = ConfigDict(extra="forbid")

    code: str
    name: str
    name_en: str
    seals: int
    today: CoverageToday
    longest_unproved_ms: int
    states: dict[SealState, int]
    red: int
    amber: int


def county_shares(session: Session, now_ms: int, counties: frozenset[str] = frozenset()) -> list[CountyRow]:
    """The counties in which something is sealed, by code.

    Args:
        session: the transaction.
        now_ms: server time.
        counties: only these; none is all.
    """
    query = (
        select(Seal.id, Seal.from_ms, Seal.until_ms, Site.county_code)
        .join(Furnace, col(Furnace.id) == col(Seal.furnace_id))
        .join(Site, col(Site.id) == col(Furnace.site_id))
    )
    query = query.where(col(Site.county_code).in_(counties)) if counties else query
    seals = session.exec(query).all()
    spans = spans_since(session, [seal_id for seal_id, *_ in seals], day_start_ms(now_ms))
    violations, unseen = _pending(session)
    sums: dict[str, _Sum] = defaultdict(_Sum)
    for seal_id, from_ms, until_ms, county_code in seals:
        mine, ongoing = spans[seal_id], violations[seal_id]
        sealed = in_force(from_ms, until_ms, now_ms)
        state, _ = seal_state(ongoing, mine[-1] if mine else None, now_ms, sealed=sealed)
        parts = today_parts(mine, from_ms, until_ms, now_ms)
        sums[county_code].add(state, parts, [v.severity for v in ongoing if v.id in unseen])
    return [total.row(code) for code, total in sorted(sums.items())]


class _Sum:
    """What the seals of one county add up to."""

    def __init__(self) -> None:
        self._states: Counter[SealState] = Counter()
        self._shares: Counter[str] = Counter()
        self._unseen: Counter[str] = Counter()
        self._longest_ms = 0

    def add(self, state: SealState, parts: Sequence[CoveragePart], unseen: Sequence[str]) -> None:
        """One seal: its state, its day, the severities of what nobody has acknowledged."""
        self._states[state] += 1
        self._unseen.update(unseen)
        for part in parts:
            self._shares[share(part)] += part.to_ms - part.from_ms
        self._longest_ms = max(self._longest_ms, longest_unproved_ms(parts))

    def row(self, code: str) -> CountyRow:
        """The county."""
        return CountyRow(
            code=code,
            name=county_name(code),
            name_en=county_name(code, "en"),
            seals=self._states.total(),
            today=CoverageToday(**{name: self._shares[name] for name in CoverageToday.model_fields}),
            longest_unproved_ms=self._longest_ms,
            states=dict(self._states),
            red=self._unseen[Severity.RED.value],
            amber=self._unseen[Severity.AMBER.value],
        )


def _pending(session: Session) -> tuple[dict[str, list[Violation]], set[str]]:
    """What is neither dismissed nor closed, by seal, and the ids of what waits for a person."""
    pending = col(Violation.state).not_in(SETTLED)
    violations: dict[str, list[Violation]] = defaultdict(list)
    for violation in session.exec(select(Violation).where(pending).order_by(col(Violation.first_ms))):
        violations[violation.seal_id].append(violation)
    return violations, set(session.exec(select(Violation.id).where(pending, is_unseen())))
