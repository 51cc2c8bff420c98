"""The schedule, and what becomes of each poll."""

import asyncio
import contextlib
import itertools
from collections.abc import Sequence

import pytest

from edge_agent.config import Meter, TcpLine
from edge_agent.modbus import ReadImage
from edge_agent.plan import Block
from edge_agent.poller import SLOW_PERIOD_MS, LinePoller, MeterPoll, state_of
from tests.edge_agent.fakes import Answer, FakeClock, FakeLine
from wire.profile_files import find
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable
from wire.registers import encode

LINE = TcpLine("h", 502)


def meter(name: str = "m1", profile: str = "eastron_sdm630", unit: int = 1) -> Meter:
    """A meter on the line."""
    return Meter(name, LINE, unit, 0.4, 500.0, find(profile))


def telling(profile: str, values: dict[Quantity, float]) -> Answer:
    """A line whose meters all tell these values; addresses that no register has hold 0."""
    image = encode(dict(values), find(profile).profile)

    def answer(_unit: int, blocks: Sequence[Block]) -> ReadImage:
        keys = [(b.function, b.address + i) for b in blocks for i in range(b.count)]
        return {key: image.get(key, 0) for key in keys}

    return answer


def refusing(reason: Reason) -> Answer:
    """A line that gives only this reason."""
    return lambda _unit, blocks: {
        (b.function, b.address + i): Unreadable(reason) for b in blocks for i in range(b.count)
    }


async def collect(line: FakeLine, clock: FakeClock, wanted: int, *meters: Meter) -> tuple[list[Reading], LinePoller]:
    """The first readings of a poller of these meters at 1 s, and the poller as it stood then."""
    readings: list[Reading] = []
    enough = asyncio.Event()

    async def sink(reading: Reading) -> None:
        readings.append(reading)
        if len(readings) == wanted:
            enough.set()
            await asyncio.Event().wait()

    poller = LinePoller(line, meters or (meter(),), 1.0, clock, sink)
    task = asyncio.create_task(poller.run())
    await enough.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError, match=r"^$"):
        await task
    return readings, poller


@pytest.mark.parametrize("takes_ms", [0, 130, 999])
async def test_no_drift(takes_ms: int) -> None:
    """A thousand polls later the schedule still stands where it began, however long a poll takes."""
    clock = FakeClock()
    start = clock.now_ms
    line = FakeLine(clock, telling("eastron_sdm630", {}), lambda _: takes_ms)
    readings, _ = await collect(line, clock, 1000)
    assert [r.monotonic_ms for r in readings] == [start + i * 1000 + takes_ms for i in range(1000)]
    assert line.closed


async def test_a_missed_tick_is_left_out() -> None:
    """A poll that takes 2.5 periods is followed at the next tick of the schedule, with the two between counted."""
    clock = FakeClock()
    start = clock.now_ms
    durations = iter([2500, *([0] * 10)])
    line = FakeLine(clock, telling("eastron_sdm630", {}), lambda _: next(durations))
    readings, poller = await collect(line, clock, 3)
    assert [r.monotonic_ms - start for r in readings] == [2500, 3000, 4000]
    assert poller.late_ticks == 2


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        (Reason.TIMEOUT, State.TIMEOUT),
        (Reason.DISCONNECTED, State.DISCONNECTED),
        (Reason.ILLEGAL_ADDRESS, State.FAILED),
        (Reason.BAD_REPLY, State.FAILED),
    ],
)
async def test_a_failed_poll_is_a_reading_too(reason: Reason, state: State) -> None:
    """Every quantity of the profile carries the reason; none is 0."""
    clock = FakeClock()
    reading = await MeterPoll(meter()).read(FakeLine(clock, refusing(reason)), clock)
    assert reading.state is state
    assert set(reading.values) == set(find("eastron_sdm630").profile.quantities)
    assert set(reading.values.values()) == {Unreadable(reason)}
    assert reading.raw == {}


def test_one_word_is_an_answer() -> None:
    """A meter that gave one word answers, whatever became of the rest."""
    lost = Unreadable(Reason.TIMEOUT)
    assert state_of({(4, 0): 0, (4, 1): lost}) is State.OK
    assert state_of({(4, 0): lost, (4, 1): Unreadable(Reason.BUSY)}) is State.TIMEOUT


async def test_slow_quantities_are_never_repeated_as_if_fresh() -> None:
    """Slow registers come with the first poll and each minute; in between they are absent."""
    clock = FakeClock()
    line = FakeLine(clock, telling("eastron_sdm630", {Quantity.DEVICE_SERIAL: 42.0, Quantity.ACTIVE_POWER_W: 7.0}))
    one = MeterPoll(meter())
    told = []
    for _ in range(4):
        reading = await one.read(line, clock)
        assert reading.values[Quantity.ACTIVE_POWER_W] == 7.0
        told.append(Quantity.DEVICE_SERIAL in reading.values)
        clock.now_ms += SLOW_PERIOD_MS // 2
    assert told == [True, False, True, False]


