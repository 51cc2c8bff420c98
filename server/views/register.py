"""The energy register of a seal's furnace over a long time: of a furnace that stays off it is one level line."""

import msgspec
import numpy as np
from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, func, select

from server.curve import Gap, Point, extremes, parted
from server.minutes import LAST, LAST_AT, Minutes
from server.tables import Meter, StoredFinding, Violation
from server.views.coverage import stored_parts
from server.views.curve_minutes import Advance, gaps_of
from server.views.curves import meters_of
from server.views.seals import FURNACE_METER
from server.views.seen import seen_seal
from server.views.state import FRESH_MS
from server.views.stretches import ENERGY, POWER, Stretch, long_stretch
from server.views.today import CoveragePart, filled

POINTS_MAX = 1_500
GAPS_MAX = 400
"""Gaps nearer to each other than the time divided by this are told as one."""


class Register(BaseModel):
    """The register at a time.

    Attributes:
        t_ms: event time at which it was read.
    """

    model_config = ConfigDict(extra="forbid")

    t_ms: int
    energy_wh: float


class EnergyMark(BaseModel):
    """A violation with the energy that a finding of it stored."""

    model_config = ConfigDict(extra="forbid")

    violation_id: str
    code: str
    first_ms: int
    last_ms: int
    energy_wh: float


class RegisterCurve(BaseModel):
    """The register between two times.

    Attributes:
        agent_id, meter: whose it is; null where no furnace meter is registered.
        first, last: the first and the last value; null where none was read.
        points: each minute's last value where it changed, and those at the edges of gaps; null where a gap begins.
            Where there are more than can be drawn, each bucket keeps its smallest and its largest.
        gaps: time without a value, with the register's advance over it.
        spans: the coverage of these gaps.
        marks: violations of this time with the energy that is stored of them.
    """

    model_config = ConfigDict(extra="forbid")

    seal_id: str
    agent_id: str | None
    meter: str | None
    from_ms: int
    to_ms: int
    first: Register | None
    last: Register | None
    points: list[tuple[int, float | None]]
    gaps: list[Gap]
    spans: list[CoveragePart]
    marks: list[EnergyMark]


class RegisterMaterial(msgspec.Struct, frozen=True):
    """What a register curve is drawn from; decoding it needs no transaction."""

    seal_id: str
    meter: Meter | None
    stretch: Stretch
    spans: list[CoveragePart]
    marks: list[EnergyMark]


def register_curve(session: Session, seal_id: str, from_ms: int, to_ms: int) -> RegisterCurve | None:
    """The register between two times, in one go; None where no such seal is.

    Raises:
        CurveTooLong: too many envelopes are in no minutes yet.
    """
    found = material(session, seal_id, from_ms, to_ms)
    return None if found is None else draw(found)


def material(
    session: Session, seal_id: str, from_ms: int, to_ms: int, counties: frozenset[str] = frozenset()
) -> RegisterMaterial | None:
    """Read what it is drawn from; None where no such seal is in these counties (none is every county).

    Raises:
        CurveTooLong: too many envelopes are in no minutes yet.
    """
    seal = seen_seal(session, seal_id, counties)
    if seal is None:
        return None
    meter = meters_of(session, seal_id).get(FURNACE_METER)
    end_ms = to_ms if seal.until_ms is None else min(to_ms, seal.until_ms)
    return RegisterMaterial(
        seal_id=seal_id,
        meter=meter,
        stretch=long_stretch(session, [] if meter is None else [meter], from_ms, to_ms, [ENERGY, POWER]),
        spans=filled(stored_parts(session, seal_id, from_ms, to_ms), max(from_ms, seal.from_ms), end_ms),
        marks=_marks(session, seal_id, from_ms, to_ms),
    )


def draw(found: RegisterMaterial) -> RegisterCurve:
    """Decode and thin out what was read."""
    meter, stretch = found.meter, found.stretch
    points, gaps, ends = list[Point](), list[Gap](), list[Register]()
    if meter is not None:
        energy = stretch.minutes(meter, ENERGY)
        here = (stretch.from_ms, stretch.to_ms)
        apart_ms = (stretch.to_ms - stretch.from_ms) // GAPS_MAX
        power, period_ms = stretch.minutes(meter, POWER), stretch.period_ms.get(meter.agent_id)
        gaps = gaps_of(energy, power, period_ms, found.spans, here, apart_ms)
        if gaps and gaps[-1].to_ms == stretch.to_ms and gaps[-1].missing_ms <= FRESH_MS:
            gaps.pop()  # what has not arrived yet is not missing yet
        advance = Advance(energy)
        for gap in gaps:
            gap.energy_wh = advance.over(gap)
        points, ends = _points(energy, gaps)
    return RegisterCurve(
        seal_id=found.seal_id,
        agent_id=None if meter is None else meter.agent_id,
        meter=None if meter is None else meter.name,
        from_ms=stretch.from_ms,
        to_ms=stretch.to_ms,
        first=ends[0] if ends else None,
        last=ends[-1] if ends else None,
        points=points,
        gaps=gaps,
        spans=found.spans,
        marks=found.marks,
    )


def _points(energy: Minutes, gaps: list[Gap]) -> tuple[list[Point], list[Register]]:
    """What is drawn, and the first and the last value."""
    known = np.flatnonzero(~np.isnan(energy.planes[LAST]))
    if not len(known):
        return parted(known, energy.planes[LAST, known], gaps), []
    values = energy.planes[LAST, known]
    t_ms = energy.starts_ms[known] + energy.planes[LAST_AT, known].astype(np.int64)
    told = np.ones(len(known), dtype=bool)
    told[1:-1] = (np.diff(values)[:-1] != 0) | (np.diff(values)[1:] != 0) | (np.diff(known)[:-1] > 1) | (
        np.diff(known)[1:] > 1
    )  # fmt: skip
    chosen = np.flatnonzero(told)
    if len(chosen) > POINTS_MAX:
        each_ms = max(1, int(t_ms[-1] - t_ms[0]) // (POINTS_MAX // 2))
        kept = extremes(values[chosen], (t_ms[chosen] - t_ms[0]) // each_ms)
        chosen = chosen[np.union1d(kept, [0, len(chosen) - 1])]
    ends = [Register(t_ms=int(t_ms[i]), energy_wh=float(values[i])) for i in (0, -1)]
    return parted(t_ms[chosen], values[chosen], gaps), ends


def _marks(session: Session, seal_id: str, from_ms: int, to_ms: int) -> list[EnergyMark]:
    """Violations of the time, each with the largest energy that a finding of it stored."""
    found = session.exec(
        select(Violation, func.max(StoredFinding.energy_wh))
        .join(StoredFinding, col(StoredFinding.violation_id) == col(Violation.id))
        .where(Violation.seal_id == seal_id, col(StoredFinding.energy_wh).is_not(None))
        .where(col(Violation.first_ms) <= to_ms, col(Violation.last_ms) >= from_ms)
        .group_by(col(Violation.id))
        .order_by(col(Violation.first_ms))
    ).all()
    return [
        EnergyMark(violation_id=v.id, code=v.code, first_ms=v.first_ms, last_ms=v.last_ms, energy_wh=energy_wh)
        for v, energy_wh in found
        if energy_wh is not None
    ]
