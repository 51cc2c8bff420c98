"""A seal's page out of the registry and the envelopes: what is not registered is said to be missing, never invented."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session, select

from server.tables import Enterprise, Envelope, Furnace, MaintenanceWindow, Meter, Pledge, Seal
from server.views.dossier import Dossier, SealStep, days_between, dossier
from server.views.instruments import first_row_ms, make
from tests.server.ingest.plant import START_MS, SteppedClock
from tests.server.stores import a_store
from tests.server.views.county import DAY_S, County

SEAL, UNHEARD = "FZ-MH-2026-0001", "FZ-MH-2026-0002"
NOW_S = 600


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    """One seal that drew twice and was heard from 00:01 on; one of which nothing ever came."""
    store = a_store(tmp_path)
    made = County(store, SteppedClock())
    made.feed(made.seal(1, "示例铸造一厂"), 60, 540, lambda s: 200_000.0 if 120 <= s < 180 or s >= 300 else 0.0)
    made.seal(2, "示例铸造二厂")
    made.clock.now_ms = START_MS + NOW_S * 1000
    yield made
    store.close()


def opened(county: County, seal_id: str = SEAL, now_s: int = NOW_S) -> Dossier:
    """A seal's dossier at a second of the day."""
    with county.store.transaction() as session:
        found = dossier(session, seal_id, START_MS + now_s * 1000)
    assert found is not None
    return found


def steps(found: Dossier) -> dict[str, SealStep]:
    """Its steps by name."""
    return {step.what: step for step in found.steps}


def test_an_unknown_seal_is_none(county: County) -> None:
    """No number, no page."""
    with county.store.transaction() as session:
        assert dossier(session, "FZ-MH-2026-9999", START_MS) is None


def test_steps_so_far(county: County) -> None:
    """Sealed, pledged, heard of from the first row on; day two; what the registry lacks is not done."""
    told = steps(opened(county))
    assert list(told) == ["sealed", "paper", "pledge", "published", "monitored", "today", "dismantle"]
    assert (told["sealed"].at_ms, told["sealed"].done) == (START_MS - DAY_S * 1000, True)
    assert (told["paper"].number, told["paper"].done) == (0, False)
    assert (told["pledge"].number, told["pledge"].text, told["pledge"].done) == (0.0, "张三", True)
    assert (told["published"].text, told["published"].done) == ("", False)
    assert (told["monitored"].at_ms, told["monitored"].done) == (START_MS + 60_000, True)
    assert (told["today"].number, told["today"].done) == (2, False)
    assert (told["dismantle"].number, told["dismantle"].done) == (104, False)


def test_steps_of_a_seal_that_is_fully_registered_and_over(county: County) -> None:
    """Paper seals, publication and an end show up; the days stop counting at the end."""
    with county.store.transaction() as session:
        seal = session.get_one(Seal, SEAL)
        seal.paper_seals, seal.published_url = "A-20481,A-20482", "https://example.org/list"
        seal.until_ms = START_MS + DAY_S * 1000
        session.add(seal)
    told = steps(opened(county, now_s=5 * DAY_S))
    assert (told["paper"].number, told["paper"].text, told["paper"].done) == (2, "A-20481", True)
    assert (told["published"].text, told["published"].done) == ("https://example.org/list", True)
    assert (told["today"].number, told["today"].done) == (3, True)
    assert (told["until"].at_ms, told["until"].done) == (START_MS + DAY_S * 1000, True)
    assert told["dismantle"].number == 99


def test_a_seal_without_anything(county: County) -> None:
    """No pledge, no deadline, no row, not begun: each is missing, none is a zero."""
    with county.store.transaction() as session:
        seal = session.get_one(Seal, UNHEARD)
        seal.dismantle_by_ms, seal.from_ms = None, START_MS + DAY_S * 1000
        session.add(seal)
        session.delete(session.exec(select(Pledge).where(Pledge.seal_id == UNHEARD)).one())
    told = steps(opened(county, UNHEARD))
    assert (told["pledge"].done, told["pledge"].number) == (False, None)
    assert (told["monitored"].done, told["monitored"].at_ms) == (False, None)
    assert (told["sealed"].done, told["today"].number) == (False, None)
    assert (told["dismantle"].at_ms, told["dismantle"].number) == (None, None)


