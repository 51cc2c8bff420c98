"""Which time a chart shows."""

from typing import Protocol

from server.views import SealRow
from server.views.state import FRESH_MS

_SEAL_MS = 7_200_000
_AROUND_LEAST_MS, _BEFORE_LEAST_MS = 60_000, 10_000


class Happening(Protocol):
    """What must be known of what is looked at."""

    @property
    def first_ms(self) -> int:
        """When it began."""
        ...

    @property
    def ended_ms(self) -> int | None:
        """When it ended; None while it goes on."""
        ...


def event_time(happening: Happening | None, seal: SealRow, now_ms: int) -> tuple[int, int]:
    """First and last time to show of what happened, or of the seal as it is now, in ms.

    Args:
        happening: a violation with a third of itself around it; None for the seal's last two hours.
        seal: whose curve it is.
        now_ms: server time.
    """
    end_ms = newest_ms(seal, now_ms)
    if happening is None:
        return max(end_ms - _SEAL_MS, min(seal.from_ms, end_ms - _AROUND_LEAST_MS)), end_ms
    last_ms = end_ms if happening.ended_ms is None else min(end_ms, happening.ended_ms)
    around_ms = max(_AROUND_LEAST_MS, (last_ms - happening.first_ms) // 3)
    latest_ms = happening.first_ms - _BEFORE_LEAST_MS  # a seal that has just begun has no time before it to show
    return max(happening.first_ms - around_ms, min(seal.from_ms, latest_ms)), min(end_ms, last_ms + around_ms)


def newest_ms(seal: SealRow, now_ms: int) -> int:
    """The newest row's time while the agent is heard, else now: what has not arrived yet is not missing yet."""
    newest = max((a.last_row_ms for a in seal.agents if a.last_row_ms is not None), default=None)
    return newest if newest is not None and 0 <= now_ms - newest <= FRESH_MS else now_ms
