"""The power curve of a seal: what a chart draws, with its gaps.

A gap is a gap: missing time is null with its reason, never 0 and never joined over. Where there are more samples than
asked for, each bucket of time keeps its smallest and its largest, at their own times: a one-second peak survives a
year's zoom. Nothing is averaged.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from server.detect.energy_in_gap import is_gap
from server.detect.facts import Times
from server.power_rows import PowerRows

NO_DATA = "no_data"
POINTS_MIN = 12

Indices = NDArray[np.intp]


class Gap(BaseModel):
    """Time without a value, and why (a wire.reading.Reason, or "no_data": nothing was observed)."""

    model_config = ConfigDict(extra="forbid")

    from_ms: int
    to_ms: int
    reason: str


class Trace(BaseModel):
    """A furnace's draw over time.

    Attributes:
        period_ms: the nominal time between samples; null where there are none.
        samples: polls in the time, readable or not.
        bucket_ms: width of the buckets of which smallest and largest are kept; null where every sample is here.
        points: event time in ms and |P| in W; null where a gap begins.
        gaps: time without a value.
    """

    model_config = ConfigDict(extra="forbid")

    period_ms: int | None
    samples: int
    bucket_ms: int | None
    points: list[tuple[int, float | None]]
    gaps: list[Gap]


def trace(rows: PowerRows, from_ms: int, to_ms: int, max_points: int) -> Trace:
    """The rows as a chart draws them.

    Args:
        rows: polls between from_ms and to_ms, in the order of time.
        from_ms: start of the time to show.
        to_ms: its end.
        max_points: so many points at most (gaps included), at least POINTS_MIN.
    """
    gaps = _gaps(rows, from_ms, to_ms)
    known = np.flatnonzero(~np.isnan(rows.draw_w))
    bucket_ms = None
    if len(known) + len(gaps) > max_points:
        bucket_ms = max(1, -(-(to_ms - from_ms) // (max_points // 4 - 2)))  # two of a bucket, a null after each
        known = _extremes(rows, known, (rows.t_ms[known] - from_ms) // bucket_ms)
    return Trace(
        period_ms=int(np.median(rows.period_ms)) if len(rows) else None,
        samples=len(rows),
        bucket_ms=bucket_ms,
        points=_points(rows, known, gaps),
        gaps=gaps,
    )


def _gaps(rows: PowerRows, from_ms: int, to_ms: int) -> list[Gap]:
    """Missing rows and runs of unreadable ones, in order; neighbours of one reason are one gap."""
    if not len(rows):
        return [Gap(from_ms=from_ms, to_ms=to_ms, reason=NO_DATA)]
    gaps: list[Gap] = []
    first, period_ms = int(rows.t_ms[0]), int(rows.period_ms[0])
    if is_gap(from_ms, first, period_ms):
        _add(gaps, from_ms, first, NO_DATA)
    following = np.append(rows.t_ms[1:], max(to_ms, int(rows.t_ms[-1])))
    missing = _missing(rows.t_ms, following, rows.period_ms)
    for i in np.flatnonzero(missing | np.isnan(rows.draw_w)):
        t_ms, next_ms = int(rows.t_ms[i]), int(following[i])
        spoken_ms = t_ms + int(rows.period_ms[i]) if missing[i] else next_ms
        if np.isnan(rows.draw_w[i]):
            _add(gaps, t_ms, spoken_ms, str(rows.reasons[i]))
        if missing[i]:
            _add(gaps, spoken_ms, next_ms, NO_DATA)
    return gaps


def _missing(t_ms: Times, following_ms: Times, period_ms: Times) -> NDArray[np.bool_]:
    """Whether nothing was observed between each row and the next: coverage's own rule."""
    return np.array([is_gap(*each) for each in zip(t_ms, following_ms, period_ms, strict=True)], dtype=bool)


def _add(gaps: list[Gap], from_ms: int, to_ms: int, reason: str) -> None:
    if to_ms <= from_ms:
        return
    if gaps and gaps[-1].reason == reason and gaps[-1].to_ms == from_ms:
        gaps[-1].to_ms = to_ms
    else:
        gaps.append(Gap(from_ms=from_ms, to_ms=to_ms, reason=reason))


def _extremes(rows: PowerRows, known: Indices, bucket: Times) -> Indices:
    """The rows with the smallest and the largest draw of each bucket, in the order of time."""
    by_draw = known[np.lexsort((rows.draw_w[known], bucket))]
    buckets = bucket[np.searchsorted(known, by_draw)]
    first = np.append(True, buckets[1:] != buckets[:-1])
    last = np.append(buckets[1:] != buckets[:-1], True)
    return np.unique(by_draw[first | last])


def _points(rows: PowerRows, chosen: Indices, gaps: Sequence[Gap]) -> list[tuple[int, float | None]]:
    """The chosen rows, with a null between two of them that a gap parts."""
    starts = np.array([gap.from_ms for gap in gaps], dtype=np.int64)
    points: list[tuple[int, float | None]] = []
    last_ms = -1
    for t_ms, draw_w in zip(rows.t_ms[chosen].tolist(), rows.draw_w[chosen].tolist(), strict=True):
        at = int(np.searchsorted(starts, last_ms, side="right"))
        if at < len(starts) and starts[at] < t_ms:
            points.append((int(starts[at]), None))
        points.append((t_ms, draw_w))
        last_ms = t_ms
    at = int(np.searchsorted(starts, last_ms, side="right"))
    if at < len(starts):
        points.append((int(starts[at]), None))
    return points
