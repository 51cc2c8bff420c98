"""A mains-frequency furnace on three phases (domain notes §1.1, §1.5).

A single coil between L1 and L2 with switched capacitors, balanced by a choke between L3 and L1 and capacitors between
L2 and L3 (Steinmetz).
"""

import math

import numpy as np
import numpy.typing as npt

from simulators.noise import Floats, wander

Complexes = npt.NDArray[np.complex128]

_TURN = np.exp(-2j * np.pi / 3 * np.arange(3))
_STAGE = 0.25
"""One capacitor stage as a share of rated power: 81 kvar at 1 t, within §1.5's 20-300 kvar up to 4 t [K]."""

_STAGE_BAND = 0.8
"""The regulator switches when the reactive power is off by more than this share of a stage [K]."""

_STAGE_WAIT_S = 20
"""A capacitor must discharge before it is switched again [K]."""

_BALANCE_STEPS = 2
"""Stages of choke and balancing capacitors over rated power [K]."""

_BALANCE_SHARE = 0.8
"""They are smaller than full balance needs [K]: §1.5 has the unbalance wander between 5 and 60 %."""


def phase_powers(coil_va: Complexes, choke_var: Floats, capacitor_var: Floats, voltage_v: Floats) -> Complexes:
    """Complex power of each phase, P + jQ.

    Args:
        coil_va: coil and its capacitors between L1 and L2, P + jQ, shape (n,).
        choke_var: between L3 and L1, shape (n,).
        capacitor_var: between L2 and L3, positive, shape (n,).
        voltage_v: phase voltages, 120 degrees apart, shape (n, 3).

    Returns:
        Shape (n, 3).
    """
    a, b, c = (voltage_v * _TURN).T
    coil = np.conj(coil_va / (a - b))
    capacitors = np.conj(-1j * capacitor_var / (b - c))
    choke = np.conj(1j * choke_var / (c - a))
    lines = np.stack([coil - choke, capacitors - coil, choke - capacitors], axis=1)
    return np.asarray(voltage_v * _TURN * np.conj(lines), dtype=np.complex128)


def coil_var(
    level: Floats, melted: Floats, power_factor: tuple[float, float], rated_w: float, rng: np.random.Generator
) -> Floats:
    """Reactive power of coil and capacitors: what the stages leave over, with a step at each switching.

    Coil and capacitors hang on the same tap of the furnace's transformer: both go with the power.

    Args:
        level: power over rated power, shape (n,).
        melted: share of the melt that is done, shape (n,).
        power_factor: the coil's at the start and at the end of the melt.
        rated_w: rated power.
        rng: where its randomness comes from.
    """
    start, end = (math.tan(math.acos(factor)) for factor in power_factor)
    wanted = (start + (end - start) * melted) * (1 + 0.005 * wander(len(level), 300, rng))
    return rated_w * level * (wanted - _STAGE * _stages(wanted / _STAGE))


def balancing_var(active_w: Floats, rated_w: float) -> Floats:
    """Reactive power of choke and balancing capacitors each: up to P/√3, in coarse stages."""
    stages = np.round(np.clip(active_w / rated_w, 0, 1) * _BALANCE_STEPS) / _BALANCE_STEPS
    return stages * _BALANCE_SHARE * rated_w / math.sqrt(3)


def _stages(wanted: Floats) -> Floats:
    """Whole stages that a regulator with a dead band and a waiting time has switched in."""
    stages = np.empty(len(wanted))
    now, switched = round(float(wanted[0])), -_STAGE_WAIT_S
    for second, want in enumerate(wanted):
        if abs(want - now) > _STAGE_BAND and second - switched >= _STAGE_WAIT_S:
            now, switched = round(float(want)), second
        stages[second] = now
    return stages
