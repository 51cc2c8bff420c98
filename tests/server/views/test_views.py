"""Rows, details and curves out of a real store that a real ingest has filled."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session

from server import life, views
from server.access.audit import COMMAND_LINE
from server.access.rights import Role
from server.tables import MaintenanceWindow
from server.views import curves
from tests.server.ingest.plant import START_MS, SteppedClock
from tests.server.life.town import account, who
from tests.server.stores import a_store
from tests.server.views.county import County

RESUMED_S = 120


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    """Three seals at 00:05:00: one resumed at 00:02, one is off, of one nothing ever came."""
    store = a_store(tmp_path)
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
        assert views.seal_rows(session, county.clock.wall_ms(), after=rows[0].id, limit=1) == [rows[1]]
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
    assert [(s.from_state, s.to_state, s.author, s.kind) for s in detail.transitions] == [
        (None, "open", "ColdSeal", "step"),
    ]  # fmt: skip


def test_the_most_urgent_violation_comes_first(county: County) -> None:
    """What waits for a person first, then by state, red before amber; a state, a seal or a number narrows the list."""
    county.feed(county.seal(4, "示例铸造四厂"), 0, 300, lambda _s: 50_000.0)
    county.feed(county.seal(5, "示例铸造五厂"), 0, 300, lambda _s: 50_000.0)
    now_ms = county.clock.wall_ms()
    with county.store.transaction() as session:
        by_seal = {row.seal_id[-1]: row.id for row in views.violation_rows(session)}
        life.acknowledge(session, by_seal["4"], by=COMMAND_LINE, reason="", now_ms=now_ms)
        life.close(session, by_seal["5"], by=COMMAND_LINE, reason="演练", now_ms=now_ms)
    county.tick(600)
    with county.store.transaction() as session:
        rows = views.violation_rows(session)
        assert [(row.state, row.severity) for row in rows] == [
            ("open", "red"), ("open", "amber"), ("open", "amber"), ("open", "amber"), ("open", "amber"),
            ("acknowledged", "red"), ("closed", "red"),
        ]  # fmt: skip
        assert [row.seal_id[-1] for row in views.violation_rows(session, state="closed")] == ["5"]
        assert {row.code for row in views.violation_rows(session, seal_id=rows[-1].seal_id)} == {
            "resumed_power", "silent",
        }  # fmt: skip
        assert views.violation_rows(session, pending=True) == rows[:-1]
        assert len(views.violation_rows(session, limit=2)) == 2


def test_another_countys_violations_are_not_there(county: County) -> None:
    """Lists, the detail and the log keep to the counties that are asked for; none is every county."""
    ours, theirs = frozenset({"350121"}), frozenset({"350181"})
    with county.store.transaction() as session:
        (row,) = views.violation_rows(session, counties=ours)
        assert views.violation(session, row.id, ours) == views.violation(session, row.id)
        assert (views.violation_rows(session, counties=theirs), views.violation(session, row.id, theirs)) == ([], None)
        assert [line.violation_id for line in views.log(session, since_ms=0, limit=9, counties=ours)] == [row.id]
        assert views.log(session, since_ms=0, limit=9, counties=theirs) == []


def test_a_life_with_names(county: County) -> None:
    """Steps, assignee and log call people as pages do; what stays unseen, what was done last, and what leads on."""
    with county.store.transaction() as session:
        session.add(account("chen", "陈某", Role.INSPECTOR))
        (row,) = views.violation_rows(session)
        chen = who(Role.INSPECTOR, "350121")
        assert (row.unseen_since_ms, row.sounded_ms, row.last_step) == (row.detected_ms, row.detected_ms, None)
        assert (row.steps, row.assignee_shown, row.verdict) == ([*life.STEPS["open"]], None, None)
        life.dispatch(session, row.id, by=COMMAND_LINE, to="chen", reason="请到现场", now_ms=START_MS + 400_000)
        life.comment(session, row.id, by=chen, text="在路上", now_ms=START_MS + 500_000)
        detail = views.violation(session, row.id)
        newest, *_ = views.log(session, since_ms=START_MS + 500_000, limit=9)
    assert detail is not None
    assert (detail.assignee, detail.assignee_shown, detail.steps) == ("chen", "陈某", [*life.STEPS["dispatched"]])
    assert (detail.unseen_since_ms, detail.sounded_ms, detail.group(0)) == (None, None, views.Group.WORKING)
    assert detail.last_step == detail.transitions[1]
    assert [(s.author_shown, s.assignee_shown, s.kind, s.reason) for s in detail.transitions[1:]] == [
        ("command-line", "陈某", "step", "请到现场"), ("inspector-1", None, "comment", "在路上"),
    ]  # fmt: skip
    assert (newest.reason, newest.enterprise, newest.furnace, newest.county_code, newest.code, newest.severity) == (
        "在路上", "示例铸造一厂", "1 号炉", "350121", "resumed_power", "red",
    )  # fmt: skip


def test_a_dismissed_violation_is_no_state_of_the_seal(county: County) -> None:
    """What was decided to be none does not keep its seal red; a draw that goes on is told by its coverage."""
    with county.store.transaction() as session:
        (row,) = views.violation_rows(session)
        life.dismiss(session, row.id, by=COMMAND_LINE, reason="试验", now_ms=county.clock.wall_ms())
        seal = views.seal_row(session, row.seal_id, county.clock.wall_ms())
    assert seal is not None
    assert (seal.violations, seal.state.value) == ([], "restarted")


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


def test_a_curve_of_too_long_a_time_is_refused(county: County) -> None:
    """A time that no machine holds in memory is refused with what to do."""
    with (
        county.store.transaction() as session,
        pytest.raises(curves.CurveTooLong, match="at most 1500 days, got 1501; ask for a shorter one"),
    ):
        curves.material(session, "FZ-MH-2026-0001", START_MS, START_MS + 1_501 * 86_400_000)
