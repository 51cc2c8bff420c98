"""Induction furnaces as loads of the mains: a heat's power turned into phase powers and distortion (notes §1.3-1.6).

The water pump that runs first is not on this meter: it is an auxiliary. What the mains see of a medium-frequency
furnace is its rectifier; of a mains-frequency one its coil.
"""

import math

import numpy as np

from simulators.electrical import Load
from simulators.furnace_class import (
    FACTS,
    TWELVE_PULSE_FROM_T,
    TWELVE_PULSE_THD_CURRENT_PCT,
    TWELVE_PULSE_THD_VOLTAGE_ADDED_PCT,
    FurnaceClass,
    FurnaceFacts,
)
from simulators.heat import Heat, Phase
from simulators.mains_coil import balancing_var, coil_var, phase_powers
from simulators.noise import Floats, wander

_IDLE_POWER_FACTOR = 0.2  # §1.3 [K]: an energised idle transformer, 0.1-0.3
_INRUSH = 1.5  # §1.6 [K]: 5-12 In decaying in 0.1-1 s: about this much of In over the first second
_INRUSH_POWER_FACTOR = 0.06
_INRUSH_SHARES = np.array([1.0, 0.7, 0.4])  # the phases close at different angles [K]
_SIX_PULSE_POWER_FACTOR = (0.92, 0.945)  # §1.3 [K]: 0.90-0.95
_TWELVE_PULSE_POWER_FACTOR = (0.935, 0.955)  # §1.3 [K]: 0.93-0.96
_LEAST_POWER_FACTOR = 0.1


def load(kind: FurnaceClass, tonnes: float, heat: Heat, voltage_v: Floats, rng: np.random.Generator) -> Load:
    """What the furnace draws during a heat.

    Args:
        kind: the furnace's class.
        tonnes: its nominal capacity.
        heat: the heat's course, n seconds.
        voltage_v: phase voltages, shape (n, 3).
        rng: where its randomness comes from.
    """
    facts = FACTS[kind]
    rated_w = facts.rated_w(tonnes)
    transformer = _transformer(heat, rated_w)
    if facts.coil_power_factor is None:
        active, reactive = _rectifier(heat, rated_w, tonnes, rng)
    else:
        active, reactive = _coil(heat, facts.coil_power_factor, rated_w, voltage_v, rng)
    thd_current, thd_voltage = _distortion(facts, tonnes, rng)
    steady = np.stack([thd_current + 0.5 * wander(len(heat.level), 120, rng) for _ in range(3)], axis=1)
    return Load(
        active_w=active + transformer.real,
        reactive_var=reactive + transformer.imag,
        thd_current_pct=np.maximum(steady, 0),
        thd_voltage_added_pct=thd_voltage * heat.level,
    )


def no_load_w(rated_w: float) -> float:
    """Loss of the idle furnace transformer: §1.7, S11 series 0.48 kW at 315 kVA to 1.64 kW at 1600 kVA."""
    return 480 * float((1.1 * rated_w / 315_000) ** 0.75)


def _transformer(heat: Heat, rated_w: float) -> np.ndarray[tuple[int, int], np.dtype[np.complex128]]:
    """Complex power per phase of the energised transformer, with the inrush in its first second."""
    idle_w = no_load_w(rated_w)
    idle = np.full((len(heat.level), 3), idle_w / 3 * complex(1, math.tan(math.acos(_IDLE_POWER_FACTOR))))
    angle = complex(_INRUSH_POWER_FACTOR, math.sin(math.acos(_INRUSH_POWER_FACTOR)))
    idle[heat.during(Phase.ENERGISE)] = _INRUSH * rated_w / 3 * angle * _INRUSH_SHARES
    return idle


def _rectifier(heat: Heat, rated_w: float, tonnes: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Active and reactive power per phase of a phase-controlled rectifier.

    The displacement goes with the direct voltage (§1.3: PF 0.2-0.6 at 20-50 % of it), the direct voltage with the root
    of the power over what the furnace's impedance allows: a mid-heat fall of the power leaves the PF alone. Line currents are nearly balanced [yilmaz]: each within about a percent.
    """
    full = rng.uniform(*(_TWELVE_PULSE_POWER_FACTOR if tonnes >= TWELVE_PULSE_FROM_T else _SIX_PULSE_POWER_FACTOR))
    active = (rated_w / 3 * heat.level)[:, np.newaxis] * (1 + rng.uniform(-0.01, 0.01, 3))
    factor = np.clip(full * np.sqrt(heat.level / heat.limit), _LEAST_POWER_FACTOR, None)[:, np.newaxis]
    return active, active * np.sqrt(1 / (factor * (1 + rng.uniform(-0.004, 0.004, 3))) ** 2 - 1)


def _coil(
    heat: Heat, power_factor: tuple[float, float], rated_w: float, voltage_v: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Active and reactive power per phase of a single coil with its capacitors and its balancing."""
    active = rated_w * heat.level
    reactive = coil_var(heat.level, heat.melted, power_factor, rated_w, rng)
    balancing = balancing_var(active, rated_w)
    powers = phase_powers(active + 1j * reactive, balancing, balancing, voltage_v)
    return powers.real, powers.imag


def _distortion(facts: FurnaceFacts, tonnes: float, rng: np.random.Generator) -> tuple[float, float]:
    """Of the current under load, and what it adds to the voltage's at rated power, in percent."""
    current, voltage = facts.thd_current_pct, facts.thd_voltage_added_pct
    if facts.coil_power_factor is None and tonnes >= TWELVE_PULSE_FROM_T:
        current, voltage = TWELVE_PULSE_THD_CURRENT_PCT, TWELVE_PULSE_THD_VOLTAGE_ADDED_PCT
    return rng.uniform(*current), rng.uniform(*voltage)
