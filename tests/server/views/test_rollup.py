"""Minutes in the store: restart, repetition and lateness change nothing, and a curve is the same with and without them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from server import minutes, rollup
from server.meter_rows import of_raws
from server.minutes import DAY_MINUTES, HIGH, LOW, PLANES
from server.store import Store
from server.tables import Envelope, MeterDay, RolledUp
from tests.server.ingest.plant import START_MS, SteppedClock, reading
from tests.server.stores import a_store
from tests.server.views import melts
from tests.server.views.county import County, Furnished
from wire.quantities import Quantity
from wire.reading import Reason

POWER, ENERGY = Quantity.ACTIVE_POWER_W, Quantity.IMPORT_ENERGY_WH
DAY_S = 86_400


def county(folder: Path) -> tuple[County, Furnished]:
    """One seal with a water meter, ten minutes, a peak of one second, a poll unanswered."""
    made = County(a_store(folder), SteppedClock())
    furnished = made.seal(1, "示例铸造一厂")
    melts.add_water(made, furnished)
    melts.minutes(made, furnished, 0, 600, draw)
    return made, furnished


def draw(second: int) -> float | None:
    """Nothing but a peak and a poll that is not answered."""
    return 9_000.0 if second == 123 else None if second == 200 else 0.0


def rolled(store: Store, at_once: int) -> int:
    """Roll until nothing waits, in transactions of so many envelopes."""
    done = 0
    while True:
        with store.transaction() as session:
            part = rollup.roll(session, at_once)
        done += part
        if not part:
            return done


def days(store: Store) -> dict[tuple[str, str, int], np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """What is stored."""
    with store.transaction() as session:
        return {
            (row.meter, row.quantity, row.day_ms): minutes.unpack(row.block, Quantity(row.quantity))
            for row in session.exec(select(MeterDay))
        }


def test_what_is_read_has_minutes(tmp_path: Path) -> None:
    """Power, frequency, register and flow, each of its own meter; a peak of a second and the reason of a silence in it."""
    made, _ = county(tmp_path)
    assert rolled(made.store, 4) == 10
    found = days(made.store)
    assert {(meter, quantity) for meter, quantity, _ in found} == {
        ("m1", "active_power_w"), ("m1", "frequency_hz"), ("m1", "import_energy_wh"), ("w1", "water_flow_m3_h"),
    }  # fmt: skip
    power = found["m1", POWER.value, START_MS]
    assert (power[LOW, 2], power[HIGH, 2], power[HIGH, 1]) == (0.0, 9_000.0, 0.0)
    assert minutes.WHY[int(power[minutes.WHY_PLANE, 3])] is Reason.TIMEOUT
    assert np.isnan(power[LOW, 10:]).all()


def test_the_same_however_it_comes(tmp_path: Path) -> None:
    """In one slice, in many, over a restart, and once more from the beginning: the same blocks."""
    made, _ = county(tmp_path)
    rolled(made.store, 100)
    whole = days(made.store)
    for at_once, forget in ((1, True), (3, True), (7, False)):
        with made.store.transaction() as session:
            for row in session.exec(select(MeterDay)).all() if forget else ():
                session.delete(row)
            session.delete(session.exec(select(RolledUp)).one())
        made.store.close()
        made.store = a_store(tmp_path)
        rolled(made.store, at_once)
        again = days(made.store)
        assert again.keys() == whole.keys()
        for key, planes in whole.items():
            np.testing.assert_array_equal(again[key], planes)


def test_nothing_waits_twice(tmp_path: Path) -> None:
    """What is in is not taken again; what comes later is, also when it is of an earlier time or another day."""
    made, furnished = county(tmp_path)
    assert rolled(made.store, 4) == 10
    with made.store.transaction() as session:
        assert rollup.roll(session, 4) == 0
    made.take(furnished.agent.envelope([reading(30.5, 77_000.0), reading(-3_600, 5.0), reading(DAY_S + 1, 6.0)]))
    assert rolled(made.store, 4) == 1
    found = days(made.store)
    assert found["m1", POWER.value, START_MS][HIGH, 0] == 77_000.0
    assert found["m1", POWER.value, START_MS - DAY_S * 1000][LOW, DAY_MINUTES - 60] == 5.0
    assert found["m1", POWER.value, START_MS + DAY_S * 1000][LOW, 0] == 6.0


def test_a_clock_that_wanders_over_months_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An envelope of rows in a hundred days makes no hundred blocks; it is said, and what follows is taken."""
    made, furnished = county(tmp_path)
    made.take(furnished.agent.envelope([reading(-day * DAY_S, 1.0) for day in range(100, 0, -1)]))
    assert rolled(made.store, 40) == 11
    assert {day_ms for _, _, day_ms in days(made.store)} == {START_MS}
    assert "its rows lie in 100 days; in no minutes" in caplog.text


