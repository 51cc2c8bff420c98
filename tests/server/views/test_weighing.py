"""For and against: each point from stored rows, and none about which nothing is stored."""

import pytest
from sqlmodel import select

from server import views
from server.detect.finding import Coverage
from server.tables import CoverageSpan, MaintenanceWindow, StoredFinding
from server.views.weighing import Point, Side, weigh
from server.views.witness import ClockThen, Witness, witness
from tests.server.ingest.plant import START_MS
from tests.server.views.conftest import Case, only

GOOD = Witness(
    agent_id="a1", algorithm="Ed25519", first_seq=1, last_seq=5, numbers=5, stored=5, lost=0, boots=1, opened=5,
    heard_ms=0, delay_ms=300, waiting=None, release="0.1.0",
    clock=ClockThen(states=["S"], source="kernel", offset_ms=None, error_ms=None, steps_ms=[]), meters=[],
)  # fmt: skip


def weighed(case: Case, *more: Witness) -> dict[str, Point]:
    """The points of the only violation, by name."""
    with case.county.store.transaction() as session:
        detail = views.violation(session, only(session))
        assert detail is not None
        witnesses = [witness(session, evidence) for evidence in detail.evidence]
        return {point.what: point for point in weigh(session, detail, more or witnesses)}


def test_what_supports_it(case: Case) -> None:
    """The minute before was proved off, the readings are above the test line, the register advanced."""
    told = weighed(case)
    assert told["before"].side is Side.FOR
    assert told["before"].numbers == {"off_ms": 60_000, "whole_ms": 60_000}
    assert told["samples"].side is Side.FOR
    assert told["samples"].numbers == {"above": 170, "all": 170, "line_w": 10_500.0, "lasting_ms": 169_000}
    with case.county.store.transaction() as session:
        stored = session.exec(select(StoredFinding.energy_wh)).one()
    assert told["register"].numbers == {"energy_wh": stored}


def test_a_start_that_was_not_seen(case: Case) -> None:
    """Where most of the time before is unproved, it may have begun earlier: that speaks against the moment."""
    with case.county.store.transaction() as session:
        for span in session.exec(select(CoverageSpan).where(CoverageSpan.to_ms <= START_MS + 121_000)).all():
            session.delete(span)
    told = weighed(case)
    assert (told["before_thin"].side, told["before_thin"].numbers["off_ms"]) == (Side.AGAINST, 0)
    assert "before" not in told


def test_what_was_looked_at_without_finding_anything(case: Case) -> None:
    """No declared window, no missing number, one run, and a clock that is not synchronised but near."""
    told = weighed(case)
    clear = {what for what, point in told.items() if point.side is Side.CLEAR}
    assert clear == {"no_window", "no_gaps", "numbers_whole", "one_run", "clock_near"}
    assert told["clock_near"].numbers == {"delay_ms": 0}
    assert "serial_same" not in told  # this meter tells no serial: nothing to compare
    assert {what for what, point in told.items() if point.of_monitor} == {"numbers_whole", "one_run", "clock_near"}


def test_what_speaks_against_it(case: Case) -> None:
    """A declared window in its time and unproved time inside it are against it, with their numbers."""
    with case.county.store.transaction() as session:
        session.add(
            MaintenanceWindow(
                seal_id=case.seal.seal_id, from_ms=START_MS + 200_000, to_ms=START_MS + 400_000, reason="换炉衬"
            )
        )
        span = session.exec(select(CoverageSpan).where(CoverageSpan.state == Coverage.ON.value)).first()
        assert span is not None
        session.add(
            CoverageSpan(
                seal_id=case.seal.seal_id, from_ms=span.from_ms + 5_000, to_ms=span.from_ms + 9_000, state="unproved",
                reason="timeout",
            )
        )  # fmt: skip
        span.to_ms = span.from_ms + 5_000
        session.add(span)
    told = weighed(case)
    assert (told["window"].side, told["window"].text) == (Side.AGAINST, "换炉衬")
    assert told["window"].at_ms == START_MS + 200_000
    assert told["gaps"].side is Side.AGAINST
    assert "no_window" not in told
    assert "no_gaps" not in told


@pytest.mark.parametrize(
    ("changed", "what", "side", "numbers"),
    [
        ({"stored": 3, "lost": 1}, "numbers_missing", Side.AGAINST, {"missing": 1, "lost": 1}),
        ({"boots": 2}, "restarted", Side.AGAINST, {"boots": 2}),
        ({}, "clock_good", Side.CLEAR, {}),
        ({"clock": ClockThen(states=["S"], source="", offset_ms=None, error_ms=None, steps_ms=[700, -9_000])},
         "clock_stepped", Side.AGAINST, {"step_ms": -9_000}),
        ({"clock": ClockThen(states=["U"], source="", offset_ms=None, error_ms=None, steps_ms=[])},
         "clock_near", Side.CLEAR, {"delay_ms": 300}),
        ({"clock": ClockThen(states=["S", "U"], source="", offset_ms=None, error_ms=None, steps_ms=[]),
          "delay_ms": 3_600_000}, "clock_unknown", Side.AGAINST, {}),
    ],
)  # fmt: skip
def test_the_monitor_itself(
    case: Case, changed: dict[str, object], what: str, side: Side, numbers: dict[str, int]
) -> None:
    """Missing numbers, a second run and a clock in doubt speak against it; what is in order does not."""
    told = weighed(case, GOOD.model_copy(update=changed))
    assert (told[what].side, dict(told[what].numbers)) == (side, numbers)


def test_an_agent_of_which_nothing_is_stored(case: Case) -> None:
    """Its numbers are missing, and nothing is said about its clock or its runs."""
    nothing = GOOD.model_copy(update={"stored": 0, "opened": 0, "boots": 0})
    assert {what for what, point in weighed(case, nothing).items() if point.of_monitor} == {"numbers_missing"}
