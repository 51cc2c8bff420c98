"""One heat as power over rated power, second by second: from closing the switch to opening it (domain notes §1.6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from simulators.furnace_class import FurnaceFacts, Range
from simulators.noise import Floats, wander

_EDGE_S = 4
"""Time in which an operator or a thyristor moves the power from one level to another."""


class Phase(StrEnum):
    """What the furnace is doing."""

    ENERGISE = "energise"
    IDLE = "idle"
    SOFT_START = "soft_start"
    RAMP = "ramp"
    MELT = "melt"
    TEST = "test"
    TAP = "tap"
    HOLD = "hold"


@dataclass(frozen=True)
class Heat:
    """A heat's course.

    Attributes:
        level: power over rated power, shape (n,).
        limit: the level that the furnace's impedance allows at full voltage, shape (n,).
        phases: each phase with its number of seconds, in order; together n.
        melted: share of the melt that is done, 0 to 1, shape (n,).
    """

    level: Floats
    limit: Floats
    phases: tuple[tuple[Phase, int], ...]
    melted: Floats

    def during(self, phase: Phase) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which seconds belong to a phase, shape (n,)."""
        return np.concatenate([np.full(seconds, kind is phase) for kind, seconds in self.phases])


def heat(facts: FurnaceFacts, tonnes: float, rng: np.random.Generator) -> Heat:
    """A heat that takes the class's energy per tonne: the melt lasts until it is in.

    Args:
        facts: the furnace's class.
        tonnes: the charge.
        rng: where its randomness comes from.
    """
    rated_w = facts.rated_w(tonnes)
    start = list(_start(facts, rng))
    end = list(_end(facts, 1000 * tonnes / rated_w, rng))
    full_seconds = rng.uniform(*facts.energy_kwh_per_t) * tonnes * 3_600_000 / rated_w
    spent = sum(float(level.sum()) for phase, level in [*start, *end] if phase is not Phase.HOLD)
    level, limit = _melt(facts, full_seconds - spent, rng)
    parts = [*start, (Phase.MELT, level), *end]
    before, after = (sum(len(part) for _, part in side) for side in (start, end))
    return Heat(
        level=np.concatenate([part for _, part in parts]),
        limit=np.concatenate([np.full(before, limit[0]), limit, np.ones(after)]),
        phases=tuple((phase, len(part)) for phase, part in parts),
        melted=np.concatenate([np.zeros(before), np.linspace(0, 1, len(level)), np.ones(after)]),
    )


def _start(facts: FurnaceFacts, rng: np.random.Generator) -> Iterator[tuple[Phase, Floats]]:
    """Inrush, idle transformer, starts that do not catch (§1.6: 2-10 % for 2-10 s), ramp (10-120 s)."""
    yield Phase.ENERGISE, np.zeros(1)
    yield Phase.IDLE, np.zeros(rng.integers(20, 90))
    for _ in range(rng.integers(0, facts.failed_starts_max + 1)):
        yield Phase.SOFT_START, rng.uniform(0.02, 0.06, rng.integers(2, 5))
        yield Phase.IDLE, np.zeros(rng.integers(3, 8))
    if facts.failed_starts_max:
        yield Phase.SOFT_START, np.linspace(0.02, 0.10, rng.integers(3, 10))
    yield Phase.RAMP, np.linspace(0.10, facts.level[0], rng.integers(20, 120))


def _end(facts: FurnaceFacts, kw_per_t_level: float, rng: np.random.Generator) -> Iterator[tuple[Phase, Floats]]:
    yield Phase.TEST, _steady(facts.test_min, facts.test_level, rng)
    yield Phase.TAP, _steady(facts.tap_min, facts.tap_level, rng)
    low, high = facts.hold_kw_per_t
    yield Phase.HOLD, _steady(facts.hold_min, (low * kw_per_t_level, high * kw_per_t_level), rng)


def _steady(minutes: Range, level: Range, rng: np.random.Generator) -> Floats:
    seconds = round(60 * rng.uniform(*minutes))
    return np.clip(rng.uniform(*level) + 0.004 * wander(seconds, 60, rng), 0, 1)


def _melt(facts: FurnaceFacts, full_seconds: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Level and limit of a melt whose levels sum up to `full_seconds` (seconds at rated power), to the second."""
    seconds = int(full_seconds / 0.5)
    nominal = full_seconds / (np.mean(facts.level) - np.mean(facts.mid_heat_drop) / 2 - 0.02)
    progress = np.minimum(np.arange(seconds) / nominal, 1)
    limit = rng.uniform(*facts.level) - rng.uniform(*facts.mid_heat_drop) * np.sin(np.pi * progress) ** 2
    limit = np.clip(limit + 0.008 * wander(seconds, 30, rng), 0, 1)
    level = limit.copy()
    for moment in np.sort(rng.uniform(0.05, 0.85, rng.integers(*facts.charges, endpoint=True))):
        level *= _dip(seconds, int(moment * nominal), rng)
    done = int(np.searchsorted(np.cumsum(level), full_seconds)) + 1
    return level[:done], limit[:done]


def _dip(seconds: int, start: int, rng: np.random.Generator) -> Floats:
    """A factor that falls while cold charge goes in: by 5-40 % for 10-120 s (§1.6)."""
    length, depth = int(rng.integers(10, 120)), rng.uniform(0.05, 0.40)
    edges = [start, start + _EDGE_S, start + length - _EDGE_S, start + length]
    return np.interp(np.arange(seconds), edges, [1.0, 1 - depth, 1 - depth, 1.0])
