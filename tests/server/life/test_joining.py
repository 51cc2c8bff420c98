"""Findings that meet a violation which people have already done something about."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session, select

from server import life, standing, violations
from server.access.rights import Role
from server.detect.finding import Code, Finding
from server.sentences import Subject
from server.tables import StoredFinding, Transition, Violation
from server.violations import Change
from tests.server.ingest.plant import SEAL, START_MS, Plant
from tests.server.life.town import WHY, account, take, who

SUBJECT = Subject(SEAL, "示例铸造一厂 1 号炉", 0.0, "a1")
MONITOR = who(Role.MONITOR)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A transaction about a sealed furnace of which nothing was found."""
    with Plant(tmp_path).store.transaction() as session:
        session.add(account("chen", "陈某", Role.INSPECTOR))
        yield session


def finding(
    code: Code, first_s: float, last_s: float, ended_s: float | None = None, *, meter: str = "m1", note: str = ""
) -> Finding:
    """What a rule saw, by seconds of the day."""
    return Finding(
        code=code, meter=meter, note=note, first_ms=ms(first_s), raised_ms=ms(first_s), last_ms=ms(last_s),
        ended_ms=None if ended_s is None else ms(ended_s), statistic=20_000.0, threshold=10_500.0, unit="W",
        peak=20_000.0, false_alarms_per_year=1e-6, first_seq=1, last_seq=2,
    )  # fmt: skip


def ms(second: float) -> int:
    """A moment of the day."""
    return START_MS + round(second * 1000)


def see(session: Session, seen: Finding, agent_id: str = "a1") -> tuple[Violation, Change]:
    """Join a finding as soon as it is seen."""
    return violations.apply(session, SUBJECT, agent_id, seen, seen.last_ms)


def step(session: Session, violation: Violation, name: str, at_s: float) -> None:
    """A person's step."""
    take(session, violation.id, name, MONITOR, now_ms=ms(at_s))


def unseen_since_s(session: Session, violation: Violation) -> float | None:
    """Since which second of the day it waits for a person, asked in both ways."""
    since = standing.unseen_since_ms(standing.transitions(session, [violation.id]))
    waits = session.exec(select(Violation.id).where(Violation.id == violation.id, standing.is_unseen())).first()
    assert (since is not None) == (waits is not None)
    return None if since is None else (since - START_MS) / 1000


@pytest.mark.parametrize("name", ["dismiss", "close"])
def test_a_draw_that_goes_on_is_a_new_violation(session: Session, name: str) -> None:
    """Neither a dismissal nor a closing hides a melt that goes on; the new violation ends when the draw does."""
    first, opened = see(session, finding(Code.RESUMED_POWER, 10, 20))
    step(session, first, name, 25)
    again, change = see(session, finding(Code.RESUMED_POWER, 10, 30))
    same, grew = see(session, finding(Code.RESUMED_POWER, 10, 40))
    ended, last = see(session, finding(Code.RESUMED_POWER, 10, 45, 45))

    assert [opened, change, grew, last] == [Change.OPENED, Change.OPENED, Change.GREW, Change.ENDED]
    assert {again.id, same.id, ended.id} == {again.id} != {first.id}
    assert (first.last_ms, again.first_ms, again.ended_ms) == (ms(20), ms(25) + 1, ms(45))
    assert (again.state, again.severity) == ("open", "red")


def test_closed_again_and_again(session: Session) -> None:
    """Each closing cuts the same draw once more: three violations, each with its own time, and only the last one grows."""
    one, _ = see(session, finding(Code.RESUMED_POWER, 10, 20))
    step(session, one, "close", 25)
    two, _ = see(session, finding(Code.RESUMED_POWER, 10, 30))
    step(session, two, "close", 35)
    three, _ = see(session, finding(Code.RESUMED_POWER, 10, 40))
    still, _ = see(session, finding(Code.RESUMED_POWER, 10, 50))

    assert [v.first_ms for v in (one, two, three)] == [ms(10), ms(25) + 1, ms(35) + 1]
    assert (still.id, still.last_ms) == (three.id, ms(50))
    assert len(session.exec(select(Violation)).all()) == 3


def test_a_closing_in_the_last_rows_flight_opens_nothing(session: Session) -> None:
    """A draw that had ended by the time its last rows came is not a second violation, however the closing fell."""
    first, _ = see(session, finding(Code.RESUMED_POWER, 10, 20))
    step(session, first, "close", 25)
    same, change = see(session, finding(Code.RESUMED_POWER, 10, 28, 28))

    assert (same.id, same.last_ms, change) == (first.id, ms(20), Change.ENDED)


