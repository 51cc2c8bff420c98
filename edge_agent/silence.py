"""When a line may be spoken on: the pause between two frames of a serial line, kept to a fraction of a millisecond.

The client library keeps none, and the timers of an event loop come up to a millisecond late, which at 115,200 baud is
a tenth of a short cycle. So the loop sleeps all but the last millisecond and the thread the rest.
"""

import asyncio
import time

from edge_agent.line import Line, SerialLine, is_rtu

CHARACTERS, BITS_OF_CHARACTER = 3.5, 11
"""The specification counts characters of 11 bits; so do we where a line's are shorter."""
FAST_BAUD, FAST_SILENCE_S = 19_200, 0.00175
"""Above FAST_BAUD the silence no longer shrinks (Modbus serial line V1.02 §2.5.1.1)."""
DTU_SILENCE_S = 0.005
"""Of RTU over TCP, so that what sticks to a reply, such as its double, is heard before the next request leaves."""
TIMER_STEP_S = 0.001
WAIT_MAX_S = 1.0
STEPS_MAX = 10_000


class Silence:
    """What was last heard or sent on one line.

    Attributes:
        character_s: time of one character; 0 on lines that are not ours to pace.
        gap_s: least silence between two frames.
        until: monotonic time at which the last byte has left or came.
    """

    def __init__(self, line: Line) -> None:
        self.character_s = self.until = 0.0
        self.gap_s = DTU_SILENCE_S if is_rtu(line) else 0.0
        if isinstance(line, SerialLine):
            self.character_s = line.character_s
            slow_s = CHARACTERS * max(BITS_OF_CHARACTER / line.baud, line.character_s)
            self.gap_s = FAST_SILENCE_S if line.baud > FAST_BAUD else slow_s

    def sent(self, size: int) -> float:
        """Note a frame of so many bytes that leaves now; the seconds that it takes."""
        seconds = size * self.character_s
        self.until = max(self.until, time.monotonic() + seconds)
        return seconds

    def heard(self) -> None:
        """Note that bytes came now."""
        self.until = max(self.until, time.monotonic())

    async def wait(self, least_s: float = 0.0) -> bool:
        """Wait until a frame may be sent.

        Args:
            least_s: a longer silence than the line's own, for a device that needs it.

        Returns:
            False if the line was not silent for WAIT_MAX_S: somebody talks all the time.
        """
        gap = max(self.gap_s, least_s)
        end = time.monotonic() + gap + WAIT_MAX_S
        for _ in range(STEPS_MAX):
            now = time.monotonic()
            left = self.until + gap - now
            if left <= 0:
                return True
            if now >= end:
                break
            if left > TIMER_STEP_S:
                await asyncio.sleep(left - TIMER_STEP_S)
            else:
                time.sleep(left)  # noqa: ASYNC251 - less than a timer of the loop can measure
        return False
