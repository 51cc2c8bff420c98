"""Minutes: a peak of one poll is never lost, and merging in any order, any number of times, gives the same."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import minutes
from server.detect.facts import Floats
from server.meter_rows import Polls
from server.minutes import DAY_MINUTES, HIGH, LAST, LAST_AT, LOW, MINUTE_MS, PLANES, WHY, WHY_PLANE
from wire.quantities import Quantity
from wire.reading import Reason

POWER, ENERGY = Quantity.ACTIVE_POWER_W, Quantity.IMPORT_ENERGY_WH

Said = float | str


def polls(said: Sequence[tuple[int, Said]]) -> Polls:
    """Polls: time in ms and a value, or the reason why there is none."""
    return Polls(
        t_ms=np.array([t for t, _ in said], dtype=np.int64),
        values=np.array([np.nan if isinstance(v, str) else v for _, v in said], dtype=np.float64),
        reasons=np.array([v if isinstance(v, str) else "" for _, v in said], dtype=object),
        period_ms=np.full(len(said), 1_000, dtype=np.int64),
    )


def test_smallest_largest_and_why() -> None:
    """A minute keeps its extremes and why a poll of it failed; a minute without a value is NaN, never 0."""
    said: list[tuple[int, Said]] = [
        (0, 5.0),
        (30_000, 9.0),
        (59_999, "busy"),
        (60_000, "timeout"),
        (60_001, "busy"),
        (180_000, 0.0),
    ]
    planes = minutes.of_polls(polls(said), POWER, 0, 4)
    nan = float("nan")
    np.testing.assert_array_equal(planes[LOW], [5.0, nan, nan, 0.0])
    np.testing.assert_array_equal(planes[HIGH], [9.0, nan, nan, 0.0])
    assert [None if np.isnan(place) else WHY[int(place)].value for place in planes[WHY_PLANE]] == [
        "busy", "timeout", None, None,
    ]  # fmt: skip


def test_energy_keeps_its_last_value_exactly() -> None:
    """The last value of a minute is the one read last, to the last bit, also when it fell and when it came first."""
    early, late = polls([(1_000, 1e9 + 0.001)]), polls([(2_000, 123.456789)])
    one, other = (minutes.of_polls(p, ENERGY, 0, 1) for p in (early, late))
    for merged in (minutes.merge(one, other, ENERGY), minutes.merge(other, one, ENERGY)):
        assert merged[:, 0].tolist() == [123.456789, 1e9 + 0.001, 123.456789, 2_000.0]


def test_a_reason_keeps_its_place() -> None:
    """Every reason of the wire has its place in the stored list, and the places that are stored stay."""
    assert set(WHY) == set(Reason)
    assert [r.value for r in WHY[:3]] == ["timeout", "disconnected", "busy"]


@pytest.mark.parametrize("quantity", list(PLANES))
def test_a_day_comes_back_as_it_was_stored(quantity: Quantity) -> None:
    """Packing loses nothing, and a day of one value takes few bytes."""
    planes = minutes.empty(quantity, DAY_MINUTES)
    planes[:, 3:900] = np.float64(0.1) + 0.2
    np.testing.assert_array_equal(minutes.unpack(minutes.pack(planes), quantity), planes)
    assert len(minutes.pack(minutes.empty(quantity, DAY_MINUTES))) < 1_000


SAID = st.lists(
    st.tuples(st.integers(0, 10 * MINUTE_MS - 1), st.one_of(st.floats(0, 1e9), st.sampled_from(["busy", "timeout"]))),
    max_size=40,
    unique_by=lambda one: one[0],
)


def planes_of(said: Sequence[tuple[int, Said]], quantity: Quantity) -> Floats:
    """The ten minutes of some polls."""
    return minutes.of_polls(polls(sorted(said)), quantity, 0, 10)


@given(SAID, st.integers(0, 40), st.sampled_from([POWER, ENERGY]), st.integers(0, 9), st.integers(1, 10))
def test_whatever_the_order(
    said: list[tuple[int, Said]], cut: int, quantity: Quantity, first: int, length: int
) -> None:
    """In two parts, in either order, one of them twice: as all at once; and any window has the extremes of its polls."""
    whole = planes_of(said, quantity)
    one, other = planes_of(said[:cut], quantity), planes_of(said[cut:], quantity)
    for parts in ((one, other), (other, one), (one, other, one)):
        merged = minutes.empty(quantity, 10)
        for part in parts:
            merged = minutes.merge(merged, part, quantity)
        np.testing.assert_array_equal(merged, whole)
    window = slice(first, first + length)
    inside = [v for t, v in said if first <= t // MINUTE_MS < first + length and not isinstance(v, str)]
    assert np.fmin.reduce(whole[LOW, window]) == min(inside, default=np.nan) or not inside
    assert np.fmax.reduce(whole[HIGH, window]) == max(inside, default=np.nan) or not inside
    assert inside or np.all(np.isnan(whole[LOW, window]))
    if quantity is ENERGY and inside:
        last = max((t, v) for t, v in said if t // MINUTE_MS < first + length and not isinstance(v, str))
        told = zip(whole[LAST_AT], whole[LAST], strict=True)
        assert last in {(i * MINUTE_MS + int(at), v) for i, (at, v) in enumerate(told) if not np.isnan(at)}
