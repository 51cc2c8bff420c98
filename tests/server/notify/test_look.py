"""What time alone brings: what outlasts its mute is told, and what nobody looks at is escalated, once each time."""

from pathlib import Path

import pytest

from server import life, mutes
from server.access.rights import RIGHTS, Role
from server.access.who import Who
from server.detect.finding import Code
from server.violations import Change
from tests.server.notify.office import MINHOU, Office

DUTY: list[dict[str, object]] = [{"name": "duty"}]
CHIEF: list[dict[str, object]] = [{"name": "chief", "escalation": True, "to": "带班领导"}]
BY = Who(name="li", shown_as="李某", kind="account", rights=RIGHTS[Role.MONITOR])
NEW = "■ 恢复用电 示例铸造0厂1号炉 326kW"


def mute(office: Office, seconds: int, **place: str) -> int:
    """Mute the first seal, or a county, for so long."""
    now_ms = office.clock.now_ms
    with office.store.transaction() as session:
        where = place or {"seal_id": office.seals[0]}
        until_ms = now_ms + seconds * 1_000
        made = mutes.mute(session, by=BY, until_ms=until_ms, reason="检修", now_ms=now_ms, **where)
        return made.id or 0


def acknowledge(office: Office) -> None:
    """Somebody saw the first seal's violation."""
    with office.store.transaction() as session:
        life.acknowledge(session, office.violation().id, by=BY, reason="", now_ms=office.clock.now_ms)


@pytest.mark.parametrize("place", [{}, {"county_code": MINHOU}])
def test_what_outlasts_its_mute_is_told_once(tmp_path: Path, place: dict[str, str]) -> None:
    """It began under a mute of seal or county and goes on: nobody hears until the mute is over, then once."""
    office = Office(tmp_path, DUTY)
    mute(office, 600, **place)
    office.found(0)
    office.pass_s(590, turn_s=10)
    assert office.phones["duty"].got == []
    office.pass_s(1_800, turn_s=10)

    assert office.phones["duty"].titles == [NEW]
    assert office.outcomes() == {("duty", "new", "muted"): 1, ("duty", "new", "told"): 1}
    office.check_complete()


def test_a_mute_that_a_person_ends_is_over_at_once(tmp_path: Path) -> None:
    """Ended before its time: told right then; under another mute it waits for that one too."""
    office = Office(tmp_path, DUTY)
    first = mute(office, 6_000)
    mute(office, 300, county_code=MINHOU)
    office.found(0)
    office.pass_s(60, turn_s=5)
    with office.store.transaction() as session:
        mutes.end(session, first, by=BY, now_ms=office.clock.now_ms)
    office.pass_s(60, turn_s=5)
    assert office.phones["duty"].got == []
    office.pass_s(200, turn_s=5)

    assert office.phones["duty"].titles == [NEW]


def test_what_ended_under_its_mute_is_told_to_nobody(tmp_path: Path) -> None:
    """It was over before the mute was: there is nothing to do about it."""
    office = Office(tmp_path, DUTY)
    mute(office, 600)
    office.found(0)
    office.pass_s(60, turn_s=5)
    office.found(0, ended=True)
    office.pass_s(1_200, turn_s=20)

    assert office.phones["duty"].got == []
    office.check_complete()


def test_what_grew_stronger_under_a_mute_is_told_as_that(tmp_path: Path) -> None:
    """People know that it began, not that it is worse: that is what they hear after the mute."""
    office = Office(tmp_path, DUTY)
    office.found(0, Code.ENERGISED)
    office.pass_s(5)
    mute(office, 300)
    assert office.found(0) is Change.STRONGER
    office.pass_s(600, turn_s=10)

    assert office.phones["duty"].titles == [
        "■ 重新带电 示例铸造0厂1号炉 231V",
        "■ 加重 恢复用电 示例铸造0厂1号炉 326kW",
    ]
    office.check_complete()


