"""energised: voltage back behind an upstream break, or a small lasting draw above the allowed.

Voltage: the highest phase reads at least ALIVE_V in two rows outside a window. It stays proved off by itself.
Excess: one-sided CUSUM S = max(0, S + z - k) of z = (|P| - reference) / sigma, alarm at S > h. The reference is the
allowed draw plus the meter's own quiet mean; sigma is floored (design.md §9).
k = 0.5 and h = 22.3: an average of 3·10¹⁰ samples to a false alarm, a thousand years at one second (domain.md §5.2,
CUSUM for a shift of 1 sigma: h grows by 2.30 for each decade of run length).
"""

import msgspec
import numpy as np

from server.detect.baseline import Baseline
from server.detect.facts import Floats, MeterFacts, SealFacts
from server.detect.finding import Code, Finding
from server.detect.series import Series

ALIVE_V = 40.0
K, H = 0.5, 22.3
CLIP = 6.0
"""One misread word moves the sum by no more than this."""

CAP = H + 2 * CLIP
CLEAR_MS = 30_000
FALSE_ALARMS_PER_YEAR = 1e-3


class Alive(msgspec.Struct, frozen=True, kw_only=True):
    """Rows with voltage behind an upstream break."""

    first_ms: int
    first_seq: int
    last_ms: int
    last_seq: int
    rows: int
    raised_ms: int | None
    peak_v: float
    statistic_v: float


class Excess(msgspec.Struct, frozen=True, kw_only=True):
    """A CUSUM that left zero."""

    first_ms: int
    first_seq: int
    last_ms: int
    last_seq: int
    total: float
    raised_ms: int | None = None
    peak_w: float = 0.0


class State(msgspec.Struct, frozen=True):
    """Where both tests stand."""

    alive: Alive | None = None
    excess: Excess | None = None


def step(
    state: State, seal: SealFacts, meter: MeterFacts, baseline: Baseline, s: Series, *, louder: bool
) -> tuple[State, list[Finding]]:
    """Both tests after more rows of the furnace's meter.

    Args:
        state: where they stood.
        seal: the seal.
        meter: the furnace's meter.
        baseline: of the rows before.
        s: the rows.
        louder: resumed_power has these rows in hand; the excess test rests.
    """
    findings: list[Finding] = []
    alive = _voltage(state.alive, seal, meter, s, findings) if seal.break_position == "upstream" else None
    excess = None if louder else _excess(state.excess, seal, meter, baseline, s, findings)
    return State(alive, excess), findings


def _voltage(
    alive: Alive | None, seal: SealFacts, meter: MeterFacts, s: Series, findings: list[Finding]
) -> Alive | None:
    volts = s.voltage_v
    counts = (volts >= ALIVE_V) & seal.sealed(s.t_ms) & ~seal.in_window(s.t_ms)
    if alive is None and not counts.any():
        return None
    for i in range(len(s)):
        t_ms, seq = int(s.t_ms[i]), int(s.seq[i])
        if not counts[i]:
            dead, late = not np.isnan(volts[i]), alive is not None and t_ms - alive.last_ms >= CLEAR_MS
            if alive is not None and alive.raised_ms is not None and late:
                findings.append(_voltage_finding(alive, meter, alive.last_ms))
            if alive is not None and (late or (dead and alive.raised_ms is None)):
                alive = None
            continue
        start = alive or Alive(
            first_ms=t_ms, first_seq=seq, last_ms=t_ms, last_seq=seq, rows=0, raised_ms=None, peak_v=0.0,
            statistic_v=float(volts[i]),
        )  # fmt: skip
        rows = start.rows + 1
        alive = msgspec.structs.replace(
            start, last_ms=t_ms, last_seq=seq, rows=rows, peak_v=max(start.peak_v, float(volts[i])),
            raised_ms=t_ms if start.raised_ms is None and rows >= 2 else start.raised_ms,
        )  # fmt: skip
    if alive is not None and alive.raised_ms is not None:
        findings.append(_voltage_finding(alive, meter, None))
    return alive


def _voltage_finding(alive: Alive, meter: MeterFacts, ended_ms: int | None) -> Finding:
    return Finding(
        code=Code.ENERGISED, meter=meter.name, first_ms=alive.first_ms, raised_ms=alive.raised_ms or alive.last_ms,
        last_ms=alive.last_ms, ended_ms=ended_ms, statistic=alive.statistic_v, threshold=ALIVE_V, unit="V",
        peak=alive.peak_v, false_alarms_per_year=0.0, first_seq=alive.first_seq, last_seq=alive.last_seq,
        note="voltage",
    )  # fmt: skip


def _excess(
    excess: Excess | None, seal: SealFacts, meter: MeterFacts, baseline: Baseline, s: Series, findings: list[Finding]
) -> Excess | None:
    z = _standardised(seal, meter, baseline, s)
    if excess is None and not (z > K).any():
        return None
    for i in np.flatnonzero(~np.isnan(z)):
        t_ms, seq = int(s.t_ms[i]), int(s.seq[i])
        total = min(CAP, max(0.0, (excess.total if excess else 0.0) + float(z[i]) - K))
        if total == 0.0:
            if excess is not None and excess.raised_ms is not None:
                findings.append(_excess_finding(excess, meter, excess.last_ms))
            excess = None
            continue
        start = excess or Excess(first_ms=t_ms, first_seq=seq, last_ms=t_ms, last_seq=seq, total=0.0)
        grew = z[i] > 0
        excess = msgspec.structs.replace(
            start,
            total=total,
            last_ms=t_ms if grew else start.last_ms,
            last_seq=seq if grew else start.last_seq,
            raised_ms=t_ms if start.raised_ms is None and total > H else start.raised_ms,
            peak_w=max(start.peak_w, float(s.draw_w[i])),
        )
    if excess is not None and excess.raised_ms is not None:
        findings.append(_excess_finding(excess, meter, None))
    return excess


def _standardised(seal: SealFacts, meter: MeterFacts, baseline: Baseline, s: Series) -> Floats:
    """The z of each row under seal and outside windows; NaN where it says nothing."""
    reference = seal.allowed(s.t_ms) + baseline.quiet_mean_w(meter)
    misread = (s.draw_w > 0.03 * seal.rated_w) & s.contradicted  # resumed_power asks the register about these
    counts = seal.sealed(s.t_ms) & np.isfinite(reference) & ~misread
    z = np.full(s.t_ms.shape, np.nan)
    z[counts] = (s.draw_w[counts] - reference[counts]) / baseline.floored_sigma_w(meter)
    return np.asarray(np.clip(z, -CLIP, CLIP))


def _excess_finding(excess: Excess, meter: MeterFacts, ended_ms: int | None) -> Finding:
    return Finding(
        code=Code.ENERGISED, meter=meter.name, first_ms=excess.first_ms, raised_ms=excess.raised_ms or excess.last_ms,
        last_ms=excess.last_ms, ended_ms=ended_ms, statistic=excess.total, threshold=H, unit="σ",
        peak=excess.peak_w, false_alarms_per_year=FALSE_ALARMS_PER_YEAR, first_seq=excess.first_seq,
        last_seq=excess.last_seq, note="excess",
    )  # fmt: skip
