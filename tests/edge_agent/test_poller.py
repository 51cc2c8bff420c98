"""The schedule of a line, and what a meter that does not answer costs the others."""

import asyncio
import contextlib
import gc
import itertools
import tracemalloc
from collections.abc import Callable, Sequence

import pytest

from edge_agent.config import Meter
from edge_agent.modbus import ReadImage
from edge_agent.plan import Block, plan
from edge_agent.poller import RETURN_MS, LinePoller
from tests.edge_agent.fakes import Answer, FakeClock, FakeLine, in_turn, meter, refusing, telling
from tests.edge_agent.frames import REPORTS
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State

GOOD = telling("eastron_sdm630", {Quantity.ACTIVE_POWER_W: 7.0})
DEAD = refusing(Reason.TIMEOUT)
ALIVE_MS, DEAD_MS = 50, 400


async def collect(
    line: FakeLine, clock: FakeClock, wanted: int, *meters: Meter, period_s: float = 1.0
) -> tuple[list[Reading], LinePoller]:
    """The first readings of a poller of these meters, and the poller as it stood then."""
    readings: list[Reading] = []
    enough = asyncio.Event()

    async def sink(reading: Reading) -> None:
        readings.append(reading)
        if len(readings) == wanted:
            enough.set()
            await asyncio.Event().wait()

    poller = LinePoller(line, meters or (meter(),), period_s, clock, sink)
    task = asyncio.create_task(poller.run())
    await enough.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError, match=r"^$"):
        await task
    return readings, poller


def meters(count: int) -> list[Meter]:
    """Meters m1, m2 and so on, under units 1, 2 and so on."""
    return [meter(f"m{unit}", unit=unit) for unit in range(1, count + 1)]


def bus(clock: FakeClock, is_dead: Callable[[int], bool], alive_ms: int = ALIVE_MS) -> FakeLine:
    """A line on which some units are dead at some times."""
    return FakeLine(
        clock,
        lambda unit, blocks: (DEAD if is_dead(unit) else GOOD)(unit, blocks),
        lambda unit: DEAD_MS if is_dead(unit) else alive_ms,
    )


@pytest.mark.parametrize("takes_ms", [0, 130, 999])
async def test_no_drift(takes_ms: int) -> None:
    """A thousand polls later the schedule still stands where it began, however long a poll takes."""
    clock = FakeClock()
    start = clock.now_ms
    line = FakeLine(clock, GOOD, lambda _: takes_ms)
    readings, _ = await collect(line, clock, 1000)
    assert [r.monotonic_ms for r in readings] == [start + i * 1000 + takes_ms for i in range(1000)]
    assert line.closed


async def test_a_late_round_is_followed_at_once() -> None:
    """A tick that fell into a round is late by what was left of it; a tick that fell whole into one is left out."""
    clock = FakeClock()
    start = clock.now_ms
    durations = iter([2500, *([0] * 10)])
    line = FakeLine(clock, GOOD, lambda _: next(durations))
    readings, poller = await collect(line, clock, 4)
    assert [r.monotonic_ms - start for r in readings] == [2500, 2500, 3000, 4000]
    assert poller.late_ticks == 1


async def test_every_meter_every_tick() -> None:
    """Four meters, one dead: each tick gives one reading of each, and the dead one comes last."""
    clock = FakeClock()
    readings, poller = await collect(bus(clock, lambda unit: unit == 2), clock, 160, *meters(4))
    assert all({r.meter for r in readings[i : i + 4]} == {"m1", "m2", "m3", "m4"} for i in range(0, 160, 4))
    assert [r.meter for r in readings[4:]] == ["m1", "m3", "m4", "m2"] * 39
    assert {r.state for r in readings if r.meter != "m2"} == {State.OK}
    assert {r.state for r in readings if r.meter == "m2"} == {State.TIMEOUT}
    assert poller.late_ticks == 0