def test_what_began_and_grew_under_one_mute_is_told_as_new(tmp_path: Path) -> None:
    """Nobody knows of it: it is told once, as it stands."""
    office = Office(tmp_path, DUTY)
    mute(office, 300)
    office.found(0, Code.ENERGISED)
    office.pass_s(60, turn_s=5)
    office.found(0)
    office.pass_s(600, turn_s=10)

    assert office.phones["duty"].titles == [NEW]
    office.check_complete()


def test_what_was_dismissed_under_its_mute_is_not_told(tmp_path: Path) -> None:
    """A person looked at it and found that it is none."""
    office = Office(tmp_path, DUTY)
    mute(office, 300)
    office.found(0)
    office.pass_s(60, turn_s=5)
    with office.store.transaction() as session:
        inspector = Who(name="li", shown_as="李某", kind="account", rights=RIGHTS[Role.ADMINISTRATOR])
        life.dismiss(session, office.violation().id, by=inspector, reason="试机", now_ms=office.clock.now_ms)
    office.pass_s(600, turn_s=10)

    assert office.phones["duty"].got == []


def test_what_came_back_unseen_is_escalated_again(tmp_path: Path) -> None:
    """Acknowledged, ended, and there again: after another escalate_after_min without a look the chief hears, once."""
    office = Office(tmp_path, [*DUTY, *CHIEF], escalate_after_min=15)
    office.found(0)
    office.pass_s(60, turn_s=5)
    acknowledge(office)
    office.found(0, ended=True)
    office.pass_s(7_200, turn_s=60)
    assert office.phones["chief"].got == []
    assert office.found(0, at=office.clock.now_ms) is Change.STRONGER
    office.pass_s(890, turn_s=10)
    assert office.phones["chief"].got == []
    office.pass_s(3_600, turn_s=20)

    assert office.violation().state == "acknowledged"
    assert office.phones["chief"].titles == ["■ 恢复用电 15分钟未确认 示例铸造0厂1号炉 326kW"]
    office.check_complete()


def test_each_time_that_nobody_looks_is_escalated_once(tmp_path: Path) -> None:
    """Escalated, seen, back, and not seen again: the chief hears a second time, and no third."""
    office = Office(tmp_path, CHIEF, escalate_after_min=15)
    office.found(0)
    office.pass_s(1_800, turn_s=20)
    acknowledge(office)
    office.found(0, ended=True)
    office.pass_s(60, turn_s=5)
    office.found(0, at=office.clock.now_ms)
    office.pass_s(7_200, turn_s=60)

    assert office.outcomes()["chief", "escalated", "told"] == 2
    office.check_complete()


def test_what_came_back_and_was_seen_is_not_escalated(tmp_path: Path) -> None:
    """The second time somebody looked within the time."""
    office = Office(tmp_path, CHIEF, escalate_after_min=15)
    office.found(0)
    acknowledge(office)
    office.found(0, ended=True)
    office.pass_s(60, turn_s=5)
    office.found(0, at=office.clock.now_ms)
    office.pass_s(600, turn_s=20)
    acknowledge(office)
    office.pass_s(7_200, turn_s=60)

    assert office.phones["chief"].got == []


def test_a_muted_comeback_is_escalated_after_the_mute(tmp_path: Path) -> None:
    """A mute delays this escalation as it does the first."""
    office = Office(tmp_path, CHIEF, escalate_after_min=15)
    office.found(0)
    acknowledge(office)
    office.found(0, ended=True)
    office.pass_s(60, turn_s=5)
    office.found(0, at=office.clock.now_ms)
    mute(office, 1_800)
    office.pass_s(1_790, turn_s=10)
    assert office.phones["chief"].got == []
    office.pass_s(60, turn_s=10)

    assert office.phones["chief"].titles == ["■ 恢复用电 30分钟未确认 示例铸造0厂1号炉 326kW"]
