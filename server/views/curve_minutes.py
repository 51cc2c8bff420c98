"""A curve out of minutes: for times so long that single polls would take seconds to decode.

Each bucket of whole minutes keeps its smallest and its largest value. Gaps come from the stored coverage, which knows
them to the poll, and from minutes in which nothing was read.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from server.curve import NO_DATA, Gap, Point, Trace, parted, put
from server.detect.facts import Floats, Times
from server.detect.finding import Coverage
from server.minutes import HIGH, LAST, LAST_AT, LOW, MINUTE_MS, WHY, WHY_PLANE, Minutes
from server.views.today import REGISTER, CoveragePart
from wire.reading import Reason

_ABSENT = {NO_DATA, *(reason.value for reason in Reason)}
"""Why time is unproved that was not read at all; for other reasons there are values."""

_NO_ROW = -1.0


def trace(
    of: Minutes,
    power: Minutes,
    period_ms: int | None,
    spans: Sequence[CoveragePart],
    here: tuple[int, int],
    max_points: int,
) -> Trace:
    """The minutes as a chart draws them.

    Args:
        of: the minutes that touch the time.
        power: those of the same meter's draw, which say why polls gave no value.
        period_ms: the nominal time between polls; None where nothing was read.
        spans: the coverage of this time.
        here: start and end of the time to show.
        max_points: so many points at most (gaps included), at least server.curve.POINTS_MIN.
    """
    count = of.planes.shape[1]
    each = max(1, -(-count // (max_points // 3)))
    gaps = gaps_of(of, power, period_ms, spans, here, each * MINUTE_MS)
    return Trace(
        period_ms=period_ms,
        samples=None,
        bucket_ms=each * MINUTE_MS,
        points=_points(of, each, gaps, *here),
        gaps=gaps,
    )


class Advance:
    """By how much a register went on over gaps.

    Args:
        energy: the register's minutes.
    """

    def __init__(self, energy: Minutes) -> None:
        self._from_ms = energy.from_ms
        self._known = np.flatnonzero(~np.isnan(energy.planes[LAST]))
        self._first, self._last = energy.planes[LOW, self._known], energy.planes[LAST, self._known]
        self._last_ms = energy.starts_ms[self._known] + energy.planes[LAST_AT, self._known]

    def over(self, gap: Gap) -> float | None:
        """In Wh; None where minutes cannot tell it exactly: inside of one minute, or where some of it was read."""
        first, last = (gap.from_ms - self._from_ms) // MINUTE_MS, (gap.to_ms - self._from_ms) // MINUTE_MS
        before = int(np.searchsorted(self._known, first, side="right")) - 1
        after = int(np.searchsorted(self._known, last))
        if first == last or before < 0 or after >= len(self._known) or after != before + 1:
            return None
        return None if self._last_ms[before] > gap.from_ms else float(self._first[after] - self._last[before])


def gaps_of(
    of: Minutes,
    power: Minutes,
    period_ms: int | None,
    spans: Sequence[CoveragePart],
    here: tuple[int, int],
    apart_ms: int,
) -> list[Gap]:
    """The gaps of a time.

    Args:
        of: the minutes of the quantity.
        power: those of the draw, which say why polls gave no value.
        period_ms: the nominal time between polls; None where nothing was read.
        spans: the coverage of this time.
        here: start and end of the time.
        apart_ms: gaps of one reason that are no further apart are told as one.
    """
    found: list[Gap] = []
    for gap in _gaps(of, power, 2.5 * (period_ms or MINUTE_MS), spans, here):
        put(found, gap, apart_ms)
    return found


def _points(of: Minutes, each: int, gaps: Sequence[Gap], from_ms: int, to_ms: int) -> list[Point]:
    low, high = _buckets(of.planes[LOW], each, np.fmin), _buckets(of.planes[HIGH], each, np.fmax)
    told = np.flatnonzero(~np.isnan(low))
    starts, low, high = of.from_ms + told * each * MINUTE_MS, low[told], high[told]
    low_ms, whole = _outside(gaps, starts, each * MINUTE_MS)
    high_ms = np.where(whole, starts + each * MINUTE_MS // 2, low_ms)
    two = high != low
    t_ms, values = np.concatenate([low_ms, high_ms[two]]), np.concatenate([low, high[two]])
    order = np.argsort(t_ms, kind="stable")
    return parted(np.clip(t_ms[order], from_ms, to_ms), values[order], gaps)


def _buckets(plane: Floats, each: int, keep: np.ufunc) -> Floats:
    """Each bucket's smallest or largest value; NaN where all of it is."""
    padded = np.append(plane, np.full(-len(plane) % each, np.nan))
    buckets: Floats = keep.reduce(padded.reshape(-1, each), axis=1)
    return buckets