async def test_a_dead_meter_costs_one_time_out_a_step() -> None:
    """It is asked in the next round, then after ever longer steps, at most half of the time a return may take."""
    clock = FakeClock()
    start = clock.now_ms
    asked: list[int] = []

    def answer(unit: int, blocks: Sequence[Block]) -> ReadImage:
        if unit == 2:
            asked.append(clock.now_ms - start - DEAD_MS)
        return (DEAD if unit == 2 else GOOD)(unit, blocks)

    line = FakeLine(clock, answer, lambda unit: DEAD_MS if unit == 2 else ALIVE_MS)
    await collect(line, clock, 4 * 40, *meters(4))
    steps = [round((b - a) / 1000) for a, b in itertools.pairwise(asked[1:])]
    assert asked[0] < asked[1] < 1000  # the first round asks once more
    assert steps[:3] == [1, 2, 2]
    assert set(steps[1:]) <= {2, 3}


@pytest.mark.parametrize("period_s", [1.0, 5.0, 0.2])
@pytest.mark.parametrize("back_at_ms", [11_000, 13_370, 17_999])
async def test_a_meter_that_returns_is_read_soon(period_s: float, back_at_ms: int) -> None:
    """Its next good reading comes within 5 s, or two rounds where that is longer, whenever it returns."""
    clock = FakeClock()
    back_ms = clock.now_ms + back_at_ms
    line = bus(clock, lambda unit: unit in {2, 3} and clock.now_ms < back_ms)
    readings, _ = await collect(line, clock, 4 * round(40 / period_s), *meters(4), period_s=period_s)
    for name in ("m2", "m3"):
        good = next(r.monotonic_ms for r in readings if r.meter == name and r.state is State.OK)
        assert good - back_ms <= max(RETURN_MS, 2000 * period_s)


async def test_on_a_line_that_is_late_anyway_a_meter_that_returns_is_read_within_two_rounds() -> None:
    """Thirty-two meters take longer than the period, three are dead: every living one is read in each round."""
    clock = FakeClock()
    back_ms = clock.now_ms + 40_000
    line = bus(clock, lambda unit: unit in {5, 6, 7} and clock.now_ms < back_ms, alive_ms=200)
    readings, poller = await collect(line, clock, 32 * 20, *meters(32))
    rounds = [readings[i : i + 32] for i in range(0, len(readings), 32)]
    assert all(len({r.meter for r in one}) == 32 for one in rounds)
    assert {r.state for one in rounds for r in one if r.meter not in {"m5", "m6", "m7"}} == {State.OK}
    ends = [max(r.monotonic_ms for r in one) for one in rounds]
    longest = max(b - a for a, b in itertools.pairwise(ends))
    assert longest < 10_000
    for name in ("m5", "m6", "m7"):
        good = next(r.monotonic_ms for r in readings if r.meter == name and r.state is State.OK)
        assert good - back_ms <= 2 * longest
    assert poller.late_ticks > 0


async def test_many_dead_meters_delay_no_living_one() -> None:
    """Six dead meters whose waits would fill two periods: the living one is read at each tick, each dead one in turn."""
    clock = FakeClock()
    start = clock.now_ms
    line = bus(clock, lambda unit: unit != 1)
    readings, _ = await collect(line, clock, 7 * 40, *meters(7))
    alive = [r.monotonic_ms - start for r in readings if r.meter == "m1"]
    steady = alive[4:]
    assert {b - a for a, b in itertools.pairwise(steady)} == {1000}
    assert {unit for unit, _ in line.polls[-14:]} >= {2, 3, 4, 5, 6, 7}
    assert all(len({r.meter for r in readings[i : i + 7]}) == 7 for i in range(0, 280, 7))


async def test_one_spoilt_answer_costs_no_sample() -> None:
    """A reply that is lost once is asked again in the same round, behind the other meters, and the reading is good."""
    clock = FakeClock()
    lost = refusing(Reason.CHECK_SUM)
    answers = {1: GOOD, 2: in_turn(GOOD, lost, GOOD), 3: GOOD}
    line = FakeLine(clock, lambda unit, blocks: answers[unit](unit, blocks), lambda _: 100)
    readings, _ = await collect(line, clock, 9, *meters(3))
    assert {r.state for r in readings} == {State.OK}
    assert [unit for unit, _ in line.polls[3:7]] == [1, 2, 3, 2]


