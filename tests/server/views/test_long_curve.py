"""Curves out of a real store, short and long: every figure is one of a stored row, and the finer part is finer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session

from server import rollup, views
from server.views import Curve, curves
from server.views.curves import Material
from tests.server.ingest.plant import SteppedClock
from tests.server.stores import a_store
from tests.server.views import melts
from tests.server.views.county import County
from tests.server.views.melts import at

SEAL = "FZ-MH-2026-0001"
HOUR_S = 3_600
PEAK_S, RESUMED_S = 5_000, 10_000
BUSY_S, LOST_S = (7_000, 7_100), (8_400, 8_700)
END_S = 3 * HOUR_S


def draw(second: int) -> float | None:
    """Off but for a peak of one second, a stretch unanswered, and a melt at the end."""
    if BUSY_S[0] <= second < BUSY_S[1]:
        return None
    return 9_000.0 if second == PEAK_S else 326_000.0 + second % 11 if second >= RESUMED_S else 0.0


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    """Three hours of a furnace with its water; five minutes of it were never sent; two hours are in minutes."""
    made = County(a_store(Path(tmp_path_factory.mktemp("curves"))), SteppedClock())
    furnished = made.seal(1, "示例铸造一厂")
    melts.add_water(made, furnished)
    melts.minutes(made, furnished, 0, LOST_S[0], draw)
    melts.minutes(made, furnished, LOST_S[1], END_S, draw)
    with made.store.transaction() as session:
        rollup.roll(session, 120)
    yield made
    made.store.close()


def curve(session: Session, from_s: int, to_s: int, detail: tuple[int, int] | None = None) -> Curve:
    """The seal's curve between two seconds."""
    finer = None if detail is None else (at(detail[0]), at(detail[1]))
    found = curves.material(session, SEAL, at(from_s), at(to_s), finer)
    assert isinstance(found, Material)
    return curves.draw(found, 2_000)


def known(curve_: Curve) -> list[tuple[int, float]]:
    """The points that have a value."""
    return [(t, value) for t, value in curve_.points if value is not None]


