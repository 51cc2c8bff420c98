"""A stretch of time of some meters: single polls where it is short, minutes where it is long."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import numpy as np
from sqlmodel import Session, col, func, select

from server import curve, meter_rows, rollup
from server.curve import Gap, Trace
from server.meter_rows import Polls
from server.minutes import MINUTE_MS, Minutes
from server.rollup import Stored
from server.tables import Envelope, Meter
from server.views import curve_minutes
from server.views.today import CoveragePart
from wire.quantities import Quantity

RAW_MAX_MS = 7_260_000
"""Up to two hours, and a minute that rounding may add, every poll is decoded; beyond, minutes are."""

ENVELOPES_MAX = 10_000
"""No more envelopes than this are decoded for one stretch."""

LONGEST_MS = 1_500 * 86_400_000
"""Some four years: no more minutes than these are held in memory for one curve."""

QUANTITIES = (
    Quantity.ACTIVE_POWER_W, Quantity.WATER_FLOW_M3_H, Quantity.FREQUENCY_HZ, Quantity.IMPORT_ENERGY_WH,
)  # fmt: skip

POWER, ENERGY = Quantity.ACTIVE_POWER_W, Quantity.IMPORT_ENERGY_WH


class CurveTooLong(Exception):
    """The time holds more envelopes than a curve is decoded from."""


class Sent(msgspec.Struct, frozen=True):
    """An envelope and the time of its rows."""

    agent_id: str
    seq: int
    first_ms: int
    last_ms: int
    raw: bytes


class Stretch(msgspec.Struct, frozen=True):
    """What is stored of some meters between two times.

    Attributes:
        sent: envelopes in the order of their numbers, of a short stretch.
        stored: minutes by agent, of a long one.
        period_ms: the nominal time between the polls of each agent, of a long one.
    """

    from_ms: int
    to_ms: int
    sent: list[Sent]
    stored: dict[str, Stored]
    period_ms: dict[str, int]

    def trace(self, meter: Meter, quantity: Quantity, spans: Sequence[CoveragePart], max_points: int) -> Trace:
        """One quantity of one of the meters, as a chart draws it; of power with what the register says of its gaps."""
        if not self.stored:
            polls = self._polls(meter, quantity)
            drawn = curve.trace(polls, self.from_ms, self.to_ms, max_points)
            energy = self._polls(meter, ENERGY) if quantity is POWER and drawn.gaps else None
            for gap in drawn.gaps if energy is not None else ():
                gap.energy_wh = _advance_wh(energy, gap) if energy is not None else None
            return drawn
        return self._of_minutes(meter, quantity, spans, max_points)

    def minutes(self, meter: Meter, quantity: Quantity) -> Minutes:
        """The minutes of a long stretch."""
        return self.stored[meter.agent_id].minutes(meter.name, quantity, self.from_ms, self.to_ms)

    def _of_minutes(self, meter: Meter, quantity: Quantity, spans: Sequence[CoveragePart], max_points: int) -> Trace:
        found, here = self.minutes(meter, quantity), (self.from_ms, self.to_ms)
        power = found if quantity is POWER else self.minutes(meter, POWER)
        drawn = curve_minutes.trace(found, power, self.period_ms.get(meter.agent_id), spans, here, max_points)
        if quantity is POWER and drawn.gaps:
            advance = curve_minutes.Advance(self.minutes(meter, ENERGY))
            for gap in drawn.gaps:
                gap.energy_wh = advance.over(gap)
        return drawn

    def _polls(self, meter: Meter, quantity: Quantity) -> Polls:
        raws = [one.raw for one in self.sent if one.agent_id == meter.agent_id]
        return meter_rows.of_raws(raws, meter.name, quantity, self.from_ms, self.to_ms)


def stretch(session: Session, meters: Sequence[Meter], from_ms: int, to_ms: int) -> Stretch:
    """Read a stretch.

    Raises:
        CurveTooLong: it would have to be decoded from more than ENVELOPES_MAX envelopes.
    """
    if to_ms - from_ms <= RAW_MAX_MS:
        sent = [one for agent in _by_agent(meters) for one in _sent(session, agent, from_ms, to_ms)]
        return Stretch(from_ms, to_ms, sent, {}, {})
    return long_stretch(session, meters, from_ms, to_ms, QUANTITIES)


def long_stretch(
    session: Session, meters: Sequence[Meter], from_ms: int, to_ms: int, quantities: Sequence[Quantity]
) -> Stretch:
    """Read a stretch as minutes, however short it is.

    Raises:
        CurveTooLong: it is longer than LONGEST_MS, or more than ENVELOPES_MAX envelopes are in no minutes yet.
    """
    if to_ms - from_ms > LONGEST_MS:
        raise CurveTooLong(
            f"curve: expected a time of at most {LONGEST_MS // 86_400_000} days, got "
            f"{(to_ms - from_ms) // 86_400_000}; ask for a shorter one"
        )
    stored, periods = dict[str, Stored](), dict[str, int]()
    for agent, names in _by_agent(meters).items():
        stored[agent] = rollup.read(session, agent, dict.fromkeys(names, quantities), from_ms, to_ms, ENVELOPES_MAX)
        if len(stored[agent].tail) > ENVELOPES_MAX:
            raise _too_long(f"more than {ENVELOPES_MAX} that are not in minutes yet; wait until they are, or")
        period_ms = _period_ms(session, agent, to_ms)
        if period_ms is not None:
            periods[agent] = period_ms
    return Stretch(from_ms, to_ms, [], stored, periods)


def _by_agent(meters: Sequence[Meter]) -> dict[str, list[str]]:
    """Names of meters by their agent."""
    agents: dict[str, list[str]] = {}
    for meter in meters:
        agents.setdefault(meter.agent_id, []).append(meter.name)
    return agents


def joined(traces: Sequence[Trace]) -> Trace:
    """Traces of stretches that follow each other as one; told as coarse as the coarsest."""
    gaps: list[Gap] = []
    for gap in (gap for one in traces for gap in one.gaps):
        curve.put(gaps, gap, 0)
    samples = [one.samples for one in traces if one.samples is not None]
    return Trace(
        period_ms=max((one.period_ms for one in traces if one.period_ms is not None), default=None),
        samples=sum(samples) if len(samples) == len(traces) else None,
        bucket_ms=max((one.bucket_ms for one in traces if one.bucket_ms is not None), default=None),
        points=[point for one in traces for point in one.points],
        gaps=gaps,
    )


def parts(from_ms: int, to_ms: int, detail: tuple[int, int] | None) -> list[tuple[int, int]]:
    """A time cut where its finer part begins and ends, at whole minutes."""
    if detail is None:
        return [(from_ms, to_ms)]
    first = max(from_ms, detail[0] - detail[0] % MINUTE_MS)
    last = min(to_ms, detail[1] + -detail[1] % MINUTE_MS)
    if last <= first:
        return [(from_ms, to_ms)]
    starts = [start for start in (from_ms, first, last) if start < to_ms]
    return [(a, b - 1) for a, b in pairwise(starts) if a < b] + [(starts[-1], to_ms)]


def _sent(session: Session, agent_id: str, from_ms: int, to_ms: int) -> list[Sent]:
    here = (Envelope.agent_id == agent_id, col(Envelope.first_ms) <= to_ms, col(Envelope.last_ms) >= from_ms)
    count = session.exec(select(func.count()).select_from(Envelope).where(*here)).one()
    if count > ENVELOPES_MAX:
        raise _too_long(f"{count};")
    found = session.exec(
        select(Envelope.seq, Envelope.first_ms, Envelope.last_ms, Envelope.raw).where(*here).order_by(col(Envelope.seq))
    ).all()
    return [Sent(agent_id, seq, first or 0, last or 0, raw) for seq, first, last, raw in found]


def _too_long(got: str) -> CurveTooLong:
    return CurveTooLong(
        f"curve: expected a time with at most {ENVELOPES_MAX} envelopes to decode, got {got} ask for a shorter one"
    )


def _period_ms(session: Session, agent_id: str, to_ms: int) -> int | None:
    """How often the agent polls: as its newest envelope before a time says."""
    raw = session.exec(
        select(Envelope.raw)
        .where(Envelope.agent_id == agent_id, col(Envelope.last_ms) <= to_ms)
        .order_by(col(Envelope.last_ms).desc())
        .limit(1)
    ).first()
    return None if raw is None else meter_rows.batch(raw).per


def _advance_wh(energy: Polls, gap: Gap) -> float | None:
    """By how much the register went on between the poll before a gap and the one after it."""
    known = np.flatnonzero(~np.isnan(energy.values))
    t_ms = energy.t_ms[known]
    before, after = int(np.searchsorted(t_ms, gap.from_ms)) - 1, int(np.searchsorted(t_ms, gap.to_ms))
    if before < 0 or after >= len(known):
        return None
    near_ms = 2.5 * energy.period_ms[known[before]]
    if gap.from_ms - t_ms[before] > near_ms or t_ms[after] - gap.to_ms > near_ms:
        return None
    return float(energy.values[known[after]] - energy.values[known[before]])
