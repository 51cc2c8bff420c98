"""What a meter is asked: splitting what it refuses, and asking for it less and less often."""

import itertools
from collections.abc import Callable

from edge_agent.asking import FORGET_MS, IDENTITY_PERIOD_MS, REFUSED_FIRST_MS, SLOW_PERIOD_MS, Asking
from edge_agent.plan import Block, plan
from tests.edge_agent.test_plan import f32, profile
from wire.profile_files import find
from wire.reading import Reason, Unreadable

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
