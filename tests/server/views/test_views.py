"""Rows, details and curves out of a real store that a real ingest has filled."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session

from server import views, violations
from server.store import Store
from server.tables import MaintenanceWindow
from server.views import curves
from tests.server.ingest.plant import START_MS, SteppedClock
from tests.server.views.county import County

RESUMED_S = 120


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    """Three seals at 00:05:00: one resumed at 00:02, one is off, of one nothing ever came."""
    store = Store(tmp_path / "coldseal.sqlite")
    made = County(store, SteppedClock())
    made.feed(made.seal(1, "示例铸造一厂"), 0, 290, lambda s: 0.0 if s < RESUMED_S else 200_000.0)
    made.feed(made.seal(2, "示例铸造二厂", allowed_kw=2.0), 0, 290, lambda s: None if 100 <= s < 120 else 1_000.0)
    made.seal(3, "示例铸造三厂", from_s=60)
    made.tick(300)
    yield made
    store.close()


def test_seal_rows(county: County) -> None:
    """Each row says what the furnace is, what it is now, the last value, and the shares of today."""
    with county.store.transaction() as session:
        rows = views.seal_rows(session, county.clock.wall_ms())
    resumed, off, unheard = rows
    assert [row.id for row in rows] == ["FZ-MH-2026-0001", "FZ-MH-2026-0002", "FZ-MH-2026-0003"]
    assert (resumed.state.value, resumed.state_reason) == ("restarted", "resumed_power")
    assert (resumed.last_power_w, resumed.last_power_ms) == (200_000.0, START_MS + 289_000)
    assert (resumed.today.off_ms, resumed.today.on_ms) == (RESUMED_S * 1000, 169_000)
    assert [(v.code, v.state) for v in resumed.violations] == [("resumed_power", "open")]
    assert (off.state.value, off.state_reason, off.allowed_kw) == ("off", "allowed", 2.0)
    assert off.today.off_by_register_ms == 20_000  # unanswered, but the register stood within the pledge
    assert off.today.unproved_ms == 11_000  # since the newest row
    assert off.agents[0].model_dump() == {
        "id": "a2", "heard_ms": START_MS + 289_000, "last_row_ms": START_MS + 289_000,
    }  # fmt: skip
    assert (unheard.state.value, unheard.state_reason) == ("unproved", "never_reported")
    assert (unheard.last_power_w, unheard.last_power_ms, unheard.agents[0].heard_ms) == (None, None, None)
    assert unheard.today.unproved_ms == 240_000


def test_seal_row(county: County) -> None:
    """One seal is the same as its row in the list; an unknown number is none."""
    with county.store.transaction() as session:
        rows = views.seal_rows(session, county.clock.wall_ms())
        assert [views.seal_row(session, row.id, county.clock.wall_ms()) for row in rows] == rows
        assert views.seal_row(session, "FZ-MH-2026-9999", county.clock.wall_ms()) is None


def test_yesterdays_state_is_old_news(county: County) -> None:
    """A day later the newest span is not today's, and what it proved is no longer a state."""
    with county.store.transaction() as session:
        row = views.seal_row(session, "FZ-MH-2026-0002", START_MS + 30 * 3_600_000)
    assert row is not None
    assert (row.state.value, row.state_reason) == ("unproved", "no_data")
    assert row.today.unproved_ms == 6 * 3_600_000


def test_violation_detail(county: County) -> None:
    """The detail has the rule's numbers, its life and where the evidence is; every number is the stored one."""
    with county.store.transaction() as session:
        (row,) = views.violation_rows(session, state="open")
        detail = views.violation(session, row.id)
        assert views.violation(session, "V-NONE") is None
    assert detail is not None
    assert detail.model_dump(include=set(views.ViolationRow.model_fields)) == row.model_dump()
    assert row.reason_zh.startswith("示例铸造一厂 1 号炉 00:02:00 恢复用电")
    (finding,) = detail.findings
    assert (finding.statistic, finding.threshold, finding.unit, finding.peak) == (200_000.0, 10_500.0, "W", 200_000.0)
    assert [e.model_dump() for e in detail.evidence] == [{"agent_id": "a1", "first_seq": 3, "last_seq": 5}]
    assert [(s.from_state, s.to_state, s.author) for s in detail.transitions] == [(None, "open", "ColdSeal")]


