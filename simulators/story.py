"""Stories for a meter: a sealed furnace that resumes for one heat and is cut off again."""

import numpy as np

from simulators.electrical import Load, fitting_ct, measured
from simulators.furnace import load
from simulators.furnace_class import FACTS, FurnaceClass
from simulators.grid import SD_MHZ, Mains, mains
from simulators.heat import heat
from simulators.sealed import sealed
from simulators.trace import Trace

_DECIMALS = 6
"""Kept in a story: finer than any register, and the same text on every machine."""

_START_KWH = (20_000, 90_000)


def one_heat(
    kind: FurnaceClass,
    tonnes: float,
    sealed_s: int,
    seed: int,
    *,
    after_s: int = 600,
    ct_ratio: float | None = None,
    sd_mhz: float = SD_MHZ,
) -> Trace:
    """A recording at 1 s: sealed, one heat, sealed again.

    Args:
        kind: the furnace's class.
        tonnes: its nominal capacity.
        sealed_s: seconds before the heat.
        seed: the same seed gives the same recording.
        after_s: sealed seconds after the heat.
        ct_ratio: of the meter; None: a standard one that fits.
        sd_mhz: spread of the grid's frequency.
    """
    grid, furnace, register = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(3))
    rated_w = FACTS[kind].rated_w(tonnes)
    course = heat(FACTS[kind], tonnes, furnace)
    supply = mains(sealed_s + len(course.level) + after_s, grid, sd_mhz=sd_mhz)
    during = supply.voltage_v[sealed_s : sealed_s + len(course.level)]
    drawn = _in_turn(sealed(sealed_s), load(kind, tonnes, course, during, furnace), sealed(after_s))
    return _trace(supply, drawn, rated_w, fitting_ct(rated_w) if ct_ratio is None else ct_ratio, register)


def quiet(seconds: int, seed: int, *, ct_ratio: float = 200.0, sd_mhz: float = SD_MHZ) -> Trace:
    """A recording at 1 s of a furnace that stays cut off below the meter.

    Args:
        seconds: its length.
        seed: the same seed gives the same recording.
        ct_ratio: of the meter.
        sd_mhz: spread of the grid's frequency.
    """
    grid, _, register = (np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(3))
    return _trace(mains(seconds, grid, sd_mhz=sd_mhz), sealed(seconds), 1.0, ct_ratio, register)


def _trace(supply: Mains, drawn: Load, rated_w: float, ct_ratio: float, register: np.random.Generator) -> Trace:
    start_wh = 1000 * float(register.integers(*_START_KWH))
    columns = measured(supply, drawn, rated_w=rated_w, ct_ratio=ct_ratio, start_wh=start_wh)
    rounded = {quantity: np.round(column, _DECIMALS).tolist() for quantity, column in columns.items()}
    return Trace([float(t) for t in range(len(supply.frequency_hz))], rounded)


def _in_turn(*loads: Load) -> Load:
    return Load(
        active_w=np.concatenate([part.active_w for part in loads]),
        reactive_var=np.concatenate([part.reactive_var for part in loads]),
        thd_current_pct=np.concatenate([part.thd_current_pct for part in loads]),
        thd_voltage_added_pct=np.concatenate([part.thd_voltage_added_pct for part in loads]),
    )
