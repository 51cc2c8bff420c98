"""Readings of one meter as arrays over event time."""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from server.detect.facts import Flags, Floats, Times
from wire.quantities import Quantity

VOLTAGES = (Quantity.VOLTAGE_L1_V, Quantity.VOLTAGE_L2_V, Quantity.VOLTAGE_L3_V)
CURRENTS = (Quantity.CURRENT_L1_A, Quantity.CURRENT_L2_A, Quantity.CURRENT_L3_A)


class Series(msgspec.Struct, frozen=True):
    """n rows of one meter.

    Attributes:
        t_ms: event times, shape (n,).
        seq: the envelope that holds each row, shape (n,).
        values: quantities, each of shape (n,); NaN where the meter did not say.
        reasons: why the meter's main value (power, contact) is NaN, shape (n,); empty where it is not.
        period_ms: the nominal time between rows.
    """

    t_ms: Times
    seq: Times
    values: Mapping[Quantity, Floats]
    reasons: NDArray[np.object_]
    period_ms: int

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.t_ms)

    def of(self, quantity: Quantity) -> Floats:
        """A quantity, all NaN where the meter has none."""
        found = self.values.get(quantity)
        return np.full(self.t_ms.shape, np.nan) if found is None else found

    @property
    def voltage_v(self) -> Floats:
        """The highest phase voltage of each row; NaN where none was read."""
        return _highest([self.of(q) for q in VOLTAGES])

    @property
    def draw_w(self) -> Floats:
        """|P| of each row: reversed current transformers do not hide a melt."""
        return np.abs(self.of(Quantity.ACTIVE_POWER_W))

    @property
    def current_power_va(self) -> Floats:
        """The sum of U times I over the phases; NaN where a phase was not read."""
        total = np.zeros(self.t_ms.shape)
        for voltage, current in zip(VOLTAGES, CURRENTS, strict=True):
            total = total + self.of(voltage) * self.of(current)
        return total

    @property
    def contradicted(self) -> Flags:
        """Whether U·I denies at least half of a row's draw; where it was not read it denies nothing."""
        return self.current_power_va < 0.5 * self.draw_w


def _highest(columns: list[Floats]) -> Floats:
    stacked = np.stack(columns)
    known = ~np.isnan(stacked).all(axis=0)
    highest = np.full(stacked.shape[1], np.nan)
    highest[known] = np.nanmax(stacked[:, known], axis=0)
    return highest
