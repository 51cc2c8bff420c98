"""What physics fixes, and what it does not."""

import pytest

from simulators.derive import Cells, complete
from wire.quantities import Quantity

PHASES = {
    Quantity(f"{stem}_l{k}{unit}"): value
    for k in (1, 2, 3)
    for stem, unit, value in (("voltage", "_v", 230.0), ("current", "_a", 10.0 * k), ("power_factor", "", 0.9))
}
ONE_PHASE = {Quantity.VOLTAGE_L1_V: 230.0, Quantity.CURRENT_L1_A: 10.0, Quantity.POWER_FACTOR: -0.9}
TWO_CURRENTS = {Quantity.CURRENT_L1_A: 10.0, Quantity.CURRENT_L3_A: 10.0, Quantity.VOLTAGE_L1_V: 230.0}
P, S, PF = Quantity.ACTIVE_POWER_W, Quantity.APPARENT_POWER_VA, Quantity.POWER_FACTOR
P1, S1, PF1 = Quantity.ACTIVE_POWER_L1_W, Quantity.APPARENT_POWER_L1_VA, Quantity.POWER_FACTOR_L1
I1, Q = Quantity.CURRENT_L1_A, Quantity.REACTIVE_POWER_VAR

FIXED: dict[str, tuple[Cells, dict[Quantity, float | None]]] = {
    "phases from U, I, PF": (PHASES, {P1: 2070, S1: 2300, P: 12_420, S: 13_800, PF: 0.9}),
    "total from U, I and the total PF": (
        {q: v for q, v in PHASES.items() if not q.value.startswith("power_factor")} | {PF: 0.5},
        {S: 13_800, P: 6900},
    ),
    "a single phase, exporting": (ONE_PHASE, {P1: -2070, PF1: -0.9, P: -2070, S: 2300}),
    "total from the phases' powers": (
        {P1: 100.0, Quantity.ACTIVE_POWER_L2_W: 200.0, Quantity.ACTIVE_POWER_L3_W: -50.0},
        {P: 250},
    ),
    "reactive total from the phases'": (
        PHASES | {Quantity(f"reactive_power_l{k}_var"): 10.0 for k in (1, 2, 3)},
        {Q: 30},
    ),
    "S and P": ({P: 900.0, S: 1000.0}, {PF: 0.9}),
    "P and PF": ({P: -900.0, PF: -0.9}, {S: 1000}),
    "current from P, U, PF": (
        {P1: -2070.0, Quantity.VOLTAGE_L1_V: 230.0, PF1: -0.9},
        {I1: 10, S1: 2300},
    ),
    "no PF without power": ({P: 0.0, S: 0.0}, {PF: None}),
    "no current from PF 0": ({P1: 0.0, Quantity.VOLTAGE_L1_V: 230.0, PF1: 0.0}, {I1: None}),
    "an unread input": (PHASES | {Quantity.CURRENT_L2_A: None}, {P1: 2070, P: None, S: None, PF: None}),
    "an unread cell stays": (PHASES | {P: None}, {P: None, P1: 2070, S: 13_800}),
    "a given value stays": (PHASES | {P: 1.0}, {P: 1.0, S: 13_800}),
}


@pytest.mark.parametrize("name", FIXED)
def test_fixed_by_physics(name: str) -> None:
    """What the columns fix is added, what was given stays, and an unread input makes no number."""
    given, expected = FIXED[name]
    found = complete(given)
    assert {q: found[q] for q in expected} == pytest.approx(expected)
    assert {q: found[q] for q in given if q not in expected} == {q: v for q, v in given.items() if q not in expected}


OPEN: dict[str, tuple[Cells, set[Quantity]]] = {
    "a total tells no phase": ({P: 900.0, PF: 0.9}, {P1, S1, I1, Q}),
    "P and S tell no sign of Q": (PHASES, {Q, Quantity.REACTIVE_POWER_L1_VAR}),
    "a lone phase beside a total is a part": (ONE_PHASE | {P: 6000.0}, {Quantity.ACTIVE_POWER_L2_W}),
    "two of three currents": (TWO_CURRENTS | {PF: 0.9}, {P, S}),
    "voltages alone": ({Quantity.VOLTAGE_L1_V: 230.0, PF: 1.0}, {P, S, I1, Quantity.VOLTAGE_L12_V}),
}


@pytest.mark.parametrize("name", OPEN)
def test_not_fixed_by_physics(name: str) -> None:
    """What the columns leave open is not made up."""
    given, absent = OPEN[name]
    assert not absent & set(complete(given))


def test_lone_phase_beside_a_total() -> None:
    """Apparent power then follows from the total and its PF, never from the one phase."""
    assert complete(ONE_PHASE | {P: -6210.0})[S] == pytest.approx(6900)
