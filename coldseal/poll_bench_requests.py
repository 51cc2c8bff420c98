"""Requests per cycle of each register map, against one request for each quantity. Counted, not measured."""

import statistics

import msgspec

from edge_agent.plan import Turn, plan, turn_of
from wire.profile_files import find, names

RATIO_AT_LEAST = 5.0


class ProfileRequests(msgspec.Struct, frozen=True):
    """One register map.

    Attributes:
        quantities_per_cycle, requests_per_cycle, ratio: what each poll reads, in how many requests, and the first over
            the second.
        quantities, requests, whole_ratio: the same of everything, with what the meter tells of itself.
    """

    profile: str
    quantities_per_cycle: int
    requests_per_cycle: int
    ratio: float
    quantities: int
    requests: int
    whole_ratio: float


class RequestFigures(msgspec.Struct, frozen=True):
    """All register maps, and the medians over them."""

    profiles: list[ProfileRequests]
    ratio_median: float
    ratio_median_at_least: float
    whole_ratio_median: float

    def not_kept(self) -> list[str]:
        """The limits that do not hold."""
        return ["requests.ratio_median"] if self.ratio_median < self.ratio_median_at_least else []


def measure() -> RequestFigures:
    """Plan every register map that comes with ColdSeal."""
    profiles = [_profile(name) for name in names()]
    return RequestFigures(
        profiles=profiles,
        ratio_median=round(statistics.median(one.ratio for one in profiles), 2),
        ratio_median_at_least=RATIO_AT_LEAST,
        whole_ratio_median=round(statistics.median(one.whole_ratio for one in profiles), 2),
    )


def _profile(name: str) -> ProfileRequests:
    """A quantity of several registers counts as one request on the other side too, which is to its advantage."""
    profile = find(name).profile
    planned = plan(profile)
    fast = sum(turn_of(register) is Turn.FAST for register in profile.registers)
    whole = len(profile.registers) + len(profile.identity)
    return ProfileRequests(
        profile=name,
        quantities_per_cycle=fast,
        requests_per_cycle=len(planned.fast),
        ratio=round(fast / len(planned.fast), 2),
        quantities=whole,
        requests=len(planned.every),
        whole_ratio=round(whole / len(planned.every), 2),
    )
