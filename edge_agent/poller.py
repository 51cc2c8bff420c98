"""Reads the meters of one line at a steady pace. Each poll of each meter gives exactly one Reading, also a failed one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from edge_agent.config import Meter
from edge_agent.modbus import ReadImage, raw_words
from edge_agent.plan import RATIOS, Block, plan
from wire import registers
from wire.clock import Clock
from wire.profile import Group
from wire.reading import Reading, Reason, State, Unreadable

SLOW_PERIOD_MS = 60_000
"""How often the slow registers are asked for; also right after a meter was away, as it may be another one."""


class RegisterSource(Protocol):
    """What reads registers: a line with real meters."""

    async def poll(self, unit: int, blocks: Sequence[Block], settle: Block, timeout_s: float) -> ReadImage:
        """What a unit said to each request, or why not."""
        ...

    def close(self) -> None:
        """Give the line back."""
        ...


Sink = Callable[[Reading], Awaitable[None]]


class MeterPoll:
    """One meter's requests and what they need to remember."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.answered = True
        self._plan = plan(meter.loaded.profile)
        self._slow_due_ms: int | None = None
        self._ratios: dict[tuple[int, int], int] = {}

    async def read(self, line: RegisterSource, clock: Clock) -> Reading:
        """One poll."""
        slow = self._slow_due_ms is None or clock.monotonic_ms() >= self._slow_due_ms
        blocks = self._plan.blocks(slow=slow)
        image = await line.poll(self.meter.unit, blocks, self._plan.settle, self.meter.timeout_s)
        now = clock.monotonic_ms()
        state = state_of(image)
        self.answered = state is State.OK
        if slow:
            self._slow_due_ms = now + SLOW_PERIOD_MS
            self._ratios |= self._ratio_words(image)
        if not self.answered:
            self._slow_due_ms = None
        return self._reading(image, blocks, state, clock.wall_ms(), now, slow=slow)

    def skipped(self, clock: Clock) -> Reading:
        """The reading of a meter that does not answer and whose turn would have made the others late."""
        return Reading(self.meter.id, clock.wall_ms(), clock.monotonic_ms(), State.TIMEOUT, {}, {})

    def _reading(
        self, image: ReadImage, blocks: Sequence[Block], state: State, wall_ms: int, now_ms: int, *, slow: bool
    ) -> Reading:
        profile = self.meter.loaded.profile if slow else self._plan.fast_profile
        values = registers.decode(self._ratios | image, profile)
        for quantity in RATIOS:
            register = profile.register_of(quantity)
            if not slow and register is not None and register.group is Group.SLOW:
                del values[quantity]  # it was not asked in this poll
        raw = {block.key: words for block in blocks if (words := raw_words(block, image)) is not None}
        return Reading(self.meter.id, wall_ms, now_ms, state, values, raw)

    def _ratio_words(self, image: ReadImage) -> dict[tuple[int, int], int]:
        wanted = [self.meter.loaded.profile.register_of(q) for q in RATIOS]
        keys = [(r.function, address) for r in wanted if r is not None for address in r.span]
        return {key: word for key in keys if isinstance(word := image.get(key), int)}


def state_of(image: Mapping[tuple[int, int], int | Unreadable]) -> State:
    """The state of a meter that gave this image: OK as soon as one word was read."""
    reasons = {word.reason for word in image.values() if isinstance(word, Unreadable)}
    if len(reasons) == 0 or any(isinstance(word, int) for word in image.values()):
        return State.OK
    if Reason.DISCONNECTED in reasons:
        return State.DISCONNECTED
    return State.TIMEOUT if Reason.TIMEOUT in reasons else State.FAILED


def _honour_cancellation() -> None:
    """Raise a cancellation that a wait inside the client library swallowed.

    Python 3.11's asyncio.wait_for drops one that arrives in the moment in which its future is done; the task would
    then poll on for ever while the agent waits for its end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class LinePoller:
    """The meters of one line, polled in turn at each tick of a schedule that does not drift.

    Attributes:
        late_ticks: ticks that fell into a poll that took longer than the period; they are left out, never bunched.
    """

    def __init__(
        self, line: RegisterSource, meters: Sequence[Meter], period_s: float, clock: Clock, sink: Sink
    ) -> None:
        self.late_ticks = 0
        self._line = line
        self._polls = [MeterPoll(meter) for meter in meters]
        self._period_ms = round(period_s * 1000)
        self._clock = clock
        self._sink = sink

    async def run(self) -> None:
        """Poll until cancelled; the line is closed then."""
        start, tick = self._clock.monotonic_ms(), 0
        try:
            while True:
                await self.round(start + (tick + 1) * self._period_ms)
                now = self._clock.monotonic_ms()
                due = (now - start) // self._period_ms + 1
                self.late_ticks += due - tick - 1
                tick = due
                await self._clock.sleep((start + tick * self._period_ms - now) / 1000)
        finally:
            self._line.close()

    async def round(self, end_ms: int) -> None:
        """One poll of each meter: those that answered last time first, so that a dead one delays no other.

        Args:
            end_ms: monotonic time of the next tick; a dead meter whose wait would pass it is left out in this round.
        """
        in_turn = sorted(self._polls, key=lambda poll: not poll.answered)
        for number, poll in enumerate(in_turn):
            left_ms = end_ms - self._clock.monotonic_ms()
            if number == 0 or poll.answered or left_ms >= poll.meter.timeout_s * 1000:
                # Whoever was asked goes to the end of the queue: the next round begins with another dead one.
                self._polls.remove(poll)
                self._polls.append(poll)
                reading = await poll.read(self._line, self._clock)
                _honour_cancellation()
                await self._sink(reading)
            else:
                await self._sink(poll.skipped(self._clock))