def _outside(gaps: Sequence[Gap], starts: Times, bucket_ms: int) -> tuple[Times, NDArray[np.bool_]]:
    """The first moment of each bucket that is in no gap, and whether no gap touches it."""
    free, whole = starts.copy(), np.ones(len(starts), dtype=bool)
    for gap in gaps:
        touched = (starts < gap.to_ms) & (starts + bucket_ms > gap.from_ms)
        whole &= ~touched
        free[touched & (free >= gap.from_ms) & (gap.to_ms < starts + bucket_ms)] = gap.to_ms
    return free, whole


def _gaps(
    of: Minutes, power: Minutes, late_ms: float, spans: Sequence[CoveragePart], here: tuple[int, int]
) -> list[Gap]:
    """What coverage says was not read, and minutes without a value of which it says nothing."""
    from_ms, to_ms = here
    gaps = [
        _gap(max(span.from_ms, from_ms), min(span.to_ms, to_ms), _reason(power, span))
        for span in spans
        if span.from_ms < to_ms and span.to_ms > from_ms and _is_absent(span, late_ms)
    ]
    told = np.zeros(of.planes.shape[1], dtype=bool)
    for gap in gaps:
        told[(gap.from_ms - of.from_ms) // MINUTE_MS : -(-(gap.to_ms - of.from_ms) // MINUTE_MS)] = True
    for first, last, reason in _silent_runs(power, ~told & np.isnan(of.planes[LOW])):
        start, end = max(from_ms, of.from_ms + first * MINUTE_MS), min(to_ms, of.from_ms + last * MINUTE_MS)
        if end - start > late_ms - MINUTE_MS:  # polls that far apart are what coverage calls a gap
            gaps.append(_gap(start, end, reason))
    return sorted(gaps, key=lambda gap: gap.from_ms)


def _is_absent(span: CoveragePart, late_ms: float) -> bool:
    """Whether nothing was read in a span; a moment after the newest row is not late yet."""
    if span.reason == NO_DATA:
        return span.to_ms - span.from_ms > late_ms
    return span.reason == REGISTER or (span.state is Coverage.UNPROVED and span.reason in _ABSENT)


def _silent_runs(power: Minutes, silent: NDArray[np.bool_]) -> Iterator[tuple[int, int, str]]:
    """First minute, the one after the last, and the reason of each run of minutes without a value."""
    label = np.where(silent, np.nan_to_num(power.planes[WHY_PLANE], nan=_NO_ROW), np.nan)
    borders = np.flatnonzero((label[1:] != label[:-1]) & ~(np.isnan(label[1:]) & np.isnan(label[:-1]))) + 1
    for first, last in zip([0, *borders.tolist()], [*borders.tolist(), len(label)], strict=True):
        if first < last and not np.isnan(label[first]):
            yield first, last, NO_DATA if label[first] == _NO_ROW else WHY[int(label[first])].value


def _reason(power: Minutes, span: CoveragePart) -> str:
    """Why a span was not read; where the register closed it, what its minutes say of the polls."""
    if span.reason != REGISTER:
        return span.reason
    first, last = (span.from_ms - power.from_ms) // MINUTE_MS, -(-(span.to_ms - power.from_ms) // MINUTE_MS)
    why = power.planes[WHY_PLANE, max(0, first) : last]
    given = why[~np.isnan(why)]
    return WHY[int(given[0])].value if len(given) else NO_DATA


def _gap(from_ms: int, to_ms: int, reason: str) -> Gap:
    return Gap(from_ms=from_ms, to_ms=to_ms, reason=reason, missing_ms=to_ms - from_ms)
