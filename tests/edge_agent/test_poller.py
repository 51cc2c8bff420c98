"""The schedule, and what becomes of each poll."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from edge_agent.config import Meter, TcpLine
from edge_agent.modbus import ReadImage
from edge_agent.plan import Block
from edge_agent.poller import SLOW_PERIOD_MS, LinePoller, MeterPoll, state_of
from tests.edge_agent.fakes import Answer, FakeClock, FakeLine
from wire.profile_files import find
from wire.quantities import Quantity as Q
from wire.reading import Reading, Reason, State, Unreadable
from wire.registers import encode

LINE = TcpLine("h", 502)


def meter(name: str = "m1", profile: str = "eastron_sdm630", unit: int = 1) -> Meter:
    """A meter on the line."""
    return Meter(name, LINE, unit, 0.4, 500.0, find(profile))


def telling(profile: str, values: dict[Q, float]) -> Answer:
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


async def collect(poller_of: Callable[[list[Reading]], LinePoller], wanted: int) -> list[Reading]:
    """Run a poller until it gave so many readings."""
    readings: list[Reading] = []
    task = asyncio.create_task(poller_of(readings).run())
    while len(readings) < wanted:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError, match="^$"):
        await task
    return readings


def poller(line: FakeLine, clock: FakeClock, *meters: Meter) -> Callable[[list[Reading]], LinePoller]:
    """A poller of these meters at 1 s that appends to a list."""

    def make(readings: list[Reading]) -> LinePoller:
        async def sink(reading: Reading) -> None:
            readings.append(reading)

        return LinePoller(line, meters, 1.0, clock, sink)

    return make


@pytest.mark.parametrize("takes_ms", [0, 130, 999])
async def test_no_drift(takes_ms: int) -> None:
    """A thousand polls later the schedule still stands where it began, however long a poll takes."""
    clock = FakeClock()
    start = clock.now_ms
    line = FakeLine(clock, telling("eastron_sdm630", {}), lambda _: takes_ms)
    readings = await collect(poller(line, clock, meter()), 1000)
    assert [r.monotonic_ms for r in readings] == [start + i * 1000 + takes_ms for i in range(1000)]
    assert line.closed


async def test_a_missed_tick_is_left_out() -> None:
    """A poll that takes 2.5 periods is followed at the next tick of the schedule, with the two between counted."""
    clock = FakeClock()
    start = clock.now_ms
    durations = iter([2500, *([0] * 10)])
    line = FakeLine(clock, telling("eastron_sdm630", {}), lambda _: next(durations))
    made: list[LinePoller] = []

    def keep(readings: list[Reading]) -> LinePoller:
        made.append(poller(line, clock, meter())(readings))
        return made[0]

    readings = await collect(keep, 3)
    assert [r.monotonic_ms - start for r in readings] == [2500, 3000, 4000]
    assert made[0].late_ticks == 2


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
    line = FakeLine(clock, telling("eastron_sdm630", {Q.DEVICE_SERIAL: 42.0, Q.ACTIVE_POWER_W: 7.0}))
    one = MeterPoll(meter())
    told = []
    for _ in range(4):
        reading = await one.read(line, clock)
        assert reading.values[Q.ACTIVE_POWER_W] == 7.0
        told.append(Q.DEVICE_SERIAL in reading.values)
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
        told.append(isinstance(reading.values.get(Q.DEVICE_SERIAL), float))
        clock.now_ms += 1000
    assert told == [True, False, True]


async def test_ratios_are_kept_for_the_fast_polls() -> None:
    """A meter whose ratios the agent applies gives primary values in each poll, the ratios only when they were read."""
    clock = FakeClock()
    values = {Q.CT_RATIO: 200.0, Q.PT_RATIO: 1.0, Q.ACTIVE_POWER_W: 160_000.0, Q.VOLTAGE_L1_V: 230.0}
    line = FakeLine(clock, telling("chint_dtsu666", values))
    one = MeterPoll(meter(profile="chint_dtsu666"))
    first = await one.read(line, clock)
    second = await one.read(line, clock)
    assert (first.values[Q.CT_RATIO], first.values[Q.ACTIVE_POWER_W]) == (200.0, pytest.approx(160_000.0))
    assert second.values[Q.ACTIVE_POWER_W] == pytest.approx(160_000.0)
    assert Q.CT_RATIO not in second.values


async def test_without_a_ratio_there_is_no_primary_value() -> None:
    """While the ratio could never be read, power is unknown, not secondary."""
    clock = FakeClock()
    full = telling("chint_dtsu666", {Q.CT_RATIO: 200.0, Q.ACTIVE_POWER_W: 160_000.0})

    def answer(unit: int, blocks: Sequence[Block]) -> ReadImage:
        return {k: Unreadable(Reason.BUSY) if k[1] in (6, 7) else w for k, w in full(unit, blocks).items()}

    reading = await MeterPoll(meter(profile="chint_dtsu666")).read(FakeLine(clock, answer), clock)
    assert reading.values[Q.ACTIVE_POWER_W] == Unreadable(Reason.RATIO_UNKNOWN)


async def test_every_meter_every_tick() -> None:
    """Four meters, one dead: each tick gives one reading of each, and the dead one is asked last."""
    clock = FakeClock()
    good, dead = telling("eastron_sdm630", {}), refusing(Reason.TIMEOUT)
    line = FakeLine(
        clock, lambda unit, b: (dead if unit == 2 else good)(unit, b), lambda unit: 400 if unit == 2 else 50
    )
    meters = [meter(f"m{unit}", unit=unit) for unit in (1, 2, 3, 4)]
    readings = await collect(poller(line, clock, *meters), 40)
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
    readings = await collect(poller(line, clock, *meters), 7 * 20)
    alive = [r.monotonic_ms - start for r in readings if r.meter == "m1"]
    assert [t % 1000 for t in alive] == [50] * 20
    assert alive[1] - alive[0] == 3000  # the first round asks everybody
    assert {b - a for a, b in zip(alive[1:], alive[2:], strict=False)} == {1000}
    assert {unit for unit, _ in line.polls[-12:]} >= {2, 3, 4, 5, 6, 7}
    assert all(len({r.meter for r in readings[i : i + 7]}) == 7 for i in range(0, 140, 7))
