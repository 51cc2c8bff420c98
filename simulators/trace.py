"""A recording of what a meter saw: a CSV whose first column is t_s, then quantities by their names in wire.quantities.

Each row holds until the next, the last one for ever. An empty cell is a value that was not read. A row without any
value is a meter that did not answer, as in the corpus's folders.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Protocol

from simulators.derive import complete
from wire.quantities import Quantity
from wire.reading import Reason, Unreadable, Value

_UNREAD = Unreadable(Reason.NOT_AVAILABLE)


class Source(Protocol):
    """Anything that a simulated meter can measure."""

    def values(self, t_s: float) -> Mapping[Quantity, Value]:
        """Primary values at t_s seconds after the port opened, in each quantity's own unit.

        An empty mapping: the meter does not answer. The same object as before: nothing has changed since, which
        spares the encoding; so a mapping that was handed out is not altered later.
        """
        ...


class Trace:
    """Rows of primary values over time.

    Attributes:
        times: seconds from the start, rising.
        columns: for each quantity as many cells as there are times; None was not read.
    """

    def __init__(self, times: Sequence[float], columns: Mapping[Quantity, Sequence[float | None]]) -> None:
        self.times = times
        self.columns = columns
        self._row = -2
        self._row_values: dict[Quantity, Value] = {}
        self._meter = _EnergyMeter(self) if Quantity.IMPORT_ENERGY_WH not in columns else None

    @property
    def quantities(self) -> set[Quantity]:
        """What it tells: the file's columns and what follows from them."""
        told = set(complete(dict.fromkeys(self.columns)))
        return told | ({Quantity.IMPORT_ENERGY_WH} if Quantity.ACTIVE_POWER_W in told else set())

    def values(self, t_s: float) -> Mapping[Quantity, Value]:
        """The values at a moment; before the first row nothing is available."""
        row = bisect_right(self.times, t_s) - 1
        if row != self._row:
            self._row, self._row_values = row, self._at(row)
        if self._meter is None or row < 0 or not self._row_values:
            return self._row_values
        return self._meter.add_to(self._row_values, row, t_s)

    def cells(self, row: int) -> dict[Quantity, float | None]:
        """The recording's own cells of one row."""
        return {quantity: cells[row] for quantity, cells in self.columns.items()}

    def _at(self, row: int) -> dict[Quantity, Value]:
        if row < 0:
            return dict.fromkeys(self.columns, _UNREAD)
        cells = self.cells(row)
        if all(cell is None for cell in cells.values()):
            return {}
        return {q: _UNREAD if cell is None else cell for q, cell in complete(cells).items()}


class _EnergyMeter:
    """Import and export energy of a recording that has none: the integral of its active power from 0 at the first row.

    From the first row on whose power is not known, neither is the energy: nothing says what flowed meanwhile.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._totals: list[tuple[float, float] | None] = [(0.0, 0.0)]
        self._last: tuple[dict[Quantity, Value], dict[Quantity, Value]] | None = None

    def add_to(self, values: dict[Quantity, Value], row: int, t_s: float) -> dict[Quantity, Value]:
        """The row's values with the energy at a moment within it; the same object while no energy flows."""
        power = values.get(Quantity.ACTIVE_POWER_W)
        if self._last is not None and self._last[0] is values and (power == 0 or isinstance(power, Unreadable)):
            return self._last[1]
        imported, exported = self._values(row, t_s)
        metered = values | {Quantity.IMPORT_ENERGY_WH: imported}
        if Quantity.EXPORT_ENERGY_WH not in self._trace.columns:
            metered[Quantity.EXPORT_ENERGY_WH] = exported
        self._last = values, metered
        return metered

    def _values(self, row: int, t_s: float) -> tuple[Value, Value]:
        while len(self._totals) <= row:
            done = len(self._totals) - 1
            self._totals.append(self._total(done, self._trace.times[done + 1]))
        return self._total(row, t_s) or (_UNREAD, _UNREAD)

    def _total(self, row: int, t_s: float) -> tuple[float, float] | None:
        before = self._totals[row]
        power = complete(self._trace.cells(row)).get(Quantity.ACTIVE_POWER_W) if before is not None else None
        if before is None or power is None:
            return None
        energy_wh = power * (t_s - self._trace.times[row]) / 3600
        return before[0] + max(energy_wh, 0.0), before[1] + max(-energy_wh, 0.0)
