"""The synchronous area's frequency and one site's voltages, as a live meter of a sealed furnace sees them.

Frequency: the two-process generator fitted to one real day of Continental Europe at 1 s (domain notes §2.4). Voltages:
§2.3 [K].
"""

import math
from dataclasses import dataclass

import numpy as np

from simulators.noise import Floats, recursion, wander

_FAST_SHARE, _FAST_S, _SLOW_S, _FILTER_S = 0.117, 9.2, 328.0, 2.9  # §2.4, fitted
_SETTLING_S = 60  # twenty time constants of the filter

SD_MHZ = 20.0
"""§2.4: 10 to 25; 19.4 in Continental Europe, 23 in Wuhan."""


@dataclass(frozen=True)
class Mains:
    """The supply at 1 s.

    Attributes:
        frequency_hz: shape (n,).
        voltage_v: phase voltages without the furnace's load, shape (n, 3).
        thd_voltage_pct: background distortion, shape (n, 3).
    """

    frequency_hz: Floats
    voltage_v: Floats
    thd_voltage_pct: Floats


def mains(seconds: int, rng: np.random.Generator, *, sd_mhz: float = SD_MHZ, speed: float = 1.0) -> Mains:
    """A supply for as many seconds.

    Args:
        seconds: samples.
        rng: where its randomness comes from.
        sd_mhz: spread of the frequency.
        speed: of the frequency's movement; Wuhan's is about 2 (§2.4: 10-21 mHz in 20 s).
    """
    return Mains(
        frequency_hz=frequency_hz(seconds, rng, sd_mhz=sd_mhz, speed=speed),
        voltage_v=voltage_v(seconds, rng),
        thd_voltage_pct=thd_voltage_pct(seconds, rng),
    )


def frequency_hz(seconds: int, rng: np.random.Generator, *, sd_mhz: float = SD_MHZ, speed: float = 1.0) -> Floats:
    """Grid frequency about 50 Hz.

    Args:
        seconds: samples.
        rng: where its randomness comes from.
        sd_mhz: spread of the whole process, mHz.
        speed: 1 is Continental Europe; 2 moves twice as fast.
    """
    total = np.zeros(seconds)
    variance = 0.0
    smooth = math.exp(-speed / _FILTER_S)
    for share, constant_s in ((_FAST_SHARE, _FAST_S / speed), (1 - _FAST_SHARE, _SLOW_S / speed)):
        process = wander(seconds + _SETTLING_S, constant_s, rng)
        process[0] /= 1 - smooth  # the filter starts settled on the first value
        total += math.sqrt(share) * recursion(process * (1 - smooth), smooth)[_SETTLING_S:]
        variance += share * _variance_left(math.exp(-1 / constant_s), smooth)
    return 50 + total * sd_mhz / 1000 / math.sqrt(variance)


def _variance_left(keep: float, smooth: float) -> float:
    """Variance of an AR(1) process of variance 1 behind a first-order filter [C]."""
    return (1 - smooth) / (1 + smooth) * (1 + keep * smooth) / (1 - keep * smooth)


def voltage_v(seconds: int, rng: np.random.Generator) -> Floats:
    """Phase voltages, shape (n, 3): a slow mean and noise of 1 s, both mostly common to the phases.

    §2.3 [K]: 220-240 V, 1 s sd 0.2-0.8 V about a slow mean, correlation of two phases 0.8-0.95.
    """
    mean = rng.uniform(228, 233)
    common = 1.5 * wander(seconds, 1800, rng) + 0.42 * rng.standard_normal(seconds)
    own = np.stack([0.5 * wander(seconds, 1800, rng) + 0.16 * rng.standard_normal(seconds) for _ in range(3)], axis=1)
    return mean + rng.uniform(-1, 1, 3) + common[:, np.newaxis] + own


def thd_voltage_pct(seconds: int, rng: np.random.Generator) -> Floats:
    """Background distortion of the voltages, shape (n, 3). §2.3 [K]: 1-3 %, sd 0.1-0.3."""
    phases = [rng.uniform(1.6, 2.2) + 0.15 * wander(seconds, 600, rng) for _ in range(3)]
    return np.clip(np.stack(phases, axis=1), 1.0, 3.0)