def test_an_agents_clock_ahead_hides_nothing(session: Session) -> None:
    """Rows that are 30 s ahead of the server do not slip into a violation that was closed meanwhile."""
    first, _ = see(session, finding(Code.RESUMED_POWER, 10, 60))
    step(session, first, "close", 30)
    again, change = see(session, finding(Code.RESUMED_POWER, 10, 61))

    assert (change, again.first_ms, first.last_ms) == (Change.OPENED, ms(60) + 1, ms(60))


def test_confirmed_after_a_dismissal(session: Session) -> None:
    """A verdict that is changed back does not take in what became a violation of its own."""
    first, _ = see(session, finding(Code.RESUMED_POWER, 10, 20))
    step(session, first, "dismiss", 25)
    again, _ = see(session, finding(Code.RESUMED_POWER, 10, 30))
    step(session, first, "confirm", 32)
    still, change = see(session, finding(Code.RESUMED_POWER, 10, 40))

    assert (still.id, change, first.state, first.last_ms) == (again.id, Change.GREW, "confirmed", ms(20))


@pytest.mark.parametrize(
    ("name", "state"), [("acknowledge", "acknowledged"), ("dispatch", "dispatched"), ("confirm", "confirmed")]
)
def test_a_stronger_finding_needs_a_person_again(session: Session, name: str, state: str) -> None:
    """Red that grows stronger keeps its state, waits for a person again, and can be acknowledged once more."""
    violation, _ = see(session, finding(Code.ENERGISED, 10, 20))
    assert unseen_since_s(session, violation) == 20
    step(session, violation, name, 25)
    assert unseen_since_s(session, violation) is None
    _, change = see(session, finding(Code.RESUMED_POWER, 30, 32))

    assert (change, violation.state, unseen_since_s(session, violation)) == (Change.STRONGER, state, 32)
    last = standing.transitions(session, [violation.id])[-1]
    assert (last.kind, last.from_state, last.to_state, last.author, last.reason) == (
        "stronger", state, state, "ColdSeal", "energised → resumed_power",
    )  # fmt: skip
    step(session, violation, "comment", 34)
    assert unseen_since_s(session, violation) == 32
    step(session, violation, "acknowledge", 35)
    assert (violation.state, unseen_since_s(session, violation)) == (state, None)
    with pytest.raises(life.WrongState, match="by monitor-1"):
        step(session, violation, "acknowledge", 36)


def test_stronger_while_nobody_looked(session: Session) -> None:
    """What waits already waits since it opened."""
    violation, _ = see(session, finding(Code.ENERGISED, 10, 20))
    _, change = see(session, finding(Code.RESUMED_POWER, 30, 32))

    assert (change, unseen_since_s(session, violation)) == (Change.STRONGER, 20)


def test_amber_that_turns_red_begins_its_life_anew(session: Session) -> None:
    """A verdict about something amber says nothing about what it became: open again, without a verdict."""
    violation, _ = see(session, finding(Code.ENERGISED, 10, 20))
    step(session, violation, "confirm", 25)
    violation.severity = "amber"
    _, change = see(session, finding(Code.RESUMED_POWER, 30, 32))

    assert (change, violation.state, violation.severity, violation.verdict) == (Change.STRONGER, "open", "red", None)
    last = standing.transitions(session, [violation.id])[-1]
    assert (last.kind, last.from_state, last.to_state, last.author) == ("stronger", "confirmed", "open", "ColdSeal")


def test_what_comes_back_needs_a_person_again(session: Session) -> None:
    """After it ended and was seen, the next melt is told like a stronger one; what chatters unseen is told once."""
    violation, _ = see(session, finding(Code.RESUMED_POWER, 10, 20, 20))
    _, unseen = see(session, finding(Code.RESUMED_POWER, 30, 32, 32))
    step(session, violation, "acknowledge", 35)
    back, again = see(session, finding(Code.RESUMED_POWER, 40, 42, 42))
    _, chatters = see(session, finding(Code.RESUMED_POWER, 50, 52))

    assert [unseen, again, chatters] == [Change.GREW, Change.STRONGER, Change.GREW]
    assert (back.id, violation.state, unseen_since_s(session, violation)) == (violation.id, "acknowledged", 42)
    assert standing.transitions(session, [violation.id])[-1].reason == "again → resumed_power"
    assert violation.ended_ms is None


def test_late_rows_do_not_sound_again(session: Session) -> None:
    """What late rows show of the time that a person has seen makes no noise."""
    violation, _ = see(session, finding(Code.RESUMED_POWER, 10, 20, 20))
    step(session, violation, "acknowledge", 35)
    _, change = see(session, finding(Code.ENERGY_IN_GAP, 5, 9, 9))

    assert (change, unseen_since_s(session, violation)) == (Change.GREW, None)


