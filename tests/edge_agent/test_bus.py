"""A whole bus at its true pace: many meters, some of them dead, late, or out of their mind."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from edge_agent.config import Meter
from edge_agent.line import SerialLine
from edge_agent.modbus import LineReader
from edge_agent.plan import plan
from edge_agent.poller import RETURN_MS, LinePoller
from simulators.faults import garbled, late, silent, unsolicited
from simulators.paced_line import PacedLine, paced_line
from simulators.slaves import Bank
from tests.edge_agent.broker import until
from tests.edge_agent.frames import REPORTS
from wire.clock import SystemClock
from wire.profile_files import find
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable
from wire.registers import encode

SDM630 = find("eastron_sdm630")
TIMEOUT_S = 0.2


def bank(power_w: float) -> Bank:
    """An SDM630 that draws so much."""
    every = {word: 0 for block in plan(SDM630.profile).every for word in block.words}
    return Bank(every | encode({Quantity.ACTIVE_POWER_W: power_w, Quantity.FREQUENCY_HZ: 50.0}, SDM630.profile))


class Heard:
    """What a bus told.

    Attributes:
        rounds: the readings of each round that is over, by meter.
        times_ms: when each round was over.
    """

    def __init__(self, serial: SerialLine, period_s: float, count: int) -> None:
        meters = [Meter(f"m{unit}", serial, unit, TIMEOUT_S, 500.0, SDM630) for unit in range(1, count + 1)]
        self.rounds: list[dict[str, Reading]] = []
        self.times_ms: list[int] = []
        self.reader = LineReader(serial)
        self.poller = LinePoller(self.reader, meters, period_s, SystemClock(), self._take)
        self._round: dict[str, Reading] = {}
        self._count = count

    async def _take(self, reading: Reading) -> None:
        assert reading.meter not in self._round, "one reading of each meter a round"
        self._round[reading.meter] = reading
        if len(self._round) == self._count:
            self.rounds.append(self._round)
            self.times_ms.append(SystemClock().monotonic_ms())
            self._round = {}

    def good(self, meter: str, since_ms: int) -> int | None:
        """Milliseconds until the meter's first good reading."""
        readings = (r[meter] for r in self.rounds)
        return next(
            (r.monotonic_ms - since_ms for r in readings if r.monotonic_ms > since_ms and r.state is State.OK), None
        )


@asynccontextmanager
async def heard(
    line: PacedLine, baud: int, period_s: float, count: int, serial: SerialLine | None = None
) -> AsyncIterator[Heard]:
    """A bus that is polled until the block ends, under its device's name unless another is given."""
    one = Heard(serial or SerialLine(line.device, baud, "N", 1), period_s, count)
    task = asyncio.create_task(one.poller.run())
    try:
        yield one
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def test_32_meters_at_9600_baud() -> None:
    """Three dead, one late, one that sends garbage: every other is read in every round; who returns is read soon."""
    slaves = {unit: bank(1000.0 * unit) for unit in range(1, 33)}
    dead, tardy, mad = {5, 6, 7}, 12, 20
    async with paced_line(slaves, 9600) as line:
        for unit in dead:
            line.faults(unit).always(silent())
        line.faults(tardy).always(late(1.5 * TIMEOUT_S))
        line.faults(mad).always(garbled())
        async with heard(line, 9600, 1.0, 32) as bus:
            await until(lambda: len(bus.rounds) >= 3, "three rounds", wait_s=60)
            for unit in dead:
                line.faults(unit).clear()
            since_ms = SystemClock().monotonic_ms()
            await until(lambda: all(bus.good(f"m{u}", since_ms) is not None for u in dead), "who returned", wait_s=60)
    spans = [b - a for a, b in itertools.pairwise(bus.times_ms)]
    assert max(spans) < 10_000
    for unit in dead:
        assert (bus.good(f"m{unit}", since_ms) or 0) <= max(RETURN_MS, 2 * max(spans))
    for number, readings in enumerate(bus.rounds):
        for unit in set(slaves) - dead - {tardy, mad}:
            assert readings[f"m{unit}"].values[Quantity.ACTIVE_POWER_W] == 1000.0 * unit, f"round {number}, unit {unit}"
    told = [r[f"m{tardy}"].values.get(Quantity.ACTIVE_POWER_W) for r in bus.rounds]
    assert told[-1] == 1000.0 * tardy, "it is waited for once it was heard to be late"
    assert line.t35_broken == line.collisions == 0


async def test_garbage_and_silence_cost_the_others_no_sample() -> None:
    """On a fast line with time to spare each good meter is read at each tick, while one is dead and one sends garbage."""
    slaves = {unit: bank(100.0 * unit) for unit in range(1, 7)}
    async with paced_line(slaves, 115_200) as line:
        line.faults(2).always(silent())
        line.faults(3).always(unsolicited(b"\x55\xaa\x00"))
        line.faults(4).always(garbled())
        async with heard(line, 115_200, 1.0, 6) as bus:
            await until(lambda: len(bus.rounds) >= 6, "six rounds", wait_s=60)
        late_ticks = bus.poller.late_ticks
    for readings in bus.rounds:
        for unit in (1, 3, 5, 6):
            assert readings[f"m{unit}"].values[Quantity.ACTIVE_POWER_W] in {100.0 * unit, Unreadable(Reason.TIMEOUT)}
        for unit in (1, 5, 6):
            assert readings[f"m{unit}"].state is State.OK
    assert late_ticks == 0


async def test_an_adapter_that_drops_out_comes_back_under_its_name(tmp_path: Path) -> None:
    """Report p03: an adapter goes for a second while its file is open: it is closed, and read again in seconds."""
    story = (REPORTS / "p03-usb-renumber" / "events.txt").read_text(encoding="utf-8")
    assert "disappears for 1 s" in story
    name = tmp_path / "usb-adapter"
    async with paced_line({1: bank(7.0)}, 115_200, link=name) as line:
        serial = SerialLine(str(name), 115_200, "N", 1)
        async with heard(line, 115_200, 0.5, 1, serial) as bus:
            await until(lambda: len(bus.rounds) >= 3, "a good start")
            line.stop()
            await until(lambda: bus.rounds[-1]["m1"].state is not State.OK, "the outage")
            await until(lambda: not names_of(line.device), "the file is closed")
            line.start(name)
            since_ms = SystemClock().monotonic_ms()
            await until(lambda: bus.good("m1", since_ms) is not None, "readings again")
            assert (bus.good("m1", since_ms) or 0) <= 2 * RETURN_MS


def names_of(device: str) -> list[str]:
    """Files of this process that are this device, or were it before it went."""
    open_files = [str(entry.readlink()) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return [file for file in open_files if file.removesuffix(" (deleted)") == device]
