"""Fakes through the interfaces that production uses: a clock that a test winds, and a line that answers from a list."""

import asyncio
from collections.abc import Callable, Sequence

from edge_agent.config import Meter
from edge_agent.line import TcpLine
from edge_agent.modbus import ReadImage
from edge_agent.plan import Block
from wire.profile_files import find
from wire.quantities import Quantity
from wire.reading import Reason, Unreadable
from wire.registers import encode


class FakeClock:
    """Both clocks stand still until somebody sleeps or a test moves them."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000
        self.wall_offset_ms = 1_700_000_000_000
        self.slept: list[float] = []

    def wall_ms(self) -> int:
        """Wall time."""
        return self.now_ms + self.wall_offset_ms

    def monotonic_ms(self) -> int:
        """Monotonic time."""
        return self.now_ms

    async def sleep(self, seconds: float) -> None:
        """Moves the time on at once."""
        self.slept.append(seconds)
        self.now_ms += round(seconds * 1000)
        await asyncio.sleep(0)


Answer = Callable[[int, Sequence[Block]], ReadImage]


def meter(name: str = "m1", profile: str = "eastron_sdm630", unit: int = 1) -> Meter:
    """A meter on a line."""
    return Meter(name, TcpLine("h", 502), unit, 0.4, 500.0, find(profile))


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


def in_turn(*answers: Answer) -> Answer:
    """A line that answers differently each time; the last one stays."""
    left = list(answers)

    def answer(unit: int, blocks: Sequence[Block]) -> ReadImage:
        return (left.pop(0) if len(left) > 1 else left[0])(unit, blocks)

    return answer


class FakeLine:
    """A line whose answers a test computes; each poll takes the time that the test says.

    Attributes:
        polls: units and requests, in order.
        closed: whether the line was given back.
        late_units: as a test says.
    """

    def __init__(self, clock: FakeClock, answer: Answer, takes_ms: Callable[[int], int] = lambda _: 0) -> None:
        self.polls: list[tuple[int, tuple[Block, ...]]] = []
        self.closed = False
        self.late_units: set[int] = set()
        self._clock, self._answer, self._takes_ms = clock, answer, takes_ms

    async def poll(
        self, unit: int, blocks: Sequence[Block], settle: Block, timeout_s: float, pause_s: float = 0.0
    ) -> ReadImage:
        """What the test says."""
        del settle, timeout_s, pause_s
        self.polls.append((unit, tuple(blocks)))
        self._clock.now_ms += self._takes_ms(unit)
        return self._answer(unit, blocks)

    def close(self) -> None:
        """Remember it."""
        self.closed = True