async def test_a_second_try_never_makes_the_others_late() -> None:
    """Where the round has no time left, what went missing stays missing until the next round."""
    clock = FakeClock()
    answers: dict[int, Answer] = {1: GOOD, 2: in_turn(GOOD, DEAD, GOOD)}
    line = FakeLine(clock, lambda unit, blocks: answers[unit](unit, blocks), lambda _: 400)
    readings, poller = await collect(line, clock, 8, *meters(2))
    assert [r.state for r in readings if r.meter == "m2"] == [State.OK, State.TIMEOUT, State.OK, State.OK]
    assert poller.late_ticks == 0


def without_2(clock: FakeClock, reason: Reason) -> FakeLine:
    """A line on which unit 2 is not there."""
    gone = refusing(reason)
    return FakeLine(clock, lambda unit, blocks: (gone if unit == 2 else GOOD)(unit, blocks))


async def test_a_slave_that_is_dead_behind_a_gateway_holds_up_nobody() -> None:
    """Report p01: unit 2 is silent, or its gateway says so, for ever: 3 and 4 are read in each cycle, 2 now and then."""
    events = (REPORTS / "p01-one-dead-in-queue" / "events.txt").read_text(encoding="utf-8")
    assert "units 1..4" in events
    for reason in (Reason.TIMEOUT, Reason.GATEWAY_TARGET):
        clock = FakeClock()
        line = without_2(clock, reason)
        readings, _ = await collect(line, clock, 4 * 100, *meters(4))
        assert [r.meter for r in readings if r.state is State.OK] == ["m1", "m3", "m4"] * 100
        assert {r.state for r in readings if r.meter == "m2"} == {State.TIMEOUT}
        assert sum(unit == 2 for unit, _ in line.polls) < 60


async def test_a_dead_slave_takes_no_memory() -> None:
    """Report p01: memory after thousands of exceptions is what it was after hundreds."""
    clock = FakeClock()
    line = without_2(clock, Reason.GATEWAY_TARGET)

    async def sink(reading: Reading) -> None:
        del reading

    poller = LinePoller(line, meters(2), 1.0, clock, sink)

    async def rounds(count: int) -> int:
        for _ in range(count):
            await poller.round(clock.now_ms + 1000)
            clock.now_ms += 1000
        line.polls.clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        early = await rounds(300)
        assert await rounds(2000) - early < 20_000
    finally:
        tracemalloc.stop()


async def test_a_swallowed_cancellation_still_ends_the_poller() -> None:
    """A wait that drops the cancellation, as Python 3.11's wait_for can, does not keep the poller alive."""
    clock = FakeClock()

    class Swallows(FakeLine):
        async def poll(
            self, unit: int, blocks: Sequence[Block], settle: Block, timeout_s: float, pause_s: float = 0.0
        ) -> ReadImage:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            return await super().poll(unit, blocks, settle, timeout_s, pause_s)

    line = Swallows(clock, GOOD)
    readings: list[Reading] = []

    async def sink(reading: Reading) -> None:
        readings.append(reading)

    task = asyncio.create_task(LinePoller(line, [meter()], 1.0, clock, sink).run())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,), timeout=10)
    assert (task.cancelled(), line.closed, readings) == (True, True, [])


async def test_on_a_line_that_is_late_slow_requests_are_spread() -> None:
    """No round asks more than a quarter of the meters for a slow quantity, and each is asked in the end."""
    clock = FakeClock()
    line = bus(clock, lambda _unit: False, alive_ms=200)
    await collect(line, clock, 16 * 20, *meters(16))
    slow = set(plan(meter().loaded.profile).slow)
    rounds = [line.polls[at : at + 16] for at in range(16, len(line.polls), 16)]
    asked = [[unit for unit, blocks in one if slow & set(blocks)] for one in rounds]
    assert max(map(len, asked)) == 4
    assert {unit for one in asked for unit in one} == set(range(1, 17))
