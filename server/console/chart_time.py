"""Which time a chart shows."""

from server.views import SealRow
from server.views.state import FRESH_MS
from server.views.violations import ViolationRow

EVENT = "event"
RANGES = (EVENT, "600", "7200", "86400")
"""The event itself, or the last so many seconds."""

_SEAL_S = 7_200
_AROUND_LEAST_MS, _BEFORE_LEAST_MS = 60_000, 10_000


def chart_time(chosen: str, violation: ViolationRow | None, seal: SealRow, now_ms: int) -> tuple[int, int]:
    """First and last time to show, in ms.

    Args:
        chosen: one of RANGES.
        violation: what is looked at; None for the seal itself.
        seal: whose curve it is.
        now_ms: server time.
    """
    end_ms = newest_ms(seal, now_ms)
    if chosen != EVENT:
        return end_ms - int(chosen) * 1000, end_ms
    if violation is None:
        return max(end_ms - _SEAL_S * 1000, min(seal.from_ms, end_ms - _AROUND_LEAST_MS)), end_ms
    last_ms = end_ms if violation.ended_ms is None else min(end_ms, violation.ended_ms)
    around_ms = max(_AROUND_LEAST_MS, (last_ms - violation.first_ms) // 3)
    latest_ms = violation.first_ms - _BEFORE_LEAST_MS  # a seal that has just begun has no time before it to show
    return max(violation.first_ms - around_ms, min(seal.from_ms, latest_ms)), min(end_ms, last_ms + around_ms)


def newest_ms(seal: SealRow, now_ms: int) -> int:
    """The newest row's time while the agent is heard, else now: what has not arrived yet is not missing yet."""
    newest = max((a.last_row_ms for a in seal.agents if a.last_row_ms is not None), default=None)
    return newest if newest is not None and 0 <= now_ms - newest <= FRESH_MS else now_ms
