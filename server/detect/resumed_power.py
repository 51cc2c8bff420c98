"""resumed_power: draw above the allowed for two samples.

Statistic: |P| - allowed(t), in W. Threshold (design.md §9): max(3 % of rated, 5 sigma of the sealed baseline, 3 power
steps). Two samples that no sample below parts; lost polls and single zeros inside a run do not end it. A power that
U·I contradicts counts only once the energy register bears it out: a misread word is no melt.
False alarms: a Gaussian baseline passes z sigma twice in a row erfc(z/√2)² of the time.
"""

import math

import msgspec
import numpy as np

from server.detect.baseline import Baseline
from server.detect.facts import Flags, Floats, MeterFacts, SealFacts
from server.detect.finding import Code, Finding
from server.detect.series import Series
from wire.quantities import Quantity

SAMPLES = 2
CLEAR_MS = 30_000
"""A run ends after so long without a sample above the threshold."""

_YEAR_S = 365.25 * 86_400


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Samples above the threshold, raised or not yet."""

    first_ms: int
    first_seq: int
    last_ms: int
    last_seq: int
    samples: int
    raised_ms: int | None = None
    statistic_w: float = 0.0
    threshold_w: float = 0.0
    peak_w: float = 0.0
    false_alarms_per_year: float = 0.0
    energy_before_wh: float | None = None
    energy_wh: float | None = None
    expected_wh: float = 0.0


class State(msgspec.Struct, frozen=True):
    """Where the rule stands."""

    baseline: Baseline = Baseline()
    run: Run | None = None
    energy_wh: float | None = None


def threshold_w(seal: SealFacts, meter: MeterFacts, baseline: Baseline) -> float:
    """How far the draw must exceed the allowed."""
    return max(0.03 * seal.rated_w, 5 * baseline.sigma_w, 3 * meter.power_step_w)


def step(state: State, seal: SealFacts, meter: MeterFacts, s: Series) -> tuple[State, list[Finding]]:
    """The rule after more rows of the furnace's meter."""
    limit = threshold_w(seal, meter, state.baseline)
    excess = s.draw_w - seal.allowed(s.t_ms)
    above = (excess > limit) & seal.sealed(s.t_ms)
    baseline = state.baseline.learn(seal, meter, excess[seal.sealed(s.t_ms)])
    if state.run is None and not above.any():
        return State(baseline, None, _last_known(s.of(Quantity.IMPORT_ENERGY_WH), state.energy_wh)), []
    sigma_w = max(state.baseline.sigma_w, meter.power_step_w / math.sqrt(12))
    rate = _false_alarms_per_year(limit, sigma_w, s.period_ms)
    walk = _Walk(state, meter, limit, rate)
    walk.over(s, excess, above)
    return State(baseline, walk.run, walk.energy_wh), walk.findings


class _Walk:
    """The run through one series, sample by sample: only ever entered when something is above the threshold."""

    def __init__(self, state: State, meter: MeterFacts, limit: float, rate: float) -> None:
        self.run, self.energy_wh = state.run, state.energy_wh
        self.findings: list[Finding] = []
        self._meter, self._limit, self._rate = meter, limit, rate

    def over(self, s: Series, excess: Floats, above: Flags) -> None:
        energy, contradicted = s.of(Quantity.IMPORT_ENERGY_WH), s.contradicted
        for i in range(len(s)):
            if not np.isnan(energy[i]):
                self.energy_wh = float(energy[i])
            if np.isnan(s.draw_w[i]):
                continue
            if not above[i]:
                self._below(int(s.t_ms[i]))
                continue
            self._above(s, i, float(excess[i]), contradicted=bool(contradicted[i]))
        if self.run is not None and self.run.raised_ms is not None:
            self.findings.append(self._finding(self.run, None))

    def _below(self, t_ms: int) -> None:
        run = self.run
        if run is None:
            return
        if run.raised_ms is None:
            self.run = None
        elif t_ms - run.last_ms >= CLEAR_MS:
            self.findings.append(self._finding(run, run.last_ms))
            self.run = None

    def _above(self, s: Series, i: int, excess: float, *, contradicted: bool) -> None:
        t_ms, seq = int(s.t_ms[i]), int(s.seq[i])
        if self.run is not None and self.run.raised_ms is None and t_ms - self.run.last_ms > CLEAR_MS:
            self.run = None  # a single misread of another hour
        run = self.run or Run(
            first_ms=t_ms, first_seq=seq, last_ms=t_ms, last_seq=seq, samples=0, energy_before_wh=self.energy_wh
        )
        drawn = None
        if self.energy_wh is not None and run.energy_before_wh is not None:
            drawn = self.energy_wh - run.energy_before_wh
        expected = run.expected_wh + s.draw_w[i] * min(t_ms - run.last_ms, 60_000) / 3.6e6
        believed = not contradicted or (drawn is not None and drawn > max(2 * self._meter.energy_step_wh, expected / 3))
        samples = run.samples + (1 if believed else 0)
        raised = run.raised_ms if run.raised_ms is not None or samples < SAMPLES else t_ms
        self.run = msgspec.structs.replace(
            run,
            last_ms=t_ms,
            last_seq=seq,
            samples=samples,
            raised_ms=raised,
            peak_w=max(run.peak_w, float(s.draw_w[i])),
            energy_wh=drawn,
            expected_wh=float(expected),
            **({} if run.raised_ms is not None else self._numbers(excess)),
        )

    def _numbers(self, excess: float) -> dict[str, float]:
        return {"statistic_w": excess, "threshold_w": self._limit, "false_alarms_per_year": self._rate}

    def _finding(self, run: Run, ended_ms: int | None) -> Finding:
        return Finding(
            code=Code.RESUMED_POWER,
            meter=self._meter.name,
            first_ms=run.first_ms,
            raised_ms=run.raised_ms or run.last_ms,
            last_ms=run.last_ms,
            ended_ms=ended_ms,
            statistic=run.statistic_w,
            threshold=run.threshold_w,
            unit="W",
            peak=run.peak_w,
            energy_wh=run.energy_wh,
            false_alarms_per_year=run.false_alarms_per_year,
            first_seq=run.first_seq,
            last_seq=run.last_seq,
        )


def _last_known(values: Floats, before: float | None) -> float | None:
    known = values[~np.isnan(values)]
    return float(known[-1]) if len(known) else before


def _false_alarms_per_year(limit_w: float, sigma_w: float, period_ms: int) -> float:
    return math.erfc(limit_w / sigma_w / math.sqrt(2)) ** SAMPLES * _YEAR_S * 1000 / period_ms
