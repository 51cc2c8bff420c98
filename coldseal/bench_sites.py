"""The bench's meters as a process: each furnace switches on and off at seeded moments.

`python -m coldseal.bench_sites FOLDER` serves them on TCP until it is ended.
"""

import random
import sys
from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path

import msgspec

from coldseal.sites_process import main
from simulators.meter import ServedMeter
from simulators.modbus_server import serve
from simulators.place import TcpPlace
from wire.clock import SystemClock
from wire.profile_files import find
from wire.quantities import Quantity
from wire.reading import Value

PLAN = "bench-sites.json"
PROFILE = "eastron_sdm630"
DRAW_W = 326_000.0
_OFF = {
    Quantity.VOLTAGE_L1_V: 230.0,
    Quantity.VOLTAGE_L2_V: 230.5,
    Quantity.VOLTAGE_L3_V: 229.5,
    Quantity.CURRENT_L1_A: 0.0,
    Quantity.CURRENT_L2_A: 0.0,
    Quantity.CURRENT_L3_A: 0.0,
    Quantity.ACTIVE_POWER_W: 0.0,
    Quantity.FREQUENCY_HZ: 50.0,
    Quantity.POWER_FACTOR: 1.0,
}
_ON = {
    **_OFF,
    Quantity.CURRENT_L1_A: 505.0,
    Quantity.CURRENT_L2_A: 505.0,
    Quantity.CURRENT_L3_A: 505.0,
    Quantity.ACTIVE_POWER_W: DRAW_W,
    Quantity.POWER_FACTOR: 0.93,
}


class Plan(msgspec.Struct, frozen=True):
    """What the bench's meters do.

    Attributes:
        ports: one meter each.
        seed: decides every switching moment.
        first_s: sealed time before the first restart.
        on_s: how long a furnace draws.
        off_s: least and most time between two restarts of one furnace.
        until_s: no restart begins later.
    """

    ports: list[int]
    seed: int
    first_s: float
    on_s: float
    off_s: tuple[float, float]
    until_s: float

    def restarts_s(self, meter: int) -> list[float]:
        """When one furnace switches on; the same seed gives the same moments."""
        dice = random.Random(f"{self.seed}/{meter}")  # noqa: S311 - a schedule wants a seed, not secrecy
        moments, at = list[float](), self.first_s + dice.uniform(0, self.off_s[1])
        while at < self.until_s:
            moments.append(at)
            at += self.on_s + dice.uniform(*self.off_s)
        return moments


class Switched:
    """A furnace that draws for on_s from each of its moments on."""

    def __init__(self, moments_s: list[float], on_s: float) -> None:
        self._moments_s, self._on_s = moments_s, on_s
        self._values: Mapping[Quantity, Value] = {}

    def values(self, t_s: float) -> Mapping[Quantity, Value]:
        """Primary values at t_s; the register counts what was drawn."""
        index = bisect_right(self._moments_s, t_s)
        since = t_s - self._moments_s[index - 1] if index else self._on_s
        drawn_s = max(0, index - 1) * self._on_s + (min(since, self._on_s) if index else 0.0)
        energy = 1_000_000.0 + DRAW_W * drawn_s / 3600
        return {**(_ON if since < self._on_s else _OFF), Quantity.IMPORT_ENERGY_WH: energy}


def write(folder: Path, plan: Plan) -> None:
    """Leave the plan where the process finds it."""
    (folder / PLAN).write_bytes(msgspec.json.encode(plan))


async def run(folder: Path) -> None:
    """Serve every meter until the task is cancelled."""
    plan = msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
    profile, clock = find(PROFILE).profile, SystemClock()
    meters = [
        ServedMeter(profile, Switched(plan.restarts_s(i), plan.on_s), TcpPlace("127.0.0.1", port))
        for i, port in enumerate(plan.ports)
    ]
    await serve(meters, clock, lambda _: print(f"ready {clock.wall_ms()}", flush=True))  # noqa: T201 - to the bench


if __name__ == "__main__":
    sys.exit(main(run))
