"""What a meter is asked: splitting what it refuses, and asking for it less and less often."""

import itertools
from collections.abc import Callable, Sequence

import pytest

from edge_agent.asking import FORGET_MS, IDENTITY_PERIOD_MS, PASSING, REFUSED_FIRST_MS, SLOW_PERIOD_MS, Asking
from edge_agent.meter_poll import MeterPoll
from edge_agent.modbus import ReadImage
from edge_agent.plan import Block, plan
from tests.edge_agent.fakes import FakeClock, FakeLine, meter, refusing, telling
from tests.edge_agent.test_plan import f32, profile
from wire.profile_files import find
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable

REFUSED, SILENT = Unreadable(Reason.ILLEGAL_ADDRESS), Unreadable(Reason.TIMEOUT)
EIGHT = profile(*f32(*range(0, 16, 2)))
"""Eight registers in one request."""
FOUR = profile(*f32(0, 100), *f32(200, 300, group="slow", first=2), gap_registers_max=0)

Meter = Callable[[int, int], int | Unreadable]


def answers(asked: list[Block], meter: Meter) -> dict[Block, int | Unreadable]:
    """What a meter says to requests: each is answered whole or not at all."""
    said = {}
    for block in asked:
        words = [meter(function, address) for function, address in block.words]
        said[block] = next((word for word in words if isinstance(word, Unreadable)), words[0])
    return said


def polls(asking: Asking, meter: Meter, times_ms: list[int]) -> list[list[Block]]:
    """The requests of one poll at each of these times."""
    made = []
    for now_ms in times_ms:
        made.append(asking.due(now_ms))
        asking.heard(answers(made[-1], meter), now_ms)
    return made


def lacks(*addresses: int) -> Meter:
    """A meter without these addresses."""
    return lambda _function, address: REFUSED if address in addresses else 7


def test_a_refused_request_is_split_until_one_register_is_left() -> None:
    """One register of eight is missing: four polls later the seven others are read, and it alone is not asked."""
    asking = Asking(plan(EIGHT))
    made = polls(asking, lacks(6, 7), [0, 1000, 2000, 3000, 4000])
    assert [len(blocks) for blocks in made] == [1, 2, 3, 4, 3]
    assert {a for block in made[-1] for a in range(block.address, block.address + block.count)} == {
        *range(6),
        *range(8, 16),
    }
    assert asking.remembered(made[-1]) == {(4, 6): REFUSED, (4, 7): REFUSED}


