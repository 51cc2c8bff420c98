"""One meter: what is asked, what is asked again, what is told."""

from collections.abc import Sequence

import msgspec
import pytest

from edge_agent.asking import IDENTITY_PERIOD_MS, SLOW_PERIOD_MS
from edge_agent.meter_poll import MeterPoll, is_there, state_of
from edge_agent.modbus import ReadImage
from edge_agent.plan import Block, plan
from tests.edge_agent.fakes import Answer, FakeClock, FakeLine, in_turn, meter, refusing, telling
from wire.fingerprint import Fingerprint
from wire.profile import load
from wire.profile_files import LoadedProfile, find
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable

SDM630 = plan(find("eastron_sdm630").profile)
SERIAL, POWER, CT, THD = (
    Quantity.DEVICE_SERIAL,
    Quantity.ACTIVE_POWER_W,
    Quantity.CT_RATIO,
    Quantity.THD_CURRENT_L1_PCT,
)
A = telling("eastron_sdm630", {SERIAL: 21_033_417.0, POWER: 7.0, Quantity.FREQUENCY_HZ: 50.0, THD: 2.5})
B = telling("eastron_sdm630", {SERIAL: 21_055_012.0, POWER: 7.0})


def _serial(reading: Reading) -> str | None:
    return reading.fingerprint.serial if reading.fingerprint else None


async def polled(poll: MeterPoll, line: FakeLine, clock: FakeClock, polls: int, step_ms: int = 1000) -> list[Reading]:
    """The readings of so many polls."""
    readings = []
    for _ in range(polls):
        readings.append(await poll.read(line, clock))
        clock.now_ms += step_ms
    return readings


@pytest.mark.parametrize(
    ("reason", "state", "there"),
    [
        (Reason.TIMEOUT, State.TIMEOUT, False),
        (Reason.GATEWAY_TARGET, State.TIMEOUT, False),
        (Reason.DISCONNECTED, State.DISCONNECTED, False),
        (Reason.GATEWAY_PATH, State.DISCONNECTED, False),
        (Reason.CHECK_SUM, State.FAILED, False),
        (Reason.WRONG_UNIT, State.FAILED, False),
        (Reason.ILLEGAL_ADDRESS, State.FAILED, True),
        (Reason.DEVICE_FAILURE, State.FAILED, True),
        (Reason.BUSY, State.FAILED, True),
    ],
)
async def test_a_failed_poll_is_a_reading_too(reason: Reason, state: State, there: bool) -> None:
    """Every quantity that was asked carries the reason; none is 0. An exception shows that the meter is there."""
    clock = FakeClock()
    poll = MeterPoll(meter())
    reading = await poll.read(FakeLine(clock, refusing(reason)), clock, everything=True)
    assert (reading.state, poll.is_there) == (state, there)
    assert set(reading.values) == set(find("eastron_sdm630").profile.quantities)
    assert set(reading.values.values()) == {Unreadable(reason)}
    assert (reading.raw, reading.fingerprint) == ({}, None)


@pytest.mark.parametrize("reason", Reason)
async def test_no_reason_becomes_0(reason: Reason) -> None:
    """Whatever went wrong with a poll, each value of it is that reason."""
    clock = FakeClock()
    line = FakeLine(clock, refusing(reason))
    for reading in await polled(MeterPoll(meter()), line, clock, 8):
        assert all(isinstance(value, Unreadable) for value in reading.values.values())


def test_one_answer_is_an_answer() -> None:
    """A meter that answered one request is well, whatever became of the rest."""
    lost = Unreadable(Reason.TIMEOUT)
    assert (state_of([lost, 0]), is_there([lost, 0])) == (State.OK, True)
    assert (state_of([lost, Unreadable(Reason.BUSY)]), is_there([lost, Unreadable(Reason.BUSY)])) == (
        State.TIMEOUT,
        True,
    )


