"""Curves out of minutes: no peak is lost, no gap is drawn over, and a gap knows why it is one."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import minutes
from server.curve import NO_DATA, Gap, Trace
from server.detect.finding import Coverage
from server.meter_rows import Polls
from server.minutes import MINUTE_MS, Minutes
from server.views import curve_minutes
from server.views.curve_minutes import Advance, trace
from server.views.today import CoveragePart
from wire.quantities import Quantity

POWER, ENERGY = Quantity.ACTIVE_POWER_W, Quantity.IMPORT_ENERGY_WH
Said = Sequence[tuple[int, float | str]]


def of(said: Said, count: int, quantity: Quantity = POWER) -> Minutes:
    """The minutes of polls: time in ms and a value, or the reason why there is none."""
    polls = Polls(
        t_ms=np.array([t for t, _ in said], dtype=np.int64),
        values=np.array([np.nan if isinstance(v, str) else v for _, v in said], dtype=np.float64),
        reasons=np.array([v if isinstance(v, str) else "" for _, v in said], dtype=object),
        period_ms=np.full(len(said), 1_000, dtype=np.int64),
    )
    return Minutes(quantity, 0, minutes.of_polls(polls, quantity, 0, count))


def every(first_s: int, last_s: int, value: float | str = 5.0) -> list[tuple[int, float | str]]:
    """A poll each second."""
    return [(second * 1_000, value) for second in range(first_s, last_s)]


def drawn(of_: Minutes, spans: Sequence[CoveragePart] = (), max_points: int = 2_000) -> Trace:
    """All of the minutes as a chart draws them."""
    return trace(of_, of_, 1_000, spans, (0, of_.planes.shape[1] * MINUTE_MS), max_points)


def span(from_s: int, to_s: int, state: Coverage, reason: str) -> CoveragePart:
    """Coverage by seconds."""
    return CoveragePart(from_ms=from_s * 1_000, to_ms=to_s * 1_000, state=state, reason=reason)


def test_smallest_at_the_beginning_largest_at_the_middle() -> None:
    """Two points a bucket where it has two values, one where it has one: the stored ones, nothing between."""
    said = [*every(0, 30, 5.0), *every(30, 60, 9.0), *every(60, 120, 7.0)]
    assert drawn(of(said, 2)).points == [(0, 5.0), (30_000, 9.0), (60_000, 7.0)]


def test_a_peak_of_one_second_survives_a_year() -> None:
    """Among half a million minutes one second of 9 kW is drawn, in the bucket in which it was."""
    planes = minutes.empty(POWER, 525_600)
    planes[:2] = 0.0
    planes[minutes.HIGH, 300_000] = 9_000.0
    seen = drawn(Minutes(POWER, 0, planes))
    assert seen.bucket_ms is not None
    (peak_ms,) = (t for t, watts in seen.points if watts == 9_000.0)
    assert peak_ms - seen.bucket_ms / 2 <= 300_000 * MINUTE_MS < peak_ms + seen.bucket_ms / 2
    assert len(seen.points) <= 2_000


TABLE = {
    "a gap that coverage knows to the second parts the line inside of a minute": (
        [*every(0, 80), *every(100, 240)], [span(80, 100, Coverage.UNPROVED, "timeout")],
        [(80_000, 100_000, "timeout")],
        [(0, 5.0), (60_000, 5.0), (80_000, None), (120_000, 5.0), (180_000, 5.0)],
    ),
    "what the register closed is a gap too, for the reason that its polls gave": (
        [*every(0, 60), *every(60, 180, "busy"), *every(180, 240)], [span(60, 180, Coverage.OFF, "register")],
        [(60_000, 180_000, "busy")],
        [(0, 5.0), (60_000, None), (180_000, 5.0)],
    ),
    "minutes without a value of which coverage says nothing": (
        [*every(0, 60), *every(60, 120, "timeout"), *every(180, 240)], [],
        [(60_000, 120_000, "timeout"), (120_000, 180_000, NO_DATA)],
        [(0, 5.0), (60_000, None), (180_000, 5.0)],
    ),
    "a minute that begins in a gap is drawn from its end on": (
        [*every(0, 20), *every(280, 360)], [span(20, 280, Coverage.UNPROVED, NO_DATA)],
        [(20_000, 280_000, NO_DATA)],
        [(0, 5.0), (20_000, None), (280_000, 5.0), (300_000, 5.0)],
    ),
    "readings that prove nothing are readings": (
        every(0, 180), [span(60, 120, Coverage.UNPROVED, "implausible")], [],
        [(0, 5.0), (60_000, 5.0), (120_000, 5.0)],
    ),
    "nothing at all": ([], [], [(0, 240_000, NO_DATA)], [(0, None)]),
}  # fmt: skip


@pytest.mark.parametrize(("said", "spans", "gaps", "points"), TABLE.values(), ids=TABLE.keys())
def test_gaps(
    said: Said, spans: list[CoveragePart], gaps: list[tuple[int, int, str]], points: list[tuple[int, float | None]]
) -> None:
    """Each way in which time can lack a value is a gap with its reason, and the line is open there."""
    count = max([4, *(-(-(t + 1_000) // MINUTE_MS) for t, _ in said)])
    found = of(said, count)
    seen = trace(found, found, 1_000, spans, (0, max([240_000, *(t + 1_000 for t, _ in said)])), 2_000)
    if not said or said[-1][0] > 200_000:
        assert [(g.from_ms, g.to_ms, g.reason) for g in seen.gaps] == gaps
        assert seen.points == points
    else:
        assert [(g.from_ms, g.to_ms, g.reason) for g in seen.gaps if g.to_ms <= said[-1][0]] == gaps
        assert seen.points[: len(points)] == points


def test_slow_polls_are_no_gaps() -> None:
    """A meter that is read every five minutes leaves minutes empty without anything being missing."""
    said = [(t * MINUTE_MS, 5.0) for t in range(0, 60, 5)]
    for some, gaps in ((said, 0), ([*said[:3], *said[8:]], 1)):
        found = of(some, 60)
        assert len(trace(found, found, 300_000, [], (0, 58 * MINUTE_MS), 2_000).gaps) == gaps


def test_many_short_gaps_in_a_bucket_are_told_as_one() -> None:
    """A meter that is busy one second a minute for a day is no 1,440 bands; what was missing is summed."""
    spans = [span(60 * i + 10, 60 * i + 11, Coverage.UNPROVED, "busy") for i in range(1_440)]
    planes = minutes.empty(POWER, 1_440)
    planes[:2] = 0.0
    seen = drawn(Minutes(POWER, 0, planes), spans, 300)
    (gap,) = seen.gaps
    assert (gap.from_ms, gap.missing_ms, gap.reason) == (10_000, 1_440_000, "busy")


def gap(from_s: float, to_s: float) -> Gap:
    """A gap by seconds."""
    from_ms, to_ms = round(from_s * 1_000), round(to_s * 1_000)
    return Gap(from_ms=from_ms, to_ms=to_ms, reason="timeout", missing_ms=to_ms - from_ms)


def test_the_register_over_a_gap() -> None:
    """The last value before and the first after it, exactly; nothing where minutes cannot tell."""
    said = [(i * 1_000, 1_000.0 + i * 0.125) for i in [*range(100), *range(290, 400)]]
    advance = Advance(of(said, 7, ENERGY))
    assert advance.over(gap(100, 290)) == 190 * 0.125 + 0.125
    assert advance.over(gap(310, 330)) is None  # inside of one minute
    assert advance.over(gap(50, 290)) is None  # some of it was read
    assert advance.over(gap(395, 800)) is None  # nothing after it
    assert Advance(of([], 7, ENERGY)).over(gap(100, 290)) is None


SAID = st.lists(st.one_of(st.floats(0, 1e6), st.just("timeout"), st.just("absent")), min_size=1, max_size=300)


@given(SAID, st.integers(12, 60))
def test_whatever_comes(said: list[float | str], max_points: int) -> None:
    """For any polls: in order, within the limit, the extremes among the points, and never over a gap."""
    samples = [(i * 20_000, value) for i, value in enumerate(said) if value != "absent"]
    found = of(samples, -(-len(said) // 3))
    seen = trace(found, found, 20_000, [], (0, len(said) * 20_000), max_points)
    times = [t for t, _ in seen.points]
    assert times == sorted(times)
    assert len([t for t, value in seen.points if value is not None]) <= max_points
    real = [value for _, value in samples if not isinstance(value, str)]
    shown = [value for _, value in seen.points if value is not None]
    assert set(shown) <= set(real)
    if real:
        assert (min(shown), max(shown)) == (min(real), max(real))
    for one in seen.gaps:
        assert not [t for t, value in seen.points if value is not None and one.from_ms < t < one.to_ms] or (
            one.missing_ms < one.to_ms - one.from_ms
        )


def test_a_registers_gaps_have_the_reasons_of_the_polls() -> None:
    """Why the register was not read stands in the minutes of the draw; its own third plane is no reason."""
    found = of([*every(0, 60, 7.0), *every(240, 300, 7.0)], 5, ENERGY)
    power = of([*every(0, 60, 7.0), *every(60, 120, "busy"), *every(240, 300, 7.0)], 5)
    gaps = curve_minutes.gaps_of(found, power, 1_000, [], (0, 300_000), 0)
    assert [(g.from_ms, g.to_ms, g.reason) for g in gaps] == [(60_000, 120_000, "busy"), (120_000, 240_000, NO_DATA)]