def test_what_stays_refused_is_asked_less_and_less_often() -> None:
    """Each time after twice as long, and the rest is asked all the while."""
    asking = Asking(plan(EIGHT))
    made = polls(asking, lacks(6, 7), list(range(0, 400_000, 1000)))
    tries = [second for second, blocks in enumerate(made) if Block(4, 6, 2) in blocks]
    waits = [b - a for a, b in itertools.pairwise(tries)]
    assert waits == [REFUSED_FIRST_MS // 1000 * 2**n for n in range(len(waits))]
    assert all(len(blocks) >= 3 for blocks in made[4:])


def test_a_gap_that_may_not_be_read_stays_split() -> None:
    """Registers on both sides of a word that the meter does not have are read, in two requests for good."""
    asking = Asking(plan(profile(*f32(0, 10))))
    made = polls(asking, lacks(5), list(range(0, 60_000, 1000)))
    assert made[0] == [Block(4, 0, 12)]
    assert all(blocks == [Block(4, 0, 2), Block(4, 10, 2)] for blocks in made[1:])


def test_a_meter_that_refuses_everything_while_it_starts_is_read_whole_afterwards() -> None:
    """Once nothing is left to ask, the whole requests are asked again; then all of it is read in one."""
    asking = Asking(plan(EIGHT))
    made = polls(asking, lacks(*range(16)), list(range(0, 40_000, 1000)))
    assert [len(blocks) for blocks in made[:5]] == [1, 2, 4, 8, 1]
    assert max(len(blocks) for blocks in made[20:]) == 8
    asking = Asking(plan(EIGHT))
    polls(asking, lacks(*range(16)), list(range(0, 8000, 1000)))
    assert polls(asking, lacks(), [8000, 9000])[-1] == [Block(4, 0, 16)]


def test_a_register_that_comes_back_joins_its_neighbours() -> None:
    """When the meter answers what it refused, the whole request is asked again."""
    asking = Asking(plan(EIGHT))
    polls(asking, lacks(6, 7), list(range(0, 10_000, 1000)))
    assert polls(asking, lacks(), list(range(10_000, 30_000, 1000)))[-1] == [Block(4, 0, 16)]


def test_a_meter_that_was_away_for_long_is_asked_everything_anew() -> None:
    """Another meter may stand in its place: what the old one refused is asked again. A lost poll changes nothing."""
    asking = Asking(plan(EIGHT))
    polls(asking, lacks(6, 7), list(range(0, 5000, 1000)))
    asking.away(5000)
    assert len(polls(asking, lacks(6, 7), [6000, 7000])[-1]) == 3
    asking.away(8000)
    polls(asking, lacks(), [8000 + FORGET_MS])
    assert asking.due(9000 + FORGET_MS) == [Block(4, 0, 16)]


def test_a_request_without_an_answer_does_not_hold_up_the_others() -> None:
    """It is asked last from then on, and after a few polls now and then only; its words stand as unanswered."""
    asking = Asking(plan(FOUR))
    made = polls(asking, lambda _f, address: SILENT if address < 2 else 7, list(range(0, 20_000, 1000)))
    assert made[0][0] == Block(4, 0, 2)
    assert made[1][-1] == Block(4, 0, 2)
    tries = [second for second, blocks in enumerate(made) if Block(4, 0, 2) in blocks]
    assert tries == [0, 1, 2, 4, 8, 16]
    assert asking.remembered(made[-1]) == {(4, 0): SILENT, (4, 1): SILENT}


def test_slow_requests_come_one_a_poll_each_minute() -> None:
    """A poll never has more than one of them, so that no round is much longer than another."""
    slow = (Block(4, 200, 2), Block(4, 300, 2))
    made = polls(Asking(plan(FOUR)), lacks(), list(range(0, 180_000, 1000)))
    seconds = [[s for s, blocks in enumerate(made) if block in blocks] for block in slow]
    minute = SLOW_PERIOD_MS // 1000
    assert seconds == [[0, minute, 2 * minute], [1, minute + 1, 2 * minute + 1]]


def test_who_it_is_is_asked_at_the_start_after_absence_and_every_few_minutes() -> None:
    """Bus-mates are not all asked in the same round."""
    made = plan(find("eastron_sdm630").profile)
    for spread in (0.0, 0.25):
        asking = Asking(made, spread)
        times = list(range(0, 600_001, 1000))
        asked = [s for s, blocks in enumerate(polls(asking, lacks(), times)) if set(made.identity) & set(blocks)]
        period = IDENTITY_PERIOD_MS // 1000
        first = round(period * (1 - spread))
        assert asked == [0, first, first + period]
    asking.away(700_000)
    assert set(made.identity) <= set(asking.due(701_000))


KEPT_MS, BACK_MS = 110_000, 5_000
"""How long a meter says that it is kept, and within what time it is read afterwards."""
KEPT = [Unreadable(reason) for reason in PASSING]
SDM630 = plan(find("eastron_sdm630").profile)
AFFECTED: dict[str, Callable[[Block], bool]] = {
    "everything": lambda _block: True,
    "each fast request": lambda block: block in SDM630.fast,
    "one fast request": lambda block: block == SDM630.fast[0],
    "all but one fast request": lambda block: block != SDM630.fast[-1],
}


def kept(clock: FakeClock, reason: Reason, is_affected: Callable[[Block], bool]) -> FakeLine:
    """A line whose meter gives this reason to some requests until its time has come."""
    end_ms = clock.now_ms + KEPT_MS
    well = telling("eastron_sdm630", {Quantity.DEVICE_SERIAL: 21_033_417.0, Quantity.VOLTAGE_L1_V: 230.0})

    def answer(unit: int, blocks: Sequence[Block]) -> ReadImage:
        image: ReadImage = {}
        for block in blocks:
            is_kept = clock.now_ms < end_ms and is_affected(block)
            image |= (refusing(reason) if is_kept else well)(unit, [block])
        return image

    return FakeLine(clock, answer)


def is_whole(reading: Reading) -> bool:
    """Whether what the meter measures was read."""
    lacking = [v for q, v in reading.values.items() if q is not Quantity.DEVICE_SERIAL and v in KEPT]
    return reading.state is State.OK and reading.values[Quantity.VOLTAGE_L1_V] == 230.0 and not lacking


@pytest.mark.parametrize("period_ms", [1000, 5000])
@pytest.mark.parametrize("affected", AFFECTED)
@pytest.mark.parametrize("reason", PASSING)
async def test_a_meter_that_was_kept_from_answering_is_read_soon_afterwards(
    reason: Reason, affected: str, period_ms: int
) -> None:
    """It never counts as absent, no poll asks it nothing, and all it measures is there within seconds of its return."""
    clock = FakeClock()
    line, end_ms = kept(clock, reason, AFFECTED[affected]), clock.now_ms + KEPT_MS
    poll = MeterPoll(meter())
    readings = []
    while clock.now_ms <= end_ms + BACK_MS:
        readings.append(await poll.read(line, clock))
        assert poll.is_there
        assert set(line.polls[-1][1]) & set(SDM630.fast)
        clock.now_ms += period_ms
    assert not is_whole(readings[0])
    assert is_whole(readings[-1])
    told = [r.fingerprint for r in readings if r.fingerprint is not None and r.monotonic_ms >= end_ms]
    if affected == "everything":
        assert [(f.serial, f.is_unconfirmed) for f in told] == [("21033417", False)]


def test_a_fast_request_that_is_busy_alone_is_asked_every_two_seconds() -> None:
    """Its neighbours are read in each poll; one that is silent instead waits ever longer."""
    for head, longest_s in ((Unreadable(Reason.BUSY), 2), (SILENT, 60)):
        asking = Asking(plan(FOUR))
        made = polls(asking, _only(head, 0, 1), list(range(0, 300_000, 1000)))
        tries = [second for second, blocks in enumerate(made) if Block(4, 0, 2) in blocks]
        assert max(b - a for a, b in itertools.pairwise(tries)) == longest_s
        assert all(Block(4, 100, 2) in blocks for blocks in made)


def test_a_meter_always_has_a_fast_request_due() -> None:
    """One was silent for long, then the other one is refused: the silent one is asked before its time."""
    asking = Asking(plan(FOUR))
    polls(asking, _only(SILENT, 0, 1), list(range(0, 100_000, 1000)))
    polls(asking, lacks(100, 101), [100_000])
    assert asking.due(101_000, slow=False) == [Block(4, 0, 2)]


def _only(head: Unreadable, *addresses: int) -> Meter:
    return lambda _function, address: head if address in addresses else 7
