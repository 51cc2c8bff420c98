"""energy_in_gap: the energy register advanced by more than the allowed draw explains, while nothing was observed.

Statistic: the register's advance over the gap, in Wh. Threshold (domain.md §4.3): (allowed + starting power) · T
+ 2 register steps, plus what declared windows in the gap allow. A second row must bear it out, so that one misread
register is no finding; a fall is another rule's.
"""

import math

import msgspec
import numpy as np

from server.detect.facts import MeterFacts, SealFacts
from server.detect.finding import Code, Finding
from server.detect.series import Series
from wire.quantities import Quantity


class Known(msgspec.Struct, frozen=True):
    """A row in which power and register were read; received_ms and boot tell what its clock may not."""

    t_ms: int
    energy_wh: float
    seq: int
    received_ms: int
    boot: str


class State(msgspec.Struct, frozen=True):
    """The last row that was read, and a gap that awaits its second witness."""

    last: Known | None = None
    before: Known | None = None
    after: Known | None = None


def unobserved(last: Known, now: Known, s: Series) -> bool:
    """Whether nothing was observed between two rows: by their times, or because a new run may hide a stale clock."""
    return is_gap(last.t_ms, now.t_ms, s.period_ms) or last.boot != now.boot or now.t_ms < last.t_ms


def elapsed_ms(before: Known, after: Known) -> int:
    """How long it may have been: where the clock is in doubt, the longer of the agent's and the server's time."""
    by_agent = after.t_ms - before.t_ms
    return (
        max(by_agent, after.received_ms - before.received_ms) if before.boot != after.boot or by_agent < 0 else by_agent
    )


def is_gap(from_ms: int, to_ms: int, period_ms: int) -> bool:
    """Whether nothing was observed between two rows."""
    return to_ms - from_ms > 2.5 * period_ms


def step_wh(meter: MeterFacts, energy_wh: float) -> float:
    """The register's step: of a single-precision float it grows with the value (report r04)."""
    return max(meter.energy_step_wh, float(np.spacing(np.float32(energy_wh)))) if meter.energy_is_float else (
        meter.energy_step_wh
    )  # fmt: skip


def bound_wh(seal: SealFacts, meter: MeterFacts, before: Known, after: Known) -> float:
    """The largest advance that the pledge, its windows, the meter's start and its steps explain."""
    hours = elapsed_ms(before, after) / 3.6e6
    bound = (seal.allowed_w + meter.starting_power_w) * hours + 2 * step_wh(meter, after.energy_wh)
    for window in seal.windows:
        if window.from_ms < before.t_ms + elapsed_ms(before, after) and window.to_ms > before.t_ms:
            bound += math.inf if window.max_wh is None else window.max_wh
    return bound


def step(state: State, seal: SealFacts, meter: MeterFacts, s: Series) -> tuple[State, list[Finding]]:
    """The rule after more rows of the furnace's meter."""
    energy = s.of(Quantity.IMPORT_ENERGY_WH)
    findings: list[Finding] = []
    last, before, after = state.last, state.before, state.after
    for i in np.flatnonzero(~np.isnan(energy) & ~np.isnan(s.draw_w)):
        now = Known(int(s.t_ms[i]), float(energy[i]), int(s.seq[i]), s.received_ms, s.boot)
        if before is not None and after is not None:
            if now.energy_wh >= after.energy_wh:
                findings.append(_finding(seal, meter, before, after, now))
            before = after = None
        if last is not None and _advanced(seal, meter, last, now, s):
            before, after = last, now
        last = now
    return State(last, before, after), findings


def _advanced(seal: SealFacts, meter: MeterFacts, last: Known, now: Known, s: Series) -> bool:
    under_seal = last.t_ms >= seal.from_ms and (seal.until_ms is None or now.t_ms <= seal.until_ms)
    if not under_seal or not unobserved(last, now, s):
        return False
    return now.energy_wh - last.energy_wh > bound_wh(seal, meter, last, now)


def _finding(seal: SealFacts, meter: MeterFacts, before: Known, after: Known, witness: Known) -> Finding:
    advance = after.energy_wh - before.energy_wh
    return Finding(
        code=Code.ENERGY_IN_GAP,
        meter=meter.name,
        first_ms=min(before.t_ms, after.t_ms),
        raised_ms=witness.t_ms,
        last_ms=after.t_ms,
        ended_ms=after.t_ms,
        statistic=advance,
        threshold=bound_wh(seal, meter, before, after),
        unit="Wh",
        peak=advance,
        energy_wh=advance,
        false_alarms_per_year=0.0,
        first_seq=before.seq,
        last_seq=witness.seq,
    )