async def test_slow_quantities_come_again_after_an_outage() -> None:
    """A meter that was away may be another one: its serial and ratios are asked with its first answer."""
    clock = FakeClock()
    answers = iter([telling("eastron_sdm630", {}), refusing(Reason.TIMEOUT), telling("eastron_sdm630", {})])
    one = MeterPoll(meter())
    told = []
    for answer in answers:
        reading = await one.read(FakeLine(clock, answer), clock)
        told.append(isinstance(reading.values.get(Quantity.DEVICE_SERIAL), float))
        clock.now_ms += 1000
    assert told == [True, False, True]


async def test_ratios_are_kept_for_the_fast_polls() -> None:
    """A meter whose ratios the agent applies gives primary values in each poll, the ratios only when they were read."""
    clock = FakeClock()
    values = {
        Quantity.CT_RATIO: 200.0,
        Quantity.PT_RATIO: 1.0,
        Quantity.ACTIVE_POWER_W: 160_000.0,
        Quantity.VOLTAGE_L1_V: 230.0,
    }
    line = FakeLine(clock, telling("chint_dtsu666", values))
    one = MeterPoll(meter(profile="chint_dtsu666"))
    first = await one.read(line, clock)
    second = await one.read(line, clock)
    assert first.values[Quantity.CT_RATIO] == 200.0
    assert first.values[Quantity.ACTIVE_POWER_W] == pytest.approx(160_000.0)
    assert second.values[Quantity.ACTIVE_POWER_W] == pytest.approx(160_000.0)
    assert Quantity.CT_RATIO not in second.values


async def test_without_a_ratio_there_is_no_primary_value() -> None:
    """While the ratio could never be read, power is unknown, not secondary."""
    clock = FakeClock()
    full = telling("chint_dtsu666", {Quantity.CT_RATIO: 200.0, Quantity.ACTIVE_POWER_W: 160_000.0})

    def answer(unit: int, blocks: Sequence[Block]) -> ReadImage:
        return {k: Unreadable(Reason.BUSY) if k[1] in (6, 7) else w for k, w in full(unit, blocks).items()}

    reading = await MeterPoll(meter(profile="chint_dtsu666")).read(FakeLine(clock, answer), clock)
    assert reading.values[Quantity.ACTIVE_POWER_W] == Unreadable(Reason.RATIO_UNKNOWN)


async def test_every_meter_every_tick() -> None:
    """Four meters, one dead: each tick gives one reading of each, and the dead one is asked last."""
    clock = FakeClock()
    good, dead = telling("eastron_sdm630", {}), refusing(Reason.TIMEOUT)
    line = FakeLine(
        clock, lambda unit, b: (dead if unit == 2 else good)(unit, b), lambda unit: 400 if unit == 2 else 50
    )
    meters = [meter(f"m{unit}", unit=unit) for unit in (1, 2, 3, 4)]
    readings, _ = await collect(line, clock, 40, *meters)
    assert all({r.meter for r in readings[i : i + 4]} == {"m1", "m2", "m3", "m4"} for i in range(0, 40, 4))
    assert [r.meter for r in readings[4::4]] == ["m1"] * 9
    assert {r.state for r in readings if r.meter != "m2"} == {State.OK}


async def test_many_dead_meters_delay_no_living_one() -> None:
    """Six dead meters whose waits would fill two periods: the living one is read at each tick, each dead one in turn."""
    clock = FakeClock()
    start = clock.now_ms
    good, dead = telling("eastron_sdm630", {}), refusing(Reason.TIMEOUT)
    line = FakeLine(
        clock, lambda unit, b: (good if unit == 1 else dead)(unit, b), lambda unit: 50 if unit == 1 else 400
    )
    meters = [meter(f"m{unit}", unit=unit) for unit in range(1, 8)]
    readings, _ = await collect(line, clock, 7 * 20, *meters)
    alive = [r.monotonic_ms - start for r in readings if r.meter == "m1"]
    assert [t % 1000 for t in alive] == [50] * 20
    assert alive[1] - alive[0] == 3000  # the first round asks everybody
    assert {b - a for a, b in itertools.pairwise(alive[1:])} == {1000}
    assert {unit for unit, _ in line.polls[-12:]} >= {2, 3, 4, 5, 6, 7}
    assert all(len({r.meter for r in readings[i : i + 7]}) == 7 for i in range(0, 140, 7))


async def test_a_swallowed_cancellation_still_ends_the_poller() -> None:
    """A wait that drops the cancellation, as Python 3.11's wait_for can, does not keep the poller alive."""
    clock = FakeClock()

    class Swallows(FakeLine):
        async def poll(self, unit: int, blocks: Sequence[Block], settle: Block, timeout_s: float) -> ReadImage:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            return await super().poll(unit, blocks, settle, timeout_s)

    line = Swallows(clock, telling("eastron_sdm630", {}))
    readings: list[Reading] = []

    async def sink(reading: Reading) -> None:
        readings.append(reading)

    task = asyncio.create_task(LinePoller(line, [meter()], 1.0, clock, sink).run())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,), timeout=10)
    assert (task.cancelled(), line.closed, readings) == (True, True, [])
