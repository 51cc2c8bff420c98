"""Thirty-two meters on one slow line, some dead, one late, one sending garbage: what it costs the others, and a return.

The line is simulators/paced_line.py at 9,600 baud; the client is the agent's own line reader and poller. After some rounds
the dead meters answer again, and the time to each one's next good reading is taken.
"""

import asyncio
import time
from collections.abc import Callable
from itertools import pairwise

import msgspec
import uvloop

from coldseal.poll_bench_meters import melting, words_of
from edge_agent.config import Meter
from edge_agent.line import SerialLine
from edge_agent.modbus import LineReader
from edge_agent.poller import LinePoller
from simulators.faults import garbled, late, silent
from simulators.line_pace import Pace
from simulators.paced_line import PacedLine
from simulators.slaves import Bank
from wire.clock import SystemClock
from wire.profile_files import LoadedProfile, find
from wire.quantities import Quantity
from wire.reading import Reading, State, Unreadable

PROFILE = "eastron_sdm630"
TIMEOUT_S, WAKE_POWER_W = 0.4, 1e9
LATE_S = 1.5 * TIMEOUT_S
CYCLE_AT_MOST_S = 10.0
RETURN_AT_MOST_S = 5.0
"""Or two cycles, whichever is longer."""
PATIENCE_S = 300.0
STEP_S = 0.05

Say = Callable[[str], None]


class Bus(msgspec.Struct, frozen=True):
    """What is on the line.

    Attributes:
        baud: its speed.
        meters: units 1 to this.
        dead, late, garbage: units that do not answer, answer LATE_S later, send what has a wrong check sum.
        rounds: how many are counted before the dead return.
        period_s: of the polls; as many rounds follow one another at once as fit in no period.
    """

    baud: int = 9_600
    meters: int = 32
    dead: tuple[int, ...] = (5, 6, 7)
    late: int = 12
    garbage: int = 20
    rounds: int = 12
    period_s: float = 1.0


AS_ASKED = Bus()


class BusFigures(msgspec.Struct, frozen=True):
    """What the bus gave.

    Attributes:
        meters, dead, late, garbage: on the line; the last two are one unit each.
        rounds: cycles counted, the first one too.
        cycle_mean_s, cycle_max_s: time of one, before and after the return.
        live: meters that answer well; live_unread says how many of their cycles had no good value.
        late_unread: cycles in which the late meter had none; it must be heard to be late first.
        return_max_s: from a dead meter's return to its next good reading, the longest of all dead ones.
        garbage_taken: values of the meter that sends garbage that were taken for good.
    """

    baud: int
    meters: int
    dead: int
    late: int
    garbage: int
    rounds: int
    cycle_mean_s: float
    cycle_max_s: float
    cycle_max_at_most_s: float
    live: int
    live_unread: int
    live_unread_at_most: int
    late_unread: int
    garbage_taken: int
    garbage_taken_at_most: int
    return_max_s: float
    return_max_at_most_s: float
    t35_broken: int
    t35_broken_at_most: int
    collisions: int

    def not_kept(self) -> list[str]:
        """The limits that do not hold."""
        pairs = {
            "cycle_max_s": self.cycle_max_s <= self.cycle_max_at_most_s,
            "live_unread": self.live_unread <= self.live_unread_at_most,
            "garbage_taken": self.garbage_taken <= self.garbage_taken_at_most,
            "return_max_s": self.return_max_s <= self.return_max_at_most_s,
            "t35_broken": self.t35_broken <= self.t35_broken_at_most,
        }
        return [f"bus.{name}" for name, is_kept in pairs.items() if not is_kept]


def measure(say: Say, bus: Bus = AS_ASKED) -> BusFigures:
    """Poll the bus, let the dead return, and poll on until each was read."""
    words = words_of(find(PROFILE).profile, melting())
    line = PacedLine({unit: Bank(words) for unit in range(1, bus.meters + 1)}, Pace(bus.baud))
    for unit in bus.dead:
        line.faults(unit).always(silent())
    line.faults(bus.late).always(late(LATE_S))
    line.faults(bus.garbage).always(garbled())
    line.start()
    try:
        return uvloop.run(_Watch(line, bus, say).run())
    finally:
        line.stop()


