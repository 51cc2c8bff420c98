"""The calendar of coverage: each Beijing day's time adds up, whatever lies before the seal, after it, or unknown."""

from pathlib import Path

import pytest

from server import views
from server.store import Store
from server.tables import CoverageSpan
from server.views.coverage import CoverageCalendar
from tests.server.ingest.plant import START_MS, SteppedClock
from tests.server.stores import a_store
from tests.server.views.county import County

H, DAY_H = 3_600_000, 24
SEAL = "FZ-MH-2026-0001"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A seal from the first day at 06:00 to the third at 12:00, with spans by hours."""
    county = County(a_store(tmp_path), SteppedClock())
    county.seal(1, "示例铸造一厂", from_s=6 * 3_600, until_s=60 * 3_600)
    spans = [
        (0, 20, "proved_off", "metered"),  # begins before the seal
        (20, 22, "proved_off", "register"),
        (22, 30, "unproved", "timeout"),  # over midnight
        (30, 33, "unproved", "busy"),
        (33, 34, "proved_on", "resumed_power"),
        (40, 80, "proved_off", "allowed"),  # ends after the seal
    ]
    with county.store.transaction() as session:
        for from_h, to_h, state, reason in spans:
            session.add(
                CoverageSpan(
                    seal_id=SEAL, from_ms=START_MS + from_h * H, to_ms=START_MS + to_h * H, state=state, reason=reason
                )
            )  # fmt: skip
    return county.store


def calendar(store: Store, from_h: float, to_h: float) -> CoverageCalendar:
    """The seal's calendar between two hours."""
    with store.transaction() as session:
        found = views.coverage_calendar(session, SEAL, START_MS + round(from_h * H), START_MS + round(to_h * H))
    assert found is not None
    return found


def test_each_day_adds_up(store: Store) -> None:
    """Off, closed by the register, on, unproved, outside: five shares a day whose sum is the day."""
    found = calendar(store, 0, 72)
    hours = [
        (day.off_ms / H, day.off_by_register_ms / H, day.on_ms / H, day.unproved_ms / H, day.outside_ms / H)
        for day in found.days
    ]
    assert hours == [(14, 2, 0, 2, 6), (8, 0, 1, 15, 0), (12, 0, 0, 0, 12)]
    assert [day.day_ms for day in found.days] == [START_MS + n * DAY_H * H for n in range(3)]
    assert [sum(day) for day in hours] == [24, 24, 24]
    assert found.total.model_dump() == {
        "off_ms": 34 * H, "off_by_register_ms": 2 * H, "on_ms": H, "unproved_ms": 17 * H,
    }  # fmt: skip


def test_the_longest_unproved_time(store: Store) -> None:
    """Over midnight and over a change of reasons it is one time; its reason is that of the longest part."""
    longest = calendar(store, 0, 72).longest_unproved
    assert longest is not None
    assert (longest.from_ms, longest.to_ms, longest.reason) == (START_MS + 22 * H, START_MS + 33 * H, "timeout")
    assert calendar(store, 41, 48).longest_unproved is None


@pytest.mark.parametrize(("from_h", "to_h", "days"), [(23, 25, 2), (23.5, 24, 1), (24, 48, 1), (0, 0, 0)])
def test_any_time(store: Store, from_h: float, to_h: float, days: int) -> None:
    """A time that begins and ends within days has parts of days, each counted to its border."""
    found = calendar(store, from_h, to_h)
    assert len(found.days) == days
    lasting = sum(d.off_ms + d.off_by_register_ms + d.on_ms + d.unproved_ms + d.outside_ms for d in found.days)
    assert lasting == round((to_h - from_h) * H)


def test_no_such_seal(store: Store) -> None:
    """An unknown number has no calendar."""
    with store.transaction() as session:
        assert views.coverage_calendar(session, "FZ-NONE", START_MS, START_MS + H) is None
