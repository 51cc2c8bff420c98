"""The table of readings: every poll of a day, every minute of more, nothing made up, nothing that a spreadsheet runs."""

import csv
import io
from pathlib import Path

import pytest

from server import curve_csv, rollup
from server.store import Store
from server.tables import Meter
from server.views.curves import meters_of
from tests.server.ingest.plant import SteppedClock
from tests.server.stores import a_store
from tests.server.views import melts
from tests.server.views.county import County
from tests.server.views.melts import at
from wire.clock import iso

DAY_S = 86_400


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Ten minutes with water, of which one was never sent and half a minute not answered."""
    county = County(a_store(tmp_path), SteppedClock())
    furnished = county.seal(1, "示例铸造一厂")
    melts.add_water(county, furnished)
    for start in range(0, 600, 60):
        if start != 240:
            melts.minutes(county, furnished, start, start + 60, lambda s: None if 90 <= s < 120 else 1_234.5)
    return county.store


def table(store: Store, from_ms: int, to_ms: int) -> list[dict[str, str]]:
    """The rows of the table between two times."""
    with store.transaction() as session:
        meters = list(meters_of(session, "FZ-MH-2026-0001").values())
    text = "".join(curve_csv.lines(store, meters, from_ms, to_ms))
    assert text.startswith("\ufefft,meter,")
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_every_poll_of_a_day(store: Store) -> None:
    """Each meter's polls with their envelope; unanswered ones and the time between empty, each with its reason."""
    rows = [row for row in table(store, at(0), at(599)) if row["meter"] == "m1"]
    told = {row["t"]: row for row in rows}
    assert len(rows) == 541  # nine minutes and a line for the one that never came
    first = told[iso(at(0))]
    assert (first["power_kW"], first["frequency_Hz"], first["water_flow_m3_h"], first["reason"]) == (
        "1.2345", "50", "", "",
    )  # fmt: skip
    assert (told[iso(at(95))]["power_kW"], told[iso(at(95))]["reason"]) == ("", "timeout")
    missing = told[iso(at(240))]
    assert (missing["power_kW"], missing["reason"], missing["envelope_seq"]) == ("", "no_data", "")
    assert told[iso(at(300))]["envelope_seq"] == "5"
    water = [row for row in table(store, at(0), at(599)) if row["meter"] == "w1"]
    assert {row["water_flow_m3_h"] for row in water} == {"10.5", ""}


def test_what_never_came_is_one_line(store: Store) -> None:
    """Before the first and after the last reading one line each says that nothing was observed."""
    rows = table(store, at(-600), at(1_200))
    assert [(row["t"], row["reason"]) for row in rows if row["reason"] == "no_data" and row["meter"] == "m1"] == [
        (iso(at(-600)), "no_data"), (iso(at(240)), "no_data"), (iso(at(600)), "no_data"),
    ]  # fmt: skip
    assert [row["reason"] for row in table(store, at(-900), at(-600))] == ["no_data", "no_data"]


def test_every_minute_of_more(store: Store) -> None:
    """Beyond a day each minute has its smallest and largest, rolled up or not; an empty one its reason."""
    before = table(store, at(-DAY_S), at(900))
    with store.transaction() as session:
        rollup.roll(session, 5)
    rows = table(store, at(-DAY_S), at(900))
    assert rows == before
    told = {row["t"]: row for row in rows if row["meter"] == "m1"}
    assert len(told) == 1_440 + 15
    first, missing = told[iso(at(60))], told[iso(at(240))]
    assert (first["power_min_kW"], first["power_max_kW"], first["reason"]) == ("1.2345", "1.2345", "timeout")
    assert first["frequency_max_Hz"] == "50.006"
    assert (missing["power_min_kW"], missing["import_energy_last_kWh"], missing["reason"]) == ("", "", "no_data")


@pytest.mark.parametrize(
    ("text", "written"), [("=1+1", "'=1+1"), ("+1", "'+1"), ("-1", "'-1"), ("@x", "'@x"), ("\tx", "'\tx"), ("m1", "m1")]
)
def test_no_formula(text: str, written: str) -> None:
    """A name that a spreadsheet would run as a formula is told to be text."""
    assert curve_csv.safe(text) == written


def test_a_meter_with_a_formula_for_a_name(tmp_path: Path) -> None:
    """Names of meters and agents pass through that guard."""
    meter = Meter(seal_id="S", agent_id="@a", name="=m", role="furnace", profile="eastron_sdm630")
    (head, line) = "".join(curve_csv.lines(a_store(tmp_path), [meter], at(0), at(60))).splitlines()
    assert head.endswith("reason,agent,envelope_seq")
    assert line == f"{iso(at(0))},'=m,,,,,no_data,'@a,"


def test_the_files_name() -> None:
    """It has nothing in it but letters, digits and what parts them, whatever the seal is called."""
    assert curve_csv.file_name('封"存/1', at(0), at(60)) == "coldseal__1_20260301T000000_20260301T000100.csv"