class _Watch:
    """One bus under measurement."""

    def __init__(self, line: PacedLine, bus: Bus, say: Say) -> None:
        self._line, self._bus, self._say = line, bus, say
        self._rounds: list[dict[str, Reading]] = []
        self._ends_ms: list[int] = []
        self._round: dict[str, Reading] = {}
        self._clock = SystemClock()

    async def run(self) -> BusFigures:
        """The figures."""
        bus, serial = self._bus, SerialLine(self._line.device, self._bus.baud, "N", 1)
        loaded = find(PROFILE)
        meters = [_meter(unit, serial, loaded) for unit in range(1, bus.meters + 1)]
        start_ms = self._clock.monotonic_ms()
        polling = asyncio.create_task(
            LinePoller(LineReader(serial), meters, bus.period_s, self._clock, self._take).run()
        )
        try:
            await self._until(polling, lambda: len(self._rounds) >= bus.rounds)
            returned_ms = self._clock.monotonic_ms()
            for unit in bus.dead:
                self._line.faults(unit).clear()
            await self._until(polling, lambda: all(self._good_ms(unit, returned_ms) for unit in bus.dead))
        finally:
            polling.cancel()
            await asyncio.wait((polling,))
        return self._figures(start_ms, returned_ms)

    async def _take(self, reading: Reading) -> None:
        self._round[reading.meter] = reading
        if len(self._round) == self._bus.meters:
            self._rounds.append(self._round)
            self._ends_ms.append(self._clock.monotonic_ms())
            self._round = {}
            self._say(f"bus: round {len(self._rounds)}")

    async def _until(self, polling: asyncio.Task[None], is_true: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not is_true():
            if polling.done():
                polling.result()
            if time.monotonic() > end:
                raise TimeoutError(f"bus: expected an end within {PATIENCE_S:g} s, got {len(self._rounds)} rounds")
            await asyncio.sleep(STEP_S)

    def _good_ms(self, unit: int, since_ms: int) -> int | None:
        """Milliseconds until a meter's first good reading; the round in hand counts too."""
        readings = [told[_id(unit)] for told in [*self._rounds, self._round] if _id(unit) in told]
        found = (r.monotonic_ms - since_ms for r in readings if r.monotonic_ms > since_ms and _power(r) is not None)
        return next(found, None)

    def _unread(self, unit: int) -> int:
        return sum(_power(told[_id(unit)]) is None for told in self._rounds)

    def _figures(self, start_ms: int, returned_ms: int) -> BusFigures:
        bus = self._bus
        spans = [(after - before) / 1000 for before, after in pairwise([start_ms, *self._ends_ms])]
        live = [u for u in range(1, bus.meters + 1) if u not in (*bus.dead, bus.late, bus.garbage)]
        return BusFigures(
            baud=bus.baud,
            meters=bus.meters,
            dead=len(bus.dead),
            late=1,
            garbage=1,
            rounds=len(spans),
            cycle_mean_s=round(sum(spans) / len(spans), 3),
            cycle_max_s=round(max(spans), 3),
            cycle_max_at_most_s=CYCLE_AT_MOST_S,
            live=len(live),
            live_unread=sum(map(self._unread, live)),
            live_unread_at_most=0,
            late_unread=self._unread(bus.late),
            garbage_taken=len(self._rounds) - self._unread(bus.garbage),
            garbage_taken_at_most=0,
            return_max_s=round(max(self._good_ms(unit, returned_ms) or 0 for unit in bus.dead) / 1000, 3),
            return_max_at_most_s=round(max(RETURN_AT_MOST_S, 2 * max(spans)), 3),
            t35_broken=self._line.t35_broken,
            t35_broken_at_most=0,
            collisions=self._line.collisions,
        )


def _id(unit: int) -> str:
    return f"m{unit}"


def _meter(unit: int, line: SerialLine, loaded: LoadedProfile) -> Meter:
    return Meter(_id(unit), line, unit, TIMEOUT_S, WAKE_POWER_W, loaded)


def _power(reading: Reading) -> float | None:
    """The active power of a good reading."""
    value = reading.values.get(Quantity.ACTIVE_POWER_W)
    return None if reading.state is not State.OK or value is None or isinstance(value, Unreadable) else value
