"""From a load on a supply to what a meter between them measures: U, I, P, Q, S, PF, THD, energy that agree.

P = U·I·PF per phase and in total, S = U·I, S² = P² + Q² per phase (Q is what the meters of this class call reactive:
all that is not active), energy = the integral of P.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from simulators.derive import PHASES, phase
from simulators.grid import Mains
from simulators.noise import Floats
from wire.quantities import Quantity

_DROOP = 0.02
"""Fall of the voltage at rated apparent power, as a share [K]: a 4-6 % transformer under a load of 0.93 PF."""

_GATE = 0.05
"""§1.4 [K]: below this share of the CT's primary current a meter tells no current distortion."""

_STANDARD_CT_A = (100, 150, 200, 300, 400, 600, 800, 1000, 1500, 2000, 3000, 4000, 5000, 6000)
"""Primary currents of x/5 transformers; §2.2 has those from 100 to 3000."""


@dataclass(frozen=True)
class Load:
    """What a furnace draws, at 1 s.

    Attributes:
        active_w: per phase, shape (n, 3).
        reactive_var: per phase, positive lagging, shape (n, 3).
        thd_current_pct: per phase while it draws current, shape (n, 3).
        thd_voltage_added_pct: distortion that it adds to the supply, shape (n,).
    """

    active_w: Floats
    reactive_var: Floats
    thd_current_pct: Floats
    thd_voltage_added_pct: Floats


def fitting_ct(rated_w: float) -> float:
    """The ratio of the smallest standard x/5 CT for a 400 V furnace at 0.9 PF with a fifth to spare."""
    current = 1.2 * rated_w / 0.9 / (np.sqrt(3) * 400)
    return next((a for a in _STANDARD_CT_A if a >= current), _STANDARD_CT_A[-1]) / 5


def measured(
    mains: Mains, load: Load, *, rated_w: float, ct_ratio: float, start_wh: float
) -> Mapping[Quantity, Floats]:
    """The columns of a meter's recording, primary values.

    Args:
        mains: the supply.
        load: what hangs on it.
        rated_w: the furnace's rated power: what the supply's droop goes by.
        ct_ratio: of the meter's current transformers.
        start_wh: the import register at the first second.
    """
    apparent = np.hypot(load.active_w, load.reactive_var)
    voltage = mains.voltage_v * (1 - _DROOP * apparent.sum(axis=1, keepdims=True) / rated_w)
    current = apparent / voltage
    thd_current = np.where(current < _GATE * ct_ratio * 5, 0.0, load.thd_current_pct)
    thd_voltage = mains.thd_voltage_pct + load.thd_voltage_added_pct[:, np.newaxis]
    columns = _phases("voltage", "_v", voltage) | _line_voltages(voltage) | _phases("current", "_a", current)
    columns |= {Quantity.CURRENT_N_A: np.zeros(len(voltage))}  # a furnace has no neutral
    columns |= _powers(load, apparent)
    columns |= {Quantity.FREQUENCY_HZ: mains.frequency_hz} | _energies(load.active_w.sum(axis=1), start_wh)
    columns |= _phases("thd_current", "_pct", thd_current) | _phases("thd_voltage", "_pct", thd_voltage)
    return columns | {Quantity.CT_RATIO: np.full(len(voltage), ct_ratio)}


def _phases(stem: str, unit: str, values: Floats) -> dict[Quantity, Floats]:
    return {phase(stem, number, unit): values[:, number - 1] for number in PHASES}


def _line_voltages(voltage: Floats) -> dict[Quantity, Floats]:
    """Between phases 120 degrees apart: |Va - Vb|² = a² + ab + b²."""
    names = (Quantity.VOLTAGE_L12_V, Quantity.VOLTAGE_L23_V, Quantity.VOLTAGE_L31_V)
    pairs = ((voltage[:, i], voltage[:, (i + 1) % 3]) for i in range(3))
    return {name: np.sqrt(a * a + a * b + b * b) for name, (a, b) in zip(names, pairs, strict=True)}


def _powers(load: Load, apparent: Floats) -> dict[Quantity, Floats]:
    active, whole = load.active_w.sum(axis=1), apparent.sum(axis=1)
    return {
        Quantity.ACTIVE_POWER_W: active,
        Quantity.REACTIVE_POWER_VAR: load.reactive_var.sum(axis=1),
        Quantity.APPARENT_POWER_VA: whole,
        Quantity.POWER_FACTOR: _power_factor(active, whole),
        **_phases("active_power", "_w", load.active_w),
        **_phases("reactive_power", "_var", load.reactive_var),
        **_phases("apparent_power", "_va", apparent),
        **_phases("power_factor", "", _power_factor(load.active_w, apparent)),
    }


def _power_factor(active: Floats, apparent: Floats) -> Floats:
    """P / S; 1 where nothing flows, as the DTSU666 tells it (§2.3 [derive])."""
    return np.divide(active, apparent, out=np.ones_like(active), where=apparent > 0)


def _energies(active: Floats, start_wh: float) -> dict[Quantity, Floats]:
    """Registers at the start of each second: what every second before has added."""
    before = np.concatenate(([0.0], active[:-1])) / 3600
    return {
        Quantity.IMPORT_ENERGY_WH: start_wh + np.cumsum(np.maximum(before, 0)),
        Quantity.EXPORT_ENERGY_WH: np.cumsum(np.maximum(-before, 0)),
    }
