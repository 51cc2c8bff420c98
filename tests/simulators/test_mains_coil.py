"""The three-phase circuit of a mains-frequency coil against the computed cases of domain.md §1.5."""

import cmath
import math

import numpy as np
import pytest

from simulators.mains_coil import balancing_var, coil_var, phase_powers

TURN = cmath.exp(2j * math.pi / 3)
POWER_W = 300_000.0
FULL = POWER_W / math.sqrt(3)
DRIFTED = 0.7 * POWER_W * cmath.exp(0.3j)

CASES = {
    "coil alone": (complex(POWER_W), 0.0, 0.0, 1.00, (1.732, 1.732, 0.0)),
    "Steinmetz": (complex(POWER_W), FULL, FULL, 0.00, (1.0, 1.0, 1.0)),
    "L and C swapped": (complex(POWER_W), -FULL, -FULL, 2.00, (2.0, 2.0, 1.732)),
    "coil at 0.7 |Y| and 0.3 rad lag": (DRIFTED, FULL, FULL, 0.56, (0.91, 0.33, 1.00)),
}


def lines(coil: complex, choke: float, capacitor: float) -> list[complex]:
    """Line currents in units of the balanced furnace's."""
    voltage = np.full((1, 3), 230.0)
    powers = phase_powers(np.array([coil]), np.array([choke]), np.array([capacitor]), voltage)[0]
    phases = [230 * TURN**-k for k in range(3)]
    return [complex(np.conj(s / u)) / (POWER_W / 690) for s, u in zip(powers, phases, strict=True)]


@pytest.mark.parametrize("name", CASES)
def test_unbalance_as_computed(name: str) -> None:
    """Negative over positive sequence and the line currents are §1.5's [C] to its digits."""
    coil, choke, capacitor, unbalance, magnitudes = CASES[name]
    a, b, c = lines(coil, choke, capacitor)
    positive, negative = abs(a + TURN * b + TURN**2 * c), abs(a + TURN**2 * b + TURN * c)
    assert negative / positive == pytest.approx(unbalance, abs=0.006)
    if name != "L and C swapped":  # §1.5 gives no currents for it
        assert [abs(line) for line in (a, b, c)] == pytest.approx(magnitudes, abs=0.006)


def test_balancing_moves_no_power() -> None:
    """Choke and capacitors shift power between phases and take none: the total is the coil's."""
    coil = np.array([complex(POWER_W, 40_000)])
    total = phase_powers(coil, np.array([FULL]), np.array([FULL]), np.full((1, 3), 230.0)).sum()
    assert total == pytest.approx(complex(POWER_W, 40_000))


def test_capacitor_stages_are_steps_of_q_alone() -> None:
    """§1.5: steps of 20-300 kvar, several in a melt, and never two within the waiting time."""
    seconds = 7200
    rated_w = 325_000.0
    reactive = coil_var(
        np.full(seconds, 0.95), np.linspace(0, 1, seconds), (0.16, 0.21), rated_w, np.random.default_rng(3)
    )
    steps = np.flatnonzero(np.abs(np.diff(reactive)) > 15_000)
    assert 3 <= len(steps) <= 20
    assert (np.diff(steps) >= 20).all()
    assert all(20_000 < abs(step) < 300_000 for step in np.diff(reactive)[steps])


def test_balancing_follows_in_coarse_stages() -> None:
    """Choke and capacitors come in few stages and are out when the furnace is."""
    stages = balancing_var(np.linspace(0, POWER_W, 100), POWER_W)
    assert stages[0] == 0
    assert len(set(stages.tolist())) == 3
    assert stages[-1] < FULL
