"""The trace of a curve: gaps stay gaps, peaks stay peaks, and no more points than asked for."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.curve import NO_DATA, POINTS_MIN, trace
from server.meter_rows import Polls

NAN = float("nan")


def rows(samples: Sequence[tuple[int, float | str]], period_ms: int = 1_000) -> Polls:
    """Polls: time in ms and W, or the reason why there is none."""
    return Polls(
        t_ms=np.array([t for t, _ in samples], dtype=np.int64),
        values=np.array([NAN if isinstance(w, str) else w for _, w in samples], dtype=np.float64),
        reasons=np.array([w if isinstance(w, str) else "" for _, w in samples], dtype=object),
        period_ms=np.full(len(samples), period_ms, dtype=np.int64),
    )


TABLE = {
    "every sample": ([(0, 1.0), (1000, 2.0)], 2000, [(0, 1.0), (1000, 2.0)], []),
    "zero is what the meter said": ([(0, 0.0), (1000, 0.0)], 2000, [(0, 0.0), (1000, 0.0)], []),
    "one unanswered poll": (
        [(0, 5.0), (1000, "timeout"), (2000, 6.0)],
        2000,
        [(0, 5.0), (1000, None), (2000, 6.0)],
        [(1000, 2000, "timeout")],
    ),
    "a run of one reason is one gap, another reason another": (
        [(0, 5.0), (1000, "busy"), (2000, "busy"), (3000, "timeout"), (4000, 6.0)],
        4000,
        [(0, 5.0), (1000, None), (4000, 6.0)],
        [(1000, 3000, "busy"), (3000, 4000, "timeout")],
    ),
    "a run of one reason in which rows are missing is three gaps": (
        [(0, 5.0), (1000, "busy"), (2000, "busy"), (9000, "busy"), (10000, "busy"), (11000, 6.0)],
        11000,
        [(0, 5.0), (1000, None), (11000, 6.0)],
        [(1000, 3000, "busy"), (3000, 9000, NO_DATA), (9000, 11000, "busy")],
    ),
    "missing rows: the last one speaks for its period": (
        [(0, 5.0), (9000, 6.0)],
        9000,
        [(0, 5.0), (1000, None), (9000, 6.0)],
        [(1000, 9000, NO_DATA)],
    ),
    "two periods are not yet a gap": ([(0, 5.0), (2500, 6.0)], 2500, [(0, 5.0), (2500, 6.0)], []),
    "nothing before the first and after the last row": (
        [(5000, 5.0)],
        20000,
        [(0, None), (5000, 5.0), (6000, None)],
        [(0, 5000, NO_DATA), (6000, 20000, NO_DATA)],
    ),
    "unanswered, then missing": (
        [(0, 5.0), (1000, "timeout"), (9000, 6.0)],
        9000,
        [(0, 5.0), (1000, None), (9000, 6.0)],
        [(1000, 2000, "timeout"), (2000, 9000, NO_DATA)],
    ),
    "nothing at all": ([], 9000, [(0, None)], [(0, 9000, NO_DATA)]),
}


@pytest.mark.parametrize(("samples", "to_ms", "points", "gaps"), TABLE.values(), ids=TABLE.keys())
def test_gaps_are_null_with_their_reason(
    samples: list[tuple[int, float | str]],
    to_ms: int,
    points: list[tuple[int, float | None]],
    gaps: list[tuple[int, int, str]],
) -> None:
    """Each way in which a value can be missing is a null and a gap with its reason, never a 0 and never a line."""
    drawn = trace(rows(samples), 0, to_ms, 1_000)
    assert drawn.points == points
    assert [(g.from_ms, g.to_ms, g.reason) for g in drawn.gaps] == gaps
    assert drawn.bucket_ms is None
    assert drawn.samples == len(samples)


def test_a_peak_of_one_sample_survives() -> None:
    """Among 86,400 quiet samples one peak and one dip are kept at their own times."""
    samples: list[tuple[int, float | str]] = [(t * 1000, 100.0) for t in range(86_400)]
    samples[40_000], samples[70_000] = (40_000_000, 9_000.0), (70_000_000, 0.0)
    drawn = trace(rows(samples), 0, 86_400_000, 500)
    assert (40_000_000, 9_000.0) in drawn.points
    assert (70_000_000, 0.0) in drawn.points
    assert len(drawn.points) <= 500
    assert drawn.bucket_ms is not None


def test_thinning_does_not_join_over_a_gap() -> None:
    """A gap that is shorter than a bucket still parts the line."""
    samples: list[tuple[int, float | str]] = [(t * 1000, 100.0) for t in range(10_000) if not 5_000 <= t < 5_020]
    drawn = trace(rows(samples), 0, 10_000_000, 100)
    at = [t for t, watts in drawn.points if watts is None]
    assert at == [5_000_000]
    assert [(g.from_ms, g.to_ms) for g in drawn.gaps] == [(5_000_000, 5_020_000)]


@given(
    st.lists(st.one_of(st.floats(0, 1e6), st.just("timeout"), st.just("absent")), min_size=1, max_size=400),
    st.integers(POINTS_MIN, 60),
)
def test_whatever_comes(said: list[float | str], max_points: int) -> None:
    """For any polls: real samples only, in order, the extremes among them, a null in each gap, within the limit."""
    samples = [(i * 1000, w) for i, w in enumerate(said) if w != "absent"]
    to_ms = len(said) * 1000
    drawn = trace(rows(samples), 0, to_ms, max_points)
    times = [t for t, _ in drawn.points]
    assert times == sorted(times)
    assert len(drawn.points) <= max(max_points, 1)
    real = {t: w for t, w in samples if not isinstance(w, str)}
    shown = {t: w for t, w in drawn.points if w is not None}
    assert shown.items() <= real.items()
    if real:
        assert max(shown.values()) == max(real.values())
        assert min(shown.values()) == min(real.values())
    for earlier, later in zip(sorted(shown), sorted(shown)[1:], strict=False):
        parted = any(earlier < t < later for t, w in drawn.points if w is None)
        assert parted == any(earlier < gap.from_ms < later for gap in drawn.gaps)
