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
        whole = (first, last) == (span.from_ms, span.to_ms)
        parts.append(span if whole else span.model_copy(update={"from_ms": first, "to_ms": last}))
        at_ms = last
    if at_ms < to_ms:
        parts.append(_uncovered(at_ms, to_ms))
    return parts


def today_parts(spans: Sequence[CoveragePart], from_ms: int, until_ms: int | None, now_ms: int) -> list[CoveragePart]:
    """A seal's day up to now, every moment of it.

    Args:
        spans: the seal's coverage, in order.
        from_ms: when it was sealed.
        until_ms: when the seal ends; None while nobody set that.
        now_ms: server time.
    """
    end = now_ms if until_ms is None else min(now_ms, until_ms)
    return filled(spans, max(day_start_ms(now_ms), from_ms), end)


def today(spans: Sequence[CoveragePart], from_ms: int, until_ms: int | None, now_ms: int) -> CoverageToday:
    """The shares of a seal's day; arguments as of today_parts."""
    sums = dict.fromkeys(CoverageToday.model_fields, 0)
    for part in today_parts(spans, from_ms, until_ms, now_ms):
        sums[share(part)] += part.to_ms - part.from_ms
    return CoverageToday(**sums)


def longest_unproved(parts: Sequence[CoveragePart]) -> CoveragePart | None:
    """The longest unproved time, whatever its reasons; the reason is that of its longest part."""
    longest, run = None, list[CoveragePart]()
    for part in parts:
        if part.state is not Coverage.UNPROVED:
            run = []
            continue
        run = [*run, part] if run and run[-1].to_ms == part.from_ms else [part]
        if longest is None or run[-1].to_ms - run[0].from_ms > longest.to_ms - longest.from_ms:
            main = max(run, key=lambda one: one.to_ms - one.from_ms)
            longest = main.model_copy(update={"from_ms": run[0].from_ms, "to_ms": run[-1].to_ms})
    return longest


def longest_unproved_ms(parts: Sequence[CoveragePart]) -> int:
    """How long it is."""
    longest = longest_unproved(parts)
    return 0 if longest is None else longest.to_ms - longest.from_ms


def share(part: CoveragePart) -> str:
    """The field of CoverageToday that a moment counts in."""
    if part.state is Coverage.ON:
        return "on_ms"
    if part.state is Coverage.UNPROVED:
        return "unproved_ms"
    return "off_by_register_ms" if part.reason == REGISTER else "off_ms"


def _uncovered(from_ms: int, to_ms: int) -> CoveragePart:
    return CoveragePart(from_ms=from_ms, to_ms=to_ms, state=Coverage.UNPROVED, reason=NO_DATA)
