"""Reads the meters of one line at a steady pace. Each poll of each meter gives exactly one Reading, also a failed one.

A round asks whoever answered last time, then once more what went missing, then those that do not answer: each of these
costs the line one time-out now and then, not one a round.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from edge_agent.config import Meter
from edge_agent.decoding import Decoding
from edge_agent.meter_poll import MeterPoll, RegisterSource
from wire.clock import Clock
from wire.fingerprint import UNKNOWN, Fingerprint
from wire.reading import Reading

RETURN_MS = 5_000
"""A meter that answers again is read within this time, or two rounds where that is longer."""
DEAD_SHARE = 4
"""On a line that is late anyway, those that do not answer take one part in so many of the time of those that do."""
SLOW_SHARE = 4
"""On a line that is late, one meter in so many is asked a slow request in a round."""

Sink = Callable[[Reading], Awaitable[None]]


def _honour_cancellation() -> None:
    """Raise a cancellation that a wait inside the client library swallowed.

    Python 3.11's asyncio.wait_for drops one that arrives in the moment in which its future is done; the task would
    then poll on for ever while the agent waits for its end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class Turn:
    """A meter's place in the rounds of its line.

    Attributes:
        due_ms: monotonic time before which a meter that does not answer is not asked.
        misses: polls without an answer in a row.
        place: its number on the line.
    """

    def __init__(self, poll: MeterPoll, place: int) -> None:
        self.poll = poll
        self.place = place
        self.due_ms = 0
        self.misses = 0

    @property
    def cost_ms(self) -> int:
        """What it takes to find that it does not answer."""
        return round(self.poll.meter.timeout_s * 1000)

    def note(self, asked_ms: int, round_ms: int) -> None:
        """After a poll: when to ask again, the first time in the next round, then ever later up to half of RETURN_MS.

        Args:
            asked_ms: when it was asked.
            round_ms: time of one round.
        """
        if self.poll.is_there:
            self.misses = self.due_ms = 0
            return
        self.misses += 1
        longest = max(RETURN_MS // 2, round_ms)
        self.due_ms = asked_ms + min(round_ms << min(self.misses - 1, 6), longest) - round_ms // 2


class LinePoller:
    """The meters of one line, polled in turn at each tick of a schedule that does not drift.

    Attributes:
        late_ticks: ticks that fell whole into a round that took longer than the period; they are left out.
        round_ms: time of the last round.
    """

    def __init__(
        self,
        line: RegisterSource,
        meters: Sequence[Meter],
        period_s: float,
        clock: Clock,
        sink: Sink,
        known: Mapping[str, Fingerprint] | None = None,
        decodings: dict[str, Decoding] | None = None,
    ) -> None:
        """A poller that does nothing yet.

        Args:
            line: what reads registers.
            meters: all on this line.
            period_s: time between two ticks.
            clock: wall and monotonic time.
            sink: takes each reading.
            known: what an earlier run knew of each meter, by its id.
            decodings: of models that other lines have too, by their profile's digest; those that lack are added.
        """
        self.late_ticks = 0
        self.round_ms = self._rounds = self._start_ms = 0
        self._line = line
        told = known or {}
        shared = {} if decodings is None else decodings
        for meter in meters:
            if meter.loaded.digest not in shared:
                shared[meter.loaded.digest] = Decoding(meter.loaded.profile)
        self._turns = [
            Turn(MeterPoll(meter, told.get(meter.id, UNKNOWN), place / len(meters), shared[meter.loaded.digest]), place)
            for place, meter in enumerate(meters)
        ]
        self._period_ms = round(period_s * 1000)
        self._clock = clock
        self._sink = sink

    async def run(self) -> None:
        """Poll until cancelled; the line is closed then.

        A round that ends late is followed at once, and the next one stands on the schedule again.
        """
        start, tick = self._clock.monotonic_ms(), 0
        try:
            while True:
                await self.round(start + (tick + 1) * self._period_ms)
                now = self._clock.monotonic_ms()
                due = max(tick + 1, (now - start) // self._period_ms)
                self.late_ticks += due - tick - 1
                tick = due
                await self._clock.sleep(max(0, start + tick * self._period_ms - now) / 1000)
        finally:
            self._line.close()

    async def round(self, end_ms: int) -> None:
        """One poll of each meter.

        Args:
            end_ms: monotonic time of the next tick.
        """
        start_ms = self._start_ms = self._clock.monotonic_ms()
        self._rounds += 1
        present = [turn for turn in self._turns if not turn.misses]
        again = []
        for turn in present:
            await self._ask(turn)
            if turn.poll.is_worth_asking_again:
                again.append(turn)
            else:
                await self._finish(turn, start_ms)
        for turn in again:
            if end_ms - self._clock.monotonic_ms() >= turn.cost_ms:
                await turn.poll.ask_again(self._line, self._clock)
            await self._finish(turn, start_ms)
        await self._ask_absent([turn for turn in self._turns if turn not in present], start_ms, end_ms)
        self.round_ms = self._clock.monotonic_ms() - start_ms

    async def _ask_absent(self, absent: Sequence[Turn], start_ms: int, end_ms: int) -> None:
        """Ask those whose time has come, as many as there is time for, but one at least."""
        now = self._clock.monotonic_ms()
        stop_ms = max(end_ms, now + (now - start_ms) // DEAD_SHARE)
        is_first = True
        for turn in sorted(absent, key=lambda t: t.due_ms):
            now = self._clock.monotonic_ms()
            if turn.due_ms <= now and (is_first or now + turn.cost_ms <= stop_ms):
                is_first = False
                await self._ask(turn)
                await self._finish(turn, now)
                if not turn.misses:
                    stop_ms += self._clock.monotonic_ms() - now  # it is back: its own time is no dead one's
            else:
                await self._sink(turn.poll.skipped(self._clock))

    async def _ask(self, turn: Turn) -> None:
        is_late = max(self.round_ms, self._clock.monotonic_ms() - self._start_ms) > self._period_ms
        await turn.poll.ask(self._line, self._clock, slow=not is_late or (turn.place + self._rounds) % SLOW_SHARE == 0)
        _honour_cancellation()

    async def _finish(self, turn: Turn, asked_ms: int) -> None:
        reading = await turn.poll.finish(self._line, self._clock)
        turn.note(asked_ms, max(self._period_ms, self.round_ms))
        await self._sink(reading)
