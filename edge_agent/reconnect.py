"""How long the agent waits before it connects again. Pure: the caller knows the time and draws the chance.

When a broker restarts it closes every connection in the same second. Agents that came back at once would all be in its
TLS handshakes together, so each draws its own moment within `spread_s`. A line that fails by itself concerns one agent:
it tries again soon, and ever more slowly while that does not help.
"""

import random
from enum import StrEnum

FIRST_S = 1.0
STEADY_S = 30.0
"""A connection that lasted less does not reset the growing delay: two agents with one id throw each other out."""
SOONEST_S = 0.5


class End(StrEnum):
    """What ended a connection, or an attempt at one."""

    NOT_REACHED = "not_reached"
    LINE = "line"
    TAKEN_OVER = "taken_over"
    CLOSED = "closed"


class Reconnect:
    """One agent's delays.

    Attributes:
        failures: attempts and short connections since the last steady one.
        short: of them, the connections in a row that the broker took and that ended at once.
    """

    def __init__(self, spread_s: float, chance: random.Random | None = None) -> None:
        self.failures = self.short = 0
        self._spread_s = spread_s
        self._chance = chance or random.SystemRandom()
        self._connected_ms: int | None = None
        self._herd = False

    def connected(self, now_ms: int) -> None:
        """The broker took us."""
        self._connected_ms = now_ms

    def delay_s(self, end: End, now_ms: int) -> float:
        """The wait before the next attempt, in seconds.

        Args:
            end: why there is no connection now.
            now_ms: monotonic time.
        """
        since_ms, self._connected_ms = self._connected_ms, None
        if since_ms is not None and now_ms - since_ms <= STEADY_S * 1000:
            self.short += 1
        elif since_ms is not None:
            self.failures = self.short = 0
            self._herd = end is End.CLOSED
            if self._herd:
                return max(SOONEST_S, self._chance.uniform(0.0, self._spread_s))
        # After such a draw the others wait as we do: the next one is no shorter, or the herd would form again.
        grown_s = self._spread_s if self._herd else FIRST_S * 2**self.failures
        self.failures = min(self.failures + 1, 10)
        return min(self._spread_s, grown_s) * self._chance.uniform(0.5, 1.5)
