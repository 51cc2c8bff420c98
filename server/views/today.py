"""How much of today is proved: each moment of a seal's day is one of proved off, proved on, unproved."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from server.detect.finding import Coverage
from wire.clock import beijing

NO_DATA = "no_data"
REGISTER = "register"


class CoveragePart(BaseModel):
    """A time with one state: from_ms inclusive, to_ms exclusive."""

    model_config = ConfigDict(extra="forbid")

    from_ms: int
    to_ms: int
    state: Coverage
    reason: str


class CoverageToday(BaseModel):
    """How long of a seal's Beijing day, up to now, is what; the four add up to the seal's time today.

    Attributes:
        off_ms: proved off by a live meter.
        off_by_register_ms: proved off by the energy register that closed a gap.
        on_ms: proved on.
        unproved_ms: neither.
    """

    model_config = ConfigDict(extra="forbid")

    off_ms: int
    off_by_register_ms: int
    on_ms: int
    unproved_ms: int


def day_start_ms(now_ms: int) -> int:
    """The last midnight in Beijing."""
    midnight = beijing(now_ms).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(midnight.timestamp() * 1000)


def filled(spans: Sequence[CoveragePart], from_ms: int, to_ms: int) -> list[CoveragePart]:
    """Spans cut to a time, with what none of them covers as unproved("no_data").

    Args:
        spans: in order, without overlap.
        from_ms: start of the time.
        to_ms: its end; nothing comes back where it is not later.
    """
    parts: list[CoveragePart] = []
    at_ms = from_ms
    for span in spans:
        first, last = max(span.from_ms, at_ms), min(span.to_ms, to_ms)
        if last <= first:
            continue
        if first > at_ms:
            parts.append(_uncovered(at_ms, first))
        parts.append(CoveragePart(from_ms=first, to_ms=last, state=span.state, reason=span.reason))
        at_ms = last
    if at_ms < to_ms:
        parts.append(_uncovered(at_ms, to_ms))
    return parts


def today(spans: Sequence[CoveragePart], from_ms: int, until_ms: int | None, now_ms: int) -> CoverageToday:
    """The shares of a seal's day.

    Args:
        spans: the seal's coverage, in order.
        from_ms: when it was sealed.
        until_ms: when the seal ends; None while nobody set that.
        now_ms: server time.
    """
    start = max(day_start_ms(now_ms), from_ms)
    end = now_ms if until_ms is None else min(now_ms, until_ms)
    sums = dict.fromkeys(CoverageToday.model_fields, 0)
    for part in filled(spans, start, end):
        sums[_share(part)] += part.to_ms - part.from_ms
    return CoverageToday(**sums)


def _share(part: CoveragePart) -> str:
    if part.state is Coverage.ON:
        return "on_ms"
    if part.state is Coverage.UNPROVED:
        return "unproved_ms"
    return "off_by_register_ms" if part.reason == REGISTER else "off_ms"


def _uncovered(from_ms: int, to_ms: int) -> CoveragePart:
    return CoveragePart(from_ms=from_ms, to_ms=to_ms, state=Coverage.UNPROVED, reason=NO_DATA)