async def test_slow_quantities_are_never_repeated_as_if_fresh() -> None:
    """A slow quantity comes once a minute; in between it is absent."""
    clock = FakeClock()
    readings = await polled(MeterPoll(meter()), FakeLine(clock, A), clock, 180)
    assert [r.values[POWER] for r in readings] == [7.0] * 180
    for quantity in (THD, Quantity.VOLTAGE_L12_V, Quantity.APPARENT_POWER_L1_VA, Quantity.CURRENT_N_A):
        told = [second for second, r in enumerate(readings) if quantity in r.values]
        assert told == [told[0], told[0] + SLOW_PERIOD_MS // 1000, told[0] + 2 * SLOW_PERIOD_MS // 1000]
        assert told[0] < 4


async def test_the_fingerprint_comes_first_after_an_outage_and_every_few_minutes() -> None:
    """A meter that was away may be another one: who it is is asked with its first answer."""
    clock = FakeClock()
    line = FakeLine(clock, in_turn(A, refusing(Reason.TIMEOUT), A))
    readings = await polled(MeterPoll(meter()), line, clock, 400)
    told = [second for second, r in enumerate(readings) if r.fingerprint is not None]
    assert told == [0, 2, 2 + IDENTITY_PERIOD_MS // 1000]
    assert [_serial(readings[at]) for at in told] == ["21033417"] * 3
    assert [SERIAL in r.values for r in readings[:4]] == [True, False, True, False]


@pytest.mark.parametrize("wild", [1e17, -1e17, 3.3e38])
async def test_what_no_envelope_can_carry_was_not_read(wild: float) -> None:
    """A float beyond all measuring is out of range from the start, so that no event, state or alarm is made of it."""
    clock = FakeClock()
    line = FakeLine(clock, telling("eastron_sdm630", {POWER: wild}))
    reading = await MeterPoll(meter()).read(line, clock)
    assert reading.values[POWER] == Unreadable(Reason.OUT_OF_RANGE)


async def test_another_serial_number_is_told_in_the_same_poll_once_it_was_said_twice() -> None:
    """The meter is asked again at once; the reading that shows the exchange carries the new fingerprint."""
    clock = FakeClock()
    line = FakeLine(clock, B)
    reading = await MeterPoll(meter(), Fingerprint(serial="21033417")).read(line, clock)
    assert _serial(reading) == "21055012"
    assert [blocks for _, blocks in line.polls][1] == SDM630.identity


async def test_one_wrong_word_exchanges_no_meter() -> None:
    """A serial number that the meter does not repeat is not taken, and asked for again in the next poll."""
    clock = FakeClock()
    line = FakeLine(clock, in_turn(B, A))
    poll = MeterPoll(meter(), Fingerprint(serial="21033417"))
    first, second, third = await polled(poll, line, clock, 3)
    assert (first.fingerprint, first.values[SERIAL]) == (Fingerprint(is_unconfirmed=True), 21_033_417.0)
    assert _serial(second) == "21033417"
    assert third.fingerprint is None


def _without_holding_registers(reason: Reason) -> Answer:
    """A meter that measures as A does, and tells nothing of itself."""

    def answer(unit: int, blocks: Sequence[Block]) -> ReadImage:
        return {at: Unreadable(reason) if at[0] == 3 else word for at, word in A(unit, blocks).items()}

    return answer


@pytest.mark.parametrize("reason", [Reason.ILLEGAL_ADDRESS, Reason.ILLEGAL_FUNCTION])
async def test_a_meter_that_refuses_its_serial_number_is_not_the_one_before(reason: Reason) -> None:
    """From its first answer on nothing confirms the number; once the register itself is refused, that is told."""
    clock = FakeClock()
    line = FakeLine(clock, in_turn(A, refusing(Reason.TIMEOUT), _without_holding_registers(reason)))
    readings = await polled(MeterPoll(meter()), line, clock, 8)
    assert [_serial(r) for r in readings[:2]] == ["21033417", None]
    words = [r.fingerprint for r in readings[2:] if r.fingerprint is not None]
    assert words[0].serial is None
    assert words[0].is_unconfirmed or "serial" in words[0].refused
    assert sum("serial" in word.refused for word in words) == 1
    assert {r.values[POWER] for r in readings[2:]} == {7.0}


async def test_a_serial_number_that_goes_missing_is_unconfirmed_and_not_refused() -> None:
    """After a restart a meter whose identity request times out is not said to have lost its number."""
    clock = FakeClock()
    line = FakeLine(clock, _without_holding_registers(Reason.TIMEOUT))
    reading = await MeterPoll(meter(), Fingerprint(serial="21033417")).read(line, clock)
    assert reading.fingerprint is not None
    assert (reading.fingerprint.is_unconfirmed, reading.fingerprint.refused) == (True, ())


async def test_a_confirmed_serial_number_stands_while_the_meter_answers() -> None:
    """One identity request that goes missing while the meter is there takes nothing back."""
    clock = FakeClock()
    line = FakeLine(clock, in_turn(A, _without_holding_registers(Reason.TIMEOUT)))
    poll = MeterPoll(meter(), Fingerprint(serial="21033417"))
    readings = [await poll.read(line, clock, everything=True) for _ in range(2)]
    assert _serial(readings[0]) == "21033417"
    assert not any(r.fingerprint is not None and r.fingerprint.is_unconfirmed for r in readings)


async def test_a_serial_number_of_0_is_none() -> None:
    """A meter that was never given one tells none, and is not refusing what it never told."""
    clock = FakeClock()
    nothing = telling("eastron_sdm630", {SERIAL: 0.0, POWER: 7.0, Quantity.FREQUENCY_HZ: 50.0})
    reading = await MeterPoll(meter()).read(FakeLine(clock, nothing), clock)
    assert reading.fingerprint is not None
    assert reading.fingerprint.serial is None
    changed = await MeterPoll(meter(), Fingerprint(serial="21033417")).read(FakeLine(clock, nothing), clock)
    assert changed.fingerprint is not None
    assert changed.fingerprint.refused == ("serial",)


RATIOS = {CT: 200.0, Quantity.PT_RATIO: 1.0, POWER: 160_000.0, Quantity.VOLTAGE_L1_V: 230.0}


async def test_ratios_are_kept_for_the_fast_polls() -> None:
    """A meter whose ratios the agent applies gives primary values in each poll, the ratios only when they were read."""
    clock = FakeClock()
    line = FakeLine(clock, telling("chint_dtsu666", RATIOS))
    first, second = await polled(MeterPoll(meter(profile="chint_dtsu666")), line, clock, 2)
    assert first.values[CT] == 200.0
    assert first.fingerprint is not None
    assert (first.fingerprint.ct, first.fingerprint.pt) == (200_000, 1000)
    assert first.values[POWER] == pytest.approx(160_000.0)
    assert second.values[POWER] == pytest.approx(160_000.0)
    assert CT not in second.values


async def test_without_a_ratio_there_is_no_primary_value() -> None:
    """While the ratio could not be read, power is unknown, not secondary; a ratio of before an outage does not count."""
    clock = FakeClock()
    full = telling("chint_dtsu666", RATIOS)

    def without(unit: int, blocks: Sequence[Block]) -> ReadImage:
        busy = {word for block in blocks if block.holds((3, 6)) for word in block.words}
        return {k: Unreadable(Reason.BUSY) if k in busy else w for k, w in full(unit, blocks).items()}

    line = FakeLine(clock, in_turn(without, full, refusing(Reason.TIMEOUT), without, full))
    readings = await polled(MeterPoll(meter(profile="chint_dtsu666")), line, clock, 5)
    unknown, lost = Unreadable(Reason.RATIO_UNKNOWN), Unreadable(Reason.TIMEOUT)
    assert [r.values[POWER] for r in readings] == [
        *(unknown, pytest.approx(160_000.0), lost, unknown),
        pytest.approx(160_000.0),
    ]


async def test_a_register_that_is_refused_has_its_reason_in_each_reading() -> None:
    """The others are read; that one is illegal_address, also in the polls that do not ask for it."""
    clock = FakeClock()

    def lacks_power(unit: int, blocks: Sequence[Block]) -> ReadImage:
        image = A(unit, blocks)
        for block in blocks:
            if block.holds((4, 0x34)):
                image |= {(4, block.address + i): Unreadable(Reason.ILLEGAL_ADDRESS) for i in range(block.count)}
        return image

    line = FakeLine(clock, lacks_power)
    readings = await polled(MeterPoll(meter()), line, clock, 30)
    assert {r.state for r in readings} == {State.OK}
    assert {r.values[POWER] for r in readings} == {Unreadable(Reason.ILLEGAL_ADDRESS)}
    assert {type(r.values[Quantity.FREQUENCY_HZ]) for r in readings[6:]} == {float}
    tries = sum(block.holds((4, 0x34)) for _, blocks in line.polls[6:] for block in blocks)
    assert tries <= 2


async def test_what_went_missing_is_asked_once_more() -> None:
    """Only the spoilt request is asked again, and its answer completes the reading."""
    clock = FakeClock()

    def spoilt(unit: int, blocks: Sequence[Block]) -> ReadImage:
        bad = blocks[1]
        return A(unit, blocks) | {
            (bad.function, bad.address + i): Unreadable(Reason.CHECK_SUM) for i in range(bad.count)
        }

    line = FakeLine(clock, in_turn(spoilt, A))
    poll = MeterPoll(meter())
    await poll.ask(line, clock)
    assert poll.is_worth_asking_again
    await poll.ask_again(line, clock)
    assert not poll.is_worth_asking_again
    assert (await poll.finish(line, clock)).values[POWER] == 7.0
    assert line.polls[1] == (1, (SDM630.fast[1],))


async def test_a_late_unit_is_waited_for_longer() -> None:
    """While the line has heard a unit answer late, its polls wait twice as long; the meter's own pause is kept."""
    clock = FakeClock()
    waits: list[tuple[float, float]] = []

    class Notes(FakeLine):
        async def poll(
            self, unit: int, blocks: Sequence[Block], settle: Block, timeout_s: float, pause_s: float = 0.0
        ) -> ReadImage:
            waits.append((timeout_s, pause_s))
            return await super().poll(unit, blocks, settle, timeout_s, pause_s)

    line, poll = Notes(clock, A), MeterPoll(meter())
    await poll.read(line, clock)
    line.late_units.add(1)
    await poll.read(line, clock)
    pause_s = find("eastron_sdm630").profile.timing.pause_s
    assert waits == [(0.4, pause_s), (0.8, pause_s)]


ALONE = """
name: p
vendor: v
model: m
kind: electricity_meter
registers:
  - {quantity: active_power_w, function: 3, address: 10, type: u32, source: test}
identity:
  - {fact: model, function: 3, address: 11, type: u16, source: test, alone: true}
  - {fact: serial, function: 3, address: 100, type: ascii, words: 2, source: test}
  - {fact: change_count, function: 3, address: 102, type: u16, source: test}
"""


async def test_what_must_be_asked_alone_never_mixes_with_its_neighbours() -> None:
    """An address that means a model when it is read alone and half a number within a block is read both ways."""
    clock = FakeClock()

    def answer(_unit: int, blocks: Sequence[Block]) -> ReadImage:
        if blocks == [Block(3, 11, 1)]:
            return {(3, 11): 1650}
        words = {(3, 10): 1, (3, 11): 2, (3, 100): 0x4142, (3, 101): 0x3120, (3, 102): 12}
        return {word: words[word] for block in blocks for word in block.words}

    line = FakeLine(clock, answer)
    with_alone = msgspec.structs.replace(meter(), loaded=LoadedProfile(load(ALONE, "p.yaml"), ALONE))
    reading = await MeterPoll(with_alone).read(line, clock)
    assert reading.values == {POWER: 65_538.0}
    assert reading.fingerprint == Fingerprint(serial="AB1", model="1650", counts={"change_count": 12})
    assert [list(blocks) for _, blocks in line.polls] == [[Block(3, 10, 2), Block(3, 100, 3)], [Block(3, 11, 1)]]
