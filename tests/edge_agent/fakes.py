"""Fakes through the interfaces that production uses: a clock that a test winds, and a line that answers from a list."""

import asyncio
from collections.abc import Callable, Sequence

from edge_agent.modbus import ReadImage
from edge_agent.plan import Block


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


class FakeLine:
    """A line whose answers a test computes; each poll takes the time that the test says.

    Attributes:
        polls: units and requests, in order.
        closed: whether the line was given back.
    """

    def __init__(self, clock: FakeClock, answer: Answer, takes_ms: Callable[[int], int] = lambda _: 0) -> None:
        self.polls: list[tuple[int, tuple[Block, ...]]] = []
        self.closed = False
        self._clock, self._answer, self._takes_ms = clock, answer, takes_ms

    async def poll(self, unit: int, blocks: Sequence[Block], settle: Block, timeout_s: float) -> ReadImage:
        """What the test says."""
        del settle, timeout_s
        self.polls.append((unit, tuple(blocks)))
        self._clock.now_ms += self._takes_ms(unit)
        return self._answer(unit, blocks)

    def close(self) -> None:
        """Remember it."""
        self.closed = True
