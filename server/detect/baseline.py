"""What the sealed meter says when nothing happens: mean and spread of |P| over quiet rows."""

import math

import msgspec
import numpy as np

from server.detect.facts import Floats, MeterFacts

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

    def quiet_mean_w(self, meter: MeterFacts) -> float:
        """The mean, as far as the meter's own pick-up explains it: a lasting draw never becomes normal."""
        return min(self.mean_w, meter.starting_power_w + meter.power_step_w) if self.rows >= ROWS_MIN else 0.0

    def floored_sigma_w(self, meter: MeterFacts) -> float:
        """The spread that tests divide by: at least the step's own noise and the starting current's power."""
        return max(self.sigma_w, meter.power_step_w / math.sqrt(12), meter.starting_power_w, 1e-3)

    def learn(self, draw_w: Floats) -> "Baseline":
        """The baseline after more quiet rows (NaN removed by the caller)."""
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
