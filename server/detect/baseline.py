"""What the sealed meter says when nothing happens: mean and spread of the excess over the allowed, in quiet rows.

Only rows teach it whose excess the meter's own pick-up or 1 % of the rated power explains, outside declared windows:
a draw that comes again and again must never become normal and lift the threshold.
"""

import math

import msgspec
import numpy as np

from server.detect.facts import Floats, MeterFacts, SealFacts

QUIET_SHARE = 0.01
"""Share of the rated power up to which an excess may be noise; so 5 sigma stays below 3 % of rated."""

ROWS_MIN = 60
"""Rows before the measured spread counts."""

ROWS_MAX = 3_600
"""Rows that are remembered: an hour at one second; older ones fade."""


class Baseline(msgspec.Struct, frozen=True):
    """Running mean and sum of squared deviations (Chan's parallel form of Welford), with fading memory."""

    rows: float = 0.0
    mean_w: float = 0.0
    squares: float = 0.0

    @property
    def sigma_w(self) -> float:
        """Measured standard deviation; 0 until ROWS_MIN rows were seen."""
        return float(np.sqrt(self.squares / self.rows)) if self.rows >= ROWS_MIN else 0.0

    @staticmethod
    def quiet_w(seal: SealFacts, meter: MeterFacts) -> float:
        """The largest excess that may be noise."""
        return max(meter.starting_power_w + meter.power_step_w, QUIET_SHARE * seal.rated_w)

    def quiet_mean_w(self, meter: MeterFacts) -> float:
        """The mean, as far as the meter's own pick-up explains it: a lasting draw never becomes normal."""
        return min(self.mean_w, meter.starting_power_w + meter.power_step_w) if self.rows >= ROWS_MIN else 0.0

    def floored_sigma_w(self, meter: MeterFacts) -> float:
        """The spread that tests divide by: at least the step's own noise and the starting current's power."""
        return max(self.sigma_w, meter.power_step_w / math.sqrt(12), meter.starting_power_w, 1e-3)

    def learn(self, seal: SealFacts, meter: MeterFacts, excess_w: Floats) -> "Baseline":
        """The baseline after more rows under seal; NaN, windows (-inf) and what is not quiet teach nothing."""
        quiet = np.isfinite(excess_w) & (excess_w <= self.quiet_w(seal, meter))
        return self._with(np.maximum(excess_w[quiet], 0.0))

    def _with(self, draw_w: Floats) -> "Baseline":
        n = len(draw_w)
        if n == 0:
            return self
        fade = min(1.0, ROWS_MAX / (self.rows + n))
        rows, squares = self.rows * fade, self.squares * fade
        step = float(draw_w.mean()) - self.mean_w
        total = rows + n
        return Baseline(
            rows=total,
            mean_w=self.mean_w + step * n / total,
            squares=squares + float(((draw_w - draw_w.mean()) ** 2).sum()) + step**2 * rows * n / total,
        )
