"""How a time is cut where a part of it is drawn finer, and how the parts are one again."""

import pytest

from server.curve import Gap, Trace
from server.views.stretches import joined, parts

M = 60_000

TABLE = [
    (None, [(0, 100 * M)]),
    ((10 * M, 20 * M), [(0, 10 * M - 1), (10 * M, 20 * M - 1), (20 * M, 100 * M)]),
    ((10 * M + 1, 20 * M - 1), [(0, 10 * M - 1), (10 * M, 20 * M - 1), (20 * M, 100 * M)]),
    ((-5 * M, 20 * M), [(0, 20 * M - 1), (20 * M, 100 * M)]),
    ((90 * M, 200 * M), [(0, 90 * M - 1), (90 * M, 100 * M)]),
    ((-5 * M, 200 * M), [(0, 100 * M)]),
    ((200 * M, 300 * M), [(0, 100 * M)]),
    ((20 * M, 10 * M), [(0, 100 * M)]),
]


@pytest.mark.parametrize(("detail", "cut"), TABLE)
def test_parts(detail: tuple[int, int] | None, cut: list[tuple[int, int]]) -> None:
    """At whole minutes, each moment in exactly one part, never beyond the time itself."""
    assert parts(0, 100 * M, detail) == cut


def trace(points: list[tuple[int, float | None]], gaps: list[tuple[int, int, str]], samples: int | None) -> Trace:
    """A part's trace."""
    return Trace(
        period_ms=1_000, samples=samples, bucket_ms=None if samples is not None else M, points=points,
        gaps=[Gap(from_ms=a, to_ms=b, reason=reason, missing_ms=b - a, energy_wh=1.0) for a, b, reason in gaps],
    )  # fmt: skip


def test_a_gap_over_a_cut_is_one() -> None:
    """Halves of one gap are one again; the register over it is not the sum of guesses, so it is not told."""
    one = trace([(0, 5.0), (M, None)], [(M, 2 * M, "busy")], None)
    other = trace([(2 * M, None), (3 * M, 6.0)], [(2 * M, 3 * M, "busy"), (4 * M, 5 * M, "timeout")], 3)
    whole = joined([one, other])
    assert [(g.from_ms, g.to_ms, g.missing_ms, g.energy_wh) for g in whole.gaps] == [
        (M, 3 * M, 2 * M, None), (4 * M, 5 * M, M, 1.0),
    ]  # fmt: skip
    assert (whole.samples, whole.bucket_ms) == (None, M)
    assert [value for _, value in whole.points] == [5.0, None, None, 6.0]
