"""Correlated noise with analytically known spread, so that a short series is not stretched to its own."""

import itertools
import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def wander(seconds: int, time_constant_s: float, rng: np.random.Generator) -> Floats:
    """An Ornstein-Uhlenbeck process of sd 1 at 1 s, from its stationary state.

    Args:
        seconds: samples.
        time_constant_s: after which its autocorrelation is 1/e.
        rng: where its randomness comes from.
    """
    keep = math.exp(-1 / time_constant_s)
    shocks = rng.standard_normal(seconds) * math.sqrt(1 - keep * keep)
    shocks[:1] /= math.sqrt(1 - keep * keep)
    return recursion(shocks, keep)


def recursion(inputs: Floats, keep: float) -> Floats:
    """y[n] = keep · y[n-1] + inputs[n], from y[-1] = 0."""
    return np.fromiter(itertools.accumulate(inputs.tolist(), lambda y, x: keep * y + x), np.float64, len(inputs))