def test_two_hours_are_single_polls(county: County) -> None:
    """Up to two hours every poll is there at its own time, with the envelope that holds it."""
    with county.store.transaction() as session:
        seen = curve(session, 4_800, 5_400)
    assert seen.bucket_ms is None
    assert known(seen) == [(at(s), draw(s)) for s in range(4_800, 5_401)]
    source = next(one for one in seen.sources if one.first_ms <= at(PEAK_S) <= one.last_ms)
    assert (source.agent_id, source.seq) == ("a1", PEAK_S // 60 + 1)


def test_a_long_time_is_minutes(county: County) -> None:
    """Beyond two hours each minute's extremes are drawn: the peak of a second, the melt, and no value of our own."""
    with county.store.transaction() as session:
        seen = curve(session, 0, END_S)
    assert (seen.bucket_ms, seen.samples, seen.sources) == (60_000, None, [])
    values = {value for _, value in known(seen)}
    assert values <= {draw(second) for second in range(END_S)}
    assert max(values) == 326_010.0
    assert (at(PEAK_S - PEAK_S % 60) + 30_000, 9_000.0) in seen.points


def test_gaps_of_a_long_time(county: County) -> None:
    """Unanswered polls and minutes that never came are null with their reason, and with what the register says."""
    with county.store.transaction() as session:
        long, short = curve(session, 0, END_S), curve(session, 6_900, 9_000)
    told = [(g.from_ms, g.to_ms, g.reason) for g in short.gaps]
    assert told == [
        (at(BUSY_S[0]), at(BUSY_S[1]), "timeout"), (at(LOST_S[0]), at(LOST_S[1]), "no_data"),
    ]  # fmt: skip
    for gap, (first_s, last_s) in zip(long.gaps, (BUSY_S, LOST_S), strict=True):
        assert abs(gap.from_ms - at(first_s)) <= 2_000  # coverage counts from the poll before
        assert abs(gap.to_ms - at(last_s)) <= 2_000
        assert gap.energy_wh == 0.0
        assert [value for t, value in long.points if gap.from_ms <= t < gap.to_ms] == [None]
    assert [g.reason for g in long.gaps] == ["timeout", "no_data"]


def test_water_and_frequency(county: County) -> None:
    """The flow is its own meter's, the frequency the furnace's; a quantity that nothing gives has no line."""
    with county.store.transaction() as session:
        for seen in (curve(session, 0, END_S), curve(session, 4_800, 5_400)):
            water, frequency = seen.lines
            assert (water.quantity, water.meter) == ("water_flow_m3_h", "w1")
            assert {value for _, value in water.points} - {None} == {10.5}
            assert (frequency.quantity, frequency.meter) == ("frequency_hz", "m1")
            assert {value for _, value in frequency.points} - {None} <= {50.0 + n / 1000 for n in range(7)}


def test_the_finer_part(county: County) -> None:
    """A part of a long time is drawn poll by poll, the rest of it as minutes, without a seam in time."""
    with county.store.transaction() as session:
        seen = curve(session, 0, END_S, (4_990, 5_290))
    assert (seen.detail_from_ms, seen.detail_to_ms) == (at(4_980), at(5_340) - 1)
    inside = [(t, value) for t, value in known(seen) if at(4_980) <= t < at(5_340)]
    assert inside == [(at(s), draw(s)) for s in range(4_980, 5_340)]
    times = [t for t, _ in seen.points]
    assert times == sorted(times)
    assert times[0] == at(0)
    assert known(seen)[-1][0] > at(END_S - 60)
    assert [g.reason for g in seen.gaps] == ["timeout", "no_data"]
    assert {s.seq for s in seen.sources} >= set(range(4_980 // 60 + 1, 5_340 // 60 + 1))


def test_the_newest_values(county: County) -> None:
    """The newest value of each quantity with the envelope that holds it; none where it lies outside of the time."""
    with county.store.transaction() as session:
        now, before = curve(session, END_S - 600, END_S), curve(session, 0, 600)
    assert before.live == []
    told = {one.quantity: (one.value, one.t_ms, one.seq) for one in now.live}
    last_s, seq = END_S - 1, (END_S - (LOST_S[1] - LOST_S[0])) // 60
    assert told == {
        "active_power_w": (draw(last_s), at(last_s), seq),
        "water_flow_m3_h": (10.5, at(last_s), seq),
        "frequency_hz": (50.0 + last_s % 7 / 1000, at(last_s), seq),
    }


def test_another_county_sees_nothing(county: County) -> None:
    """For whoever sees other counties there is no such seal."""
    elsewhere = frozenset({"350102"})
    with county.store.transaction() as session:
        assert curves.material(session, SEAL, at(0), at(60), counties=elsewhere) is None
        assert curves.material(session, SEAL, at(0), at(60), counties=frozenset({"350121"})) is not None
        assert views.coverage_calendar(session, SEAL, at(0), at(60), elsewhere) is None


def test_the_register_of_a_long_time(county: County) -> None:
    """The register's first and last value, its changes, its advance over each gap, and what violations stored."""
    with county.store.transaction() as session:
        seen = views.register_curve(session, SEAL, at(0), at(END_S))
        assert views.register_curve(session, "FZ-MH-2026-9999", at(0), at(END_S)) is None
        (row,) = views.violation_rows(session)
    assert seen is not None
    assert seen.first is not None
    assert seen.last is not None
    assert (seen.first.energy_wh, seen.last.t_ms) == (500_000.0, at(END_S - 1))
    melted_wh = sum(draw(s) or 0.0 for s in range(RESUMED_S, END_S)) / 3600
    assert seen.last.energy_wh == pytest.approx(500_000.0 + 9_000 / 3600 + melted_wh, abs=0.01)
    assert [(g.reason, g.energy_wh) for g in seen.gaps] == [("timeout", 0.0), ("no_data", 0.0)]
    values = [value for _, value in seen.points if value is not None]
    assert values == sorted(values)
    assert len(values) < 30  # an hour without change is two points
    assert [(m.violation_id, m.code) for m in seen.marks] == [(row.id, "resumed_power")]