def test_meter_and_agent(county: County) -> None:
    """The profile names the make; sampling, voltages and frequency are the newest envelope's; the agent has its key."""
    found = opened(county)
    meter, agent = found.furnace_meter, found.agents[0]
    assert meter is not None
    assert (meter.vendor, meter.model, meter.ct_ratio) == ("Eastron", "SDM630-Modbus V2", 1.0)
    assert (meter.period_ms, meter.quantities) == (1000, 6)
    assert (meter.volts, meter.hertz, meter.row_ms) == ([230.0, 230.0, 230.0], 50.0, START_MS + 539_000)
    assert (agent.id, agent.kid, agent.algorithm, agent.release) == ("a1", "a1#1", "Ed25519", "test")
    assert agent.heard_ms == START_MS + 539_000


def test_a_meter_that_never_spoke(county: County) -> None:
    """Only what is registered is there; a map of the agent's own has no make."""
    with county.store.transaction() as session:
        meter = session.exec(select(Meter).where(Meter.seal_id == UNHEARD)).one()
        meter.profile = "maps/own.yaml"
        session.add(meter)
    found = opened(county, UNHEARD)
    meter_here = found.furnace_meter
    assert meter_here is not None
    assert (meter_here.vendor, meter_here.model) == ("", "")
    assert (meter_here.quantities, meter_here.period_ms, meter_here.volts, meter_here.row_ms) == (None, None, [], None)
    assert (found.agents[0].heard_ms, found.agents[0].release) == (None, "")
    assert found.past == []


def test_a_meter_that_does_not_answer(county: County) -> None:
    """Rows without a voltage give none."""
    other = county.seal(3, "示例铸造三厂")
    county.feed(other, 60, 120, lambda _second: None)
    meter = opened(county, other.seal_id).furnace_meter
    assert meter is not None
    assert (meter.volts, meter.row_ms, meter.quantities) == ([], None, 1)


def test_violations_and_windows(county: County) -> None:
    """Every violation with the register's energy, every declared window, the newest first; the owner's papers."""
    with county.store.transaction() as session:
        for number in range(3):
            from_ms = START_MS + number * DAY_S * 1000
            session.add(MaintenanceWindow(seal_id=SEAL, from_ms=from_ms, to_ms=from_ms + 1000, reason=f"{number}"))
        _own(session)
    found = opened(county)
    assert [w.reason for w in found.windows] == ["2", "1", "0"]
    assert found.past_in_all == len(found.past) == 1
    assert found.past[0].code == "resumed_power"
    assert found.past[0].energy_wh is not None
    assert (found.credit_code, found.catalogue) == ("91350100M000100Y43", "2024 年本 一(五)5")


def _own(session: Session) -> None:
    enterprise = session.exec(select(Enterprise).where(Enterprise.name == "示例铸造一厂")).one()
    enterprise.credit_code = "91350100M000100Y43"
    seal = session.get_one(Seal, SEAL)
    furnace = session.get_one(Furnace, seal.furnace_id)
    furnace.catalogue_edition, furnace.catalogue_item = "2024 年本", "一(五)5"
    session.add_all([enterprise, furnace])


def test_the_first_row_of_several_agents(county: County) -> None:
    """The earliest of them counts; agents without a row do not."""
    with county.store.transaction() as session:
        first = session.exec(select(Envelope).where(Envelope.agent_id == "a1", Envelope.seq == 1)).one()
        assert first_row_ms(session, ["a1", "a2"]) == first.first_ms
        assert first_row_ms(session, []) is None


@pytest.mark.parametrize(
    ("from_s", "to_s", "days"), [(0, 0, 0), (0, DAY_S - 1, 0), (DAY_S - 1, DAY_S, 1), (DAY_S, 0, -1), (-1, 0, 1)]
)
def test_days_are_beijings(from_s: int, to_s: int, days: int) -> None:
    """Midnights between two times, backwards too; the test's day begins at a midnight in Beijing."""
    assert days_between(START_MS + from_s * 1000, START_MS + to_s * 1000) == days


def test_the_make_of_a_profile() -> None:
    """Vendor and model of what comes with ColdSeal, nothing of another."""
    assert make("eastron_sdm630") == ("Eastron", "SDM630-Modbus V2")
    assert make("nobodys_meter") == ("", "")