def test_another_finding_from_the_same_sample(session: Session) -> None:
    """After a closing, another code that reaches back to the very same first sample has an id of its own."""
    first, _ = see(session, finding(Code.ENERGISED, 10, 20))
    step(session, first, "close", 25)
    second, change = see(session, finding(Code.RESUMED_POWER, 10, 30))
    same, grew = see(session, finding(Code.RESUMED_POWER, 10, 31))

    assert (change, grew, same.id) == (Change.OPENED, Change.GREW, second.id)
    assert second.id != first.id


def test_a_mark_of_a_release_before(session: Session) -> None:
    """A step that was stored before kinds existed counts as a step."""
    violation, _ = see(session, finding(Code.RESUMED_POWER, 10, 20))
    session.add(
        Transition(
            violation_id=violation.id, at_ms=ms(25), from_state="open", to_state="closed", author="a", reason=WHY
        )
    )
    violation.state = "closed"
    again, change = see(session, finding(Code.RESUMED_POWER, 10, 30))

    assert (change, again.first_ms) == (Change.OPENED, ms(25) + 1)


def test_contact_is_restored_with_the_last_silent_agent(session: Session) -> None:
    """Of two silent agents at one seal one returns: nothing is over until the other one does, however late it was told."""
    violation, _ = see(session, finding(Code.SILENT, 10, 200))
    same, _ = see(session, finding(Code.SILENT, 20, 200), "a2")
    first = violations.end(session, SEAL, Code.SILENT, "a1", ms(300))
    after_first = violation.ended_ms
    second = violations.end(session, SEAL, Code.SILENT, "a2", ms(290))

    assert same.id == violation.id
    assert (first, after_first) == ([], None)
    assert ([one.id for one in second], violation.ended_ms) == ([violation.id], ms(300))


@pytest.mark.parametrize(
    ("agent_id", "meter"), [("a1", "m2"), ("a2", "m1")], ids=["of_one_agent", "of_two_agents_by_one_name"]
)
def test_a_draw_ends_with_its_last_meter(session: Session, agent_id: str, meter: str) -> None:
    """One of two meters goes quiet while the other is a sample behind: the violation goes on, and its words say so."""
    see(session, finding(Code.RESUMED_POWER, 10, 50))
    see(session, finding(Code.RESUMED_POWER, 12, 49, meter=meter), agent_id)
    violation, _ = see(session, finding(Code.RESUMED_POWER, 10, 50, 50))
    going_on, said = violation.ended_ms, violation.reason_en
    over, change = see(session, finding(Code.RESUMED_POWER, 12, 60, 60, meter=meter), agent_id)

    assert going_on is None
    assert "ended after" not in said
    assert (over.id, change, over.ended_ms) == (violation.id, Change.ENDED, ms(60))
    assert "ended after" in over.reason_en


def test_a_finding_that_joins_ended_ends_nothing(session: Session) -> None:
    """A contact that opened and closed again, told late, does not end what another meter still shows."""
    violation, _ = see(session, finding(Code.SEAL_OPENED, 10, 20))
    same, _ = see(session, finding(Code.SEAL_OPENED, 12, 30, 30, meter="m2"))

    assert (same.id, violation.last_ms, violation.ended_ms) == (violation.id, ms(30), None)


def test_a_weak_draw_that_grew_strong_ends(session: Session) -> None:
    """The rule for a weak draw gives way without a word when the strong one takes over: the strong one's end counts."""
    see(session, finding(Code.ENERGISED, 10, 20, note="excess"))
    see(session, finding(Code.RESUMED_POWER, 21, 40))
    violation, change = see(session, finding(Code.RESUMED_POWER, 21, 50, 50))

    assert (change, violation.ended_ms) == (Change.ENDED, ms(50))


def test_two_agents_do_not_share_a_finding(session: Session) -> None:
    """Meters of the same name at two agents of one seal: each agent's envelopes are named by a finding of its own."""
    see(session, finding(Code.RESUMED_POWER, 10, 20))
    see(session, finding(Code.RESUMED_POWER, 10, 30), "a2")
    see(session, finding(Code.RESUMED_POWER, 10, 40))

    rows = session.exec(select(StoredFinding).order_by(StoredFinding.agent_id)).all()
    assert [(row.agent_id, row.last_ms) for row in rows] == [("a1", ms(40)), ("a2", ms(30))]


def test_two_agents_fall_silent_in_the_same_moment(session: Session) -> None:
    """After the first one's violation was closed, the other one's has an id of its own."""
    first, _ = see(session, finding(Code.SILENT, 10, 20))
    step(session, first, "close", 25)
    second, change = see(session, finding(Code.SILENT, 10, 30), "a2")

    assert (change, second.state) == (Change.OPENED, "open")
    assert second.id != first.id
