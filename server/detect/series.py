"""Readings of one meter as arrays over event time."""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from server.detect.facts import Flags, Floats, Times
from wire.quantities import Quantity

VOLTAGES = (Quantity.VOLTAGE_L1_V, Quantity.VOLTAGE_L2_V, Quantity.VOLTAGE_L3_V)
POWERS = (Quantity.ACTIVE_POWER_L1_W, Quantity.ACTIVE_POWER_L2_W, Quantity.ACTIVE_POWER_L3_W)
CURRENTS = (Quantity.CURRENT_L1_A, Quantity.CURRENT_L2_A, Quantity.CURRENT_L3_A)


class Series(msgspec.Struct, frozen=True):
    """n rows of one meter.

    Attributes:
        t_ms: event times, shape (n,).
        seq: the envelope that holds each row, shape (n,).
        values: quantities, each of shape (n,); NaN where the meter did not say.
        reasons: why the meter's main value (power, contact) is NaN, shape (n,); empty where it is not.
        period_ms: the nominal time between rows.
        received_ms: server time at which they arrived.
        boot: the agent's program run that took them.
        clock_stepped: the agent's clock jumped among these rows, or just before them.
    """

    t_ms: Times
    seq: Times
    values: Mapping[Quantity, Floats]
    reasons: NDArray[np.object_]
    period_ms: int
    received_ms: int
    boot: str = ""
    clock_stepped: bool = False

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.t_ms)

    def part(self, first: int, end: int) -> "Series":
        """Rows first to end - 1."""
        return Series(
            self.t_ms[first:end],
            self.seq[first:end],
            {quantity: column[first:end] for quantity, column in self.values.items()},
            self.reasons[first:end],
            self.period_ms,
            self.received_ms,
            self.boot,
            self.clock_stepped,
        )

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
        """The larger of |P| and the sum of the phases' |P|: no reversed current transformer hides a melt."""
        phases = sum((np.abs(self.of(quantity)) for quantity in POWERS), np.zeros(self.t_ms.shape))
        total = np.abs(self.of(Quantity.ACTIVE_POWER_W))
        return np.where(np.isnan(total), np.nan, np.fmax(total, phases))

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