def test_the_most_urgent_violation_comes_first(county: County) -> None:
    """Unacknowledged before acknowledged before closed, red before amber; a state or a number narrows the list."""
    county.feed(county.seal(4, "示例铸造四厂"), 0, 300, lambda _s: 50_000.0)
    county.feed(county.seal(5, "示例铸造五厂"), 0, 300, lambda _s: 50_000.0)
    now_ms = county.clock.wall_ms()
    with county.store.transaction() as session:
        by_seal = {row.seal_id[-1]: row.id for row in views.violation_rows(session, state=None)}
        violations.acknowledge(session, by_seal["4"], author="李", reason="", now_ms=now_ms)
        violations.close(session, by_seal["5"], author="李", reason="演练", now_ms=now_ms)
    county.tick(600)
    with county.store.transaction() as session:
        rows = views.violation_rows(session, state=None)
        assert [(row.state, row.severity) for row in rows] == [
            ("open", "red"), ("open", "amber"), ("open", "amber"), ("open", "amber"), ("open", "amber"),
            ("acknowledged", "red"), ("closed", "red"),
        ]  # fmt: skip
        assert [row.seal_id[-1] for row in views.violation_rows(session, state="closed")] == ["5"]
        assert len(views.violation_rows(session, state=None, limit=2)) == 2


def curve(session: Session, seal: int, from_s: int, to_s: int, max_points: int = 2_000) -> views.Curve:
    """A seal's curve by seconds of the day."""
    found = views.curve(session, f"FZ-MH-2026-{seal:04d}", START_MS + from_s * 1000, START_MS + to_s * 1000, max_points)
    assert found is not None
    return found


def test_curve(county: County) -> None:
    """Samples with their gap, pledge, the test line, and what coverage says of each moment."""
    with county.store.transaction() as session:
        seen = curve(session, 2, 0, 289)
    assert (seen.agent_id, seen.meter, seen.period_ms, seen.samples) == ("a2", "m1", 1_000, 290)
    assert (seen.allowed_w, seen.threshold_w) == (2_000.0, 10_500.0)
    assert [(g.from_ms - START_MS, g.to_ms - START_MS, g.reason) for g in seen.gaps] == [(100_000, 120_000, "timeout")]
    assert len(seen.points) == 271
    assert [(s.state.value, s.reason) for s in seen.spans] == [
        ("proved_off", "allowed"), ("proved_off", "register"), ("proved_off", "allowed"),
    ]  # fmt: skip


def test_curve_marks_its_violations_and_windows(county: County) -> None:
    """Violations and declared windows of the time are there, others are not."""
    with county.store.transaction() as session:
        for from_s, to_s in ((10, 20), (900, 1_000)):
            session.add(
                MaintenanceWindow(
                    seal_id="FZ-MH-2026-0001", from_ms=START_MS + from_s * 1000, to_ms=START_MS + to_s * 1000
                )
            )
        session.flush()
        seen, before = curve(session, 1, 0, 300), curve(session, 1, 0, 100)
    assert [(m.code, m.first_ms - START_MS) for m in seen.marks] == [("resumed_power", RESUMED_S * 1000)]
    assert before.marks == []
    assert [(w.from_ms - START_MS, w.to_ms - START_MS) for w in seen.windows] == [(10_000, 20_000)]


def test_curve_of_what_was_never_heard(county: County) -> None:
    """A seal without data is one gap; its coverage begins with the seal; an unknown number is none."""
    with county.store.transaction() as session:
        seen = curve(session, 3, 0, 300)
        assert views.curve(session, "FZ-MH-2026-9999", START_MS, START_MS + 1, 100) is None
    assert (seen.samples, seen.period_ms) == (0, None)
    assert [g.reason for g in seen.gaps] == ["no_data"]
    assert [(s.from_ms - START_MS, s.to_ms - START_MS, s.reason) for s in seen.spans] == [(60_000, 300_000, "no_data")]


def test_a_curve_of_too_many_envelopes_is_refused(county: County) -> None:
    """A time that would take minutes to decode is refused with what to do."""
    with (
        county.store.transaction() as session,
        pytest.raises(curves.CurveTooLong, match="at most 3 envelopes, got 5; ask for a shorter one"),
    ):
        curves.material(session, "FZ-MH-2026-0001", START_MS, START_MS + 300_000, envelopes_max=3)
