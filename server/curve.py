"""A curve out of single polls: what a chart draws, with its gaps.

A gap is a gap: missing time is null with its reason, never 0 and never joined over. Where there are more samples than
asked for, each bucket of time keeps its smallest and its largest, at their own times: a one-second peak survives a
year's zoom. Nothing is averaged.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from server.detect.energy_in_gap import is_gap
from server.detect.facts import Floats, Times
from server.meter_rows import Polls

NO_DATA = "no_data"
POINTS_MIN = 12

Indices = NDArray[np.intp]
Point = tuple[int, float | None]


class Gap(BaseModel):
    """Time without a value, and why (a wire.reading.Reason, or "no_data": nothing was observed).

    Attributes:
        from_ms, to_ms: the first and the last of it.
        missing_ms: how long nothing was read between the two; less than their distance where short ones of the same
            reason, nearer to each other than a bucket, are told as one.
        energy_wh: by how much the meter's energy register went on over it; null where it was not read on both sides.
    """

    model_config = ConfigDict(extra="forbid")

    from_ms: int
    to_ms: int
    reason: str
    missing_ms: int
    energy_wh: float | None = None


class Trace(BaseModel):
    """One quantity of one meter over time.

    Attributes:
        period_ms: the nominal time between samples; null where there are none.
        samples: polls in the time, readable or not; null where minutes were drawn.
        bucket_ms: width of the buckets of which smallest and largest are kept; null where every sample is here.
        points: event time in ms and value (of power |P| in W); null where a gap begins. Of minutes, the smallest
            value stands at the beginning of its bucket and the largest, where it is another, at its middle.
        gaps: time without a value.
    """

    model_config = ConfigDict(extra="forbid")

    period_ms: int | None
    samples: int | None
    bucket_ms: int | None
    points: list[Point]
    gaps: list[Gap]


def trace(rows: Polls, from_ms: int, to_ms: int, max_points: int) -> Trace:
    """The rows as a chart draws them.

    Args:
        rows: polls between from_ms and to_ms, in the order of time.
        from_ms: start of the time to show.
        to_ms: its end.
        max_points: so many points at most (gaps included), at least POINTS_MIN.
    """
    gaps = _gaps(rows, from_ms, to_ms)
    known = np.flatnonzero(~np.isnan(rows.values))
    bucket_ms = None
    if len(known) + len(gaps) > max_points:
        bucket_ms = max(1, -(-(to_ms - from_ms) // (max_points // 4 - 2)))  # two of a bucket, a null after each
        known = known[extremes(rows.values[known], (rows.t_ms[known] - from_ms) // bucket_ms)]
    return Trace(
        period_ms=int(np.median(rows.period_ms)) if len(rows) else None,
        samples=len(rows),
        bucket_ms=bucket_ms,
        points=parted(rows.t_ms[known], rows.values[known], gaps),
        gaps=gaps,
    )


def _gaps(rows: Polls, from_ms: int, to_ms: int) -> list[Gap]:
    """Missing rows and runs of unreadable ones, in order; neighbours of one reason are one gap."""
    gaps: list[Gap] = []
    if not len(rows):
        _add(gaps, from_ms, to_ms, NO_DATA)
        return gaps
    first, period_ms = int(rows.t_ms[0]), int(rows.period_ms[0])
    if is_gap(from_ms, first, period_ms):
        _add(gaps, from_ms, first, NO_DATA)
    following = np.append(rows.t_ms[1:], max(to_ms, int(rows.t_ms[-1])))
    missing, unread = _missing(rows.t_ms, following, rows.period_ms), np.isnan(rows.values)
    goes_on = unread[:-1] & unread[1:] & ~missing[:-1] & (rows.reasons[:-1] == rows.reasons[1:])
    firsts = np.flatnonzero((missing | unread) & ~np.append(False, goes_on))
    lasts = np.flatnonzero((missing | unread) & ~np.append(goes_on, False))
    for i, last in zip(firsts.tolist(), lasts.tolist(), strict=True):  # runs of one reason: a day may be one
        next_ms = int(following[last])
        spoken_ms = int(rows.t_ms[last]) + int(rows.period_ms[last]) if missing[last] else next_ms
        if unread[i]:
            _add(gaps, int(rows.t_ms[i]), spoken_ms, str(rows.reasons[i]))
        if missing[last]:
            _add(gaps, spoken_ms, next_ms, NO_DATA)
    return gaps


def _missing(t_ms: Times, following_ms: Times, period_ms: Times) -> NDArray[np.bool_]:
    """Whether nothing was observed between each row and the next: coverage's own rule."""
    missing = following_ms - t_ms > period_ms
    for i in np.flatnonzero(missing):
        missing[i] = is_gap(int(t_ms[i]), int(following_ms[i]), int(period_ms[i]))
    return missing


def _add(gaps: list[Gap], from_ms: int, to_ms: int, reason: str) -> None:
    if to_ms > from_ms:
        put(gaps, Gap(from_ms=from_ms, to_ms=to_ms, reason=reason, missing_ms=to_ms - from_ms), 0)


def put(gaps: list[Gap], gap: Gap, apart_ms: int) -> None:
    """Add a gap behind the others; one of the same reason that is no further off than apart_ms grows instead."""
    last = gaps[-1] if gaps else None
    if last is not None and last.reason == gap.reason and gap.from_ms - last.to_ms <= apart_ms:
        last.to_ms, last.missing_ms, last.energy_wh = gap.to_ms, last.missing_ms + gap.missing_ms, None
    else:
        gaps.append(gap)


def extremes(values: Floats, bucket: Times) -> Indices:
    """Where the smallest and the largest value of each bucket are; buckets ascend."""
    by_value = np.lexsort((values, bucket))
    buckets = bucket[by_value]
    first = np.append(True, buckets[1:] != buckets[:-1])
    last = np.append(buckets[1:] != buckets[:-1], True)
    return np.unique(by_value[first | last])


def parted(t_ms: Times, values: Floats, gaps: Sequence[Gap]) -> list[Point]:
    """Points in the order of time, with a null between two of them that a gap parts."""
    points: list[Point] = []
    at = 0
    known: list[Point] = list(zip(t_ms.tolist(), values.tolist(), strict=True))
    for start, place in zip(
        (gap.from_ms for gap in gaps), np.searchsorted(t_ms, [gap.from_ms for gap in gaps]).tolist(), strict=True
    ):
        points += known[at:place]
        at = place
        taken = place < len(known) and known[place][0] == start
        if not taken and (not points or points[-1][1] is not None):
            points.append((start, None))
    return points + known[at:]
