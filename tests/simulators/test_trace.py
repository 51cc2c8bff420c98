"""A recording over time: rows hold, nothing is interpolated, energy is the integral where it was not recorded."""

import pytest

from simulators.trace import Trace
from wire.quantities import Quantity
from wire.reading import Reason, Unreadable, Value

P, E, X, V = (
    Quantity.ACTIVE_POWER_W,
    Quantity.IMPORT_ENERGY_WH,
    Quantity.EXPORT_ENERGY_WH,
    Quantity.VOLTAGE_L1_V,
)
UNREAD = Unreadable(Reason.NOT_AVAILABLE)

VOLTAGES = [(0, 230.0), (9.99, 230.0), (10, 231.5), (19.9, 231.5), (20, UNREAD), (30, 233.0), (1e6, 233.0)]


@pytest.mark.parametrize(("t_s", "expected"), VOLTAGES)
def test_rows_hold(t_s: float, expected: Value) -> None:
    """Each row holds until the next, the last for ever, and an empty cell is unread."""
    trace = Trace([0, 10, 20, 30], {V: [230.0, 231.5, None, 233.0], P: [0.0, 0.0, 0.0, 0.0]})
    assert trace.values(t_s)[V] == expected


def test_before_the_first_row() -> None:
    """A recording that begins later has nothing to tell before, and answers so."""
    assert Trace([5], {V: [230.0]}).values(4.9) == {V: UNREAD}


def test_row_without_any_value() -> None:
    """A row of empty cells is a meter that did not answer: no values at all."""
    trace = Trace([0, 1, 2], {V: [230.0, None, 230.0], P: [1.0, None, 1.0]})
    assert not trace.values(1.5)
    assert trace.values(2)[V] == 230.0


ENERGIES = [
    (0, 0.0, 0.0),
    (1800, 500.0, 0.0),  # within a row it rises with the power
    (3600, 1000.0, 0.0),
    (5400, 1000.0, 250.0),  # -500 W: export
    (7200, 1000.0, 500.0),
    (10_800, 1000.0, 500.0),
    (14_400, 1000.0, 500.0),
]


@pytest.mark.parametrize("direction", [1, -1])
def test_energy_is_the_integral(direction: int) -> None:
    """Import and export integrate the power from 0 at the first row, in whatever order they are asked for."""
    trace = Trace([0, 3600, 7200], {P: [1000.0, -500.0, 0.0]})
    for t_s, imported, exported in ENERGIES[::direction]:
        values = trace.values(t_s)
        assert values[E] == pytest.approx(imported)
        assert values[X] == pytest.approx(exported)


def test_energy_goes_on_after_the_last_row() -> None:
    """The last row holds, its power too: a register that stood still under power would break physics."""
    assert Trace([0], {P: [3600.0]}).values(100)[E] == pytest.approx(100)


def test_energy_from_derived_power() -> None:
    """Where the power itself follows from U, I and PF, so does the energy."""
    columns = {V: [200.0], Quantity.CURRENT_L1_A: [10.0], Quantity.POWER_FACTOR: [0.9]}
    assert Trace([0], columns).values(3600)[E] == pytest.approx(1800)


def test_unknown_power_makes_the_energy_unknown() -> None:
    """From a row whose power was not read on nobody knows the energy; it is not taken as 0."""
    trace = Trace([0, 10, 20], {P: [3600.0, None, 3600.0], V: [230.0, 230.0, 230.0]})
    assert trace.values(10 - 1e-9)[E] == pytest.approx(10)
    assert trace.values(12)[E] == UNREAD
    assert trace.values(25)[E] == UNREAD


def test_given_energy_is_served_as_given() -> None:
    """A register in the file is not corrected, not even where it contradicts the power."""
    trace = Trace([0, 3600], {P: [1e6, 1e6], E: [500.0, 400.0]})
    assert [trace.values(t)[E] for t in (0, 3599, 3600)] == [500.0, 500.0, 400.0]
    assert X not in trace.values(0)


def test_no_energy_without_power() -> None:
    """Voltages alone fix no energy."""
    assert Trace([0], {V: [230.0]}).values(10)[E] == UNREAD


def test_unchanged_values_are_the_same_object() -> None:
    """Within a row without power a caller can see that nothing changed; with power the energy does."""
    trace = Trace([0, 10, 20], {P: [0.0, 100.0, 0.0]})
    assert trace.values(1) is trace.values(2)
    assert trace.values(11) is not trace.values(12)
    assert trace.values(21) is trace.values(22)
    assert trace.values(21)[E] == pytest.approx(1000 / 3600)


def test_quantities_that_it_tells() -> None:
    """Columns and what follows from them, even where the first row is empty."""
    phase = {V: [None], Quantity.CURRENT_L1_A: [None], Quantity.POWER_FACTOR: [None]}
    assert {P, E, Quantity.APPARENT_POWER_VA, *phase} <= Trace([0], phase).quantities
    assert Trace([0], {V: [230.0]}).quantities == {V}