@pytest.mark.parametrize("upto", [0, 4, 10])
def test_minutes_and_tail_are_one(tmp_path: Path, upto: int) -> None:
    """Rolled up or not, or half: the minutes that a curve reads are the same, and they are those of the raw rows."""
    made, _ = county(tmp_path)
    with made.store.transaction() as session:
        if upto:
            rollup.roll(session, upto)
    with made.store.transaction() as session:
        stored = rollup.read(session, "a1", {"m1": list(PLANES)}, START_MS, START_MS + 600_000, 100)
        raws = session.exec(select(Envelope.raw).order_by(Envelope.seq)).all()  # type: ignore[arg-type]  # a column
    for quantity in (POWER, ENERGY, Quantity.FREQUENCY_HZ):
        polls = of_raws(raws, "m1", quantity, START_MS, START_MS + 600_000)
        planes = minutes.of_polls(polls, quantity, START_MS, 10)
        np.testing.assert_array_equal(stored.minutes("m1", quantity, START_MS, START_MS + 600_000).planes, planes)


WINDOWS = st.tuples(st.integers(-90, 1_500), st.integers(1, 1_500))


@pytest.fixture
def over_midnight(tmp_path: Path) -> tuple[Store, rollup.Stored, dict[int, float]]:
    """Rows around a midnight with gaps, rolled up to the middle of them; what is stored, and W by time in ms."""
    made = County(a_store(tmp_path), SteppedClock())
    furnished = made.seal(1, "示例铸造一厂")
    known: dict[int, float] = {}

    def watts(second: int) -> float:
        value = float((second * 7_919) % 1_000) + (5_000.0 if second % 977 == 0 else 0.0)
        known[melts.at(second)] = value
        return value

    for start in range(DAY_S - 3_600, DAY_S + 3_600, 600):
        made.feed(furnished, start, start + 480, watts)
    with made.store.transaction() as session:
        rollup.roll(session, 50)
    with made.store.transaction() as session:
        stored = rollup.read(session, "a1", {"m1": [POWER]}, START_MS, START_MS + 3 * DAY_S * 1000, 1_000)
    return made.store, stored, known


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(WINDOWS)
def test_any_window(over_midnight: tuple[Store, rollup.Stored, dict[int, float]], window: tuple[int, int]) -> None:
    """For any whole minutes, the smallest and largest of blocks and tail are those of the raw rows inside."""
    _, stored, known = over_midnight
    from_ms = melts.at(DAY_S + window[0] * 60 - 3_600)
    to_ms = from_ms + window[1] * 60_000
    planes = stored.minutes("m1", POWER, from_ms, to_ms).planes
    inside = [value for t, value in known.items() if from_ms <= t < to_ms]
    if not inside:
        assert np.isnan(planes[LOW]).all()
        return
    assert (np.nanmin(planes[LOW]), np.nanmax(planes[HIGH])) == (min(inside), max(inside))
