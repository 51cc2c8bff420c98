"""Who is told of what, once: settle, mute, group, de-duplicate; and the log that says why."""

from pathlib import Path

from server import life, mutes, violations
from server.access.rights import RIGHTS, Role
from server.access.who import Who
from server.detect.finding import Code
from server.notify import OwnKind
from server.violations import Change
from tests.server.ingest.plant import START_MS
from tests.server.notify.office import CHANGLE, MINHOU, Office

DUTY: list[dict[str, object]] = [{"name": "duty"}]
BY = Who(name="li", shown_as="李某", kind="account", rights=RIGHTS[Role.MONITOR])


def test_a_restart_is_told_once_and_the_log_says_why(tmp_path: Path) -> None:
    """One finding, one message; what only grows is told to nobody."""
    office = Office(tmp_path, DUTY)
    office.found(0)
    office.pass_s(5)
    for _ in range(3):
        assert office.found(0) is Change.GREW
        office.pass_s(10)

    assert office.phones["duty"].titles == ["■ 恢复用电 示例铸造0厂1号炉 326kW"]
    assert [(one.outcome.value, one.why, one.delivery) for one in office.log()] == [
        ("told", "值班/闽侯县/红色", "delivered")
    ]
    office.check_complete()


def test_nothing_is_told_before_it_settles(tmp_path: Path) -> None:
    """Within settle_s nobody hears of it; amber that is over by then is told to nobody, red still is."""
    office = Office(tmp_path, DUTY, settle_s=10)
    office.found(0, Code.SILENT)
    office.found(1)
    office.pass_s(5)
    office.found(0, Code.SILENT, ended=True)
    office.found(1, ended=True)
    assert office.phones["duty"].got == []
    office.pass_s(30)

    assert office.phones["duty"].titles == ["□ 恢复用电 已停止 示例铸造1厂1号炉 326kW"]
    assert office.outcomes() == {
        ("duty", "new", "over"): 1,
        ("duty", "ended", "over"): 1,
        ("duty", "new", "told"): 1,
        ("duty", "ended", "told"): 1,
    }
    office.check_complete()


def test_the_end_is_told_to_whom_was_told_of_the_beginning(tmp_path: Path) -> None:
    """A channel that was not told that something began is not told that it ended."""
    office = Office(tmp_path, [{"name": "all"}, {"name": "red", "severities": ["red"]}])
    office.found(0, Code.SILENT)
    office.pass_s(5)
    office.found(0, Code.SILENT, ended=True)
    office.pass_s(5)

    assert office.phones["all"].titles == ["▨ 未证实 示例铸造0厂1号炉 3min", "▨ 联络恢复 示例铸造0厂1号炉"]
    assert office.phones["red"].got == []
    assert {one.why for one in office.log() if one.channel == "red"} == {"severity amber"}
    office.check_complete()


def test_an_end_that_no_finding_reports_is_told(tmp_path: Path) -> None:
    """Silence ends by itself in the store: the notifier sees it there."""
    office = Office(tmp_path, DUTY)
    office.found(0, Code.SILENT)
    office.pass_s(5)
    with office.store.transaction() as session:
        violations.end(session, office.seals[0], Code.SILENT, "a1", office.clock.now_ms)
    office.pass_s(5)

    assert office.phones["duty"].titles[1:] == ["▨ 联络恢复 示例铸造0厂1号炉"]
    office.check_complete()


def test_each_county_hears_of_its_own(tmp_path: Path) -> None:
    """A county's channel is told of that county, the city's of all."""
    office = Office(tmp_path, [{"name": "minhou", "counties": [MINHOU]}, {"name": "city", "to": "市办"}])
    office.found(0)
    office.found(1)
    office.pass_s(5)

    assert len(office.phones["minhou"].got) == 1
    assert len(office.phones["city"].got) == 2
    assert {one.why for one in office.log()} == {
        "值班/闽侯县/红色",
        "市办/闽侯县/红色",
        "市办/长乐区/红色",
        f"county {CHANGLE}",
    }
    office.check_complete()


def test_what_grows_stronger_is_told_again(tmp_path: Path) -> None:
    """A stronger finding of the same event is news."""
    office = Office(tmp_path, DUTY)
    office.found(0, Code.ENERGISED)
    office.pass_s(5)
    assert office.found(0) is Change.STRONGER
    office.pass_s(5)

    assert office.phones["duty"].titles == [
        "■ 重新带电 示例铸造0厂1号炉 231V",
        "■ 加重 恢复用电 示例铸造0厂1号炉 326kW",
    ]
    office.check_complete()


def test_chattering_is_told_once(tmp_path: Path) -> None:
    """On and off each minute is one beginning and one end; what goes on for long after its end is told again."""
    office = Office(tmp_path, DUTY)
    for turn in range(4):
        at = START_MS + turn * 60_000
        office.found(0, at=at)
        office.pass_s(30, turn_s=5)
        office.found(0, at=at, ended=True)
        office.pass_s(30, turn_s=5)
    assert len(office.phones["duty"].got) == 2
    office.found(0, at=START_MS + 300_000)
    office.pass_s(700, turn_s=20)

    assert office.phones["duty"].titles[2:] == ["■ 再次恢复用电 示例铸造0厂1号炉 326kW"]
    assert office.outcomes()["duty", "ended", "repeated"] == 3
    office.check_complete()


def test_a_mute_stops_messages_and_the_log_names_who_and_why(tmp_path: Path) -> None:
    """Muted for a time by a person: no message, but an outcome with author and reason."""
    office = Office(tmp_path, DUTY)
    with office.store.transaction() as session:
        mutes.mute(session, by=BY, county_code=MINHOU, until_ms=START_MS + 3_600_000, reason="演练", now_ms=START_MS)
    office.found(0)
    office.found(1)
    office.pass_s(5)

    assert office.phones["duty"].titles == ["■ 恢复用电 示例铸造1厂1号炉 326kW"]
    muted = next(one for one in office.log() if one.outcome.value == "muted")
    assert muted.why.startswith("li: 演练 (until 2026-")
    office.check_complete()


def test_a_beginning_whose_end_was_muted_is_not_told_twice(tmp_path: Path) -> None:
    """Told, ended under a mute, and going on after it: for the receiver it never stopped."""
    office = Office(tmp_path, DUTY)
    office.found(0)
    office.pass_s(5)
    until_ms = office.clock.now_ms + 60_000
    with office.store.transaction() as session:
        mutes.mute(session, by=BY, seal_id="FZ-0000", until_ms=until_ms, reason="检修", now_ms=office.clock.now_ms)
    office.found(0, ended=True)
    office.pass_s(100, turn_s=10)
    office.found(0, at=office.clock.now_ms)
    office.pass_s(700, turn_s=20)

    assert len(office.phones["duty"].got) == 1
    assert office.outcomes() == {
        ("duty", "new", "told"): 1,
        ("duty", "ended", "muted"): 1,
        ("duty", "new", "repeated"): 1,
    }
    office.check_complete()


def test_an_unacknowledged_red_is_escalated_once(tmp_path: Path) -> None:
    """After escalate_after_min the channels for it are told, once; what somebody saw is not escalated."""
    office = Office(tmp_path, [*DUTY, {"name": "chief", "escalation": True, "to": "带班领导"}], escalate_after_min=15)
    office.found(0)
    office.found(1)
    office.pass_s(60)
    with office.store.transaction() as session:
        life.acknowledge(session, office.violation(1).id, by=BY, reason="", now_ms=office.clock.now_ms)
    office.pass_s(830, turn_s=30)
    assert office.phones["chief"].got == []
    office.pass_s(20, turn_s=10)
    office.pass_s(3_600, turn_s=100)
    office.found(0, ended=True)
    office.pass_s(5)

    assert office.phones["chief"].titles == [
        "■ 恢复用电 15分钟未确认 示例铸造0厂1号炉 326kW",
        "□ 已停止用电 示例铸造0厂1号炉",
    ]
    assert len(office.phones["duty"].got) == 3
    assert {one.why for one in office.log() if one.channel == "chief" and one.outcome.value == "told"} == {
        "带班领导/闽侯县/红色"
    }
    office.check_complete()


def test_a_muted_red_is_escalated_when_the_mute_is_over(tmp_path: Path) -> None:
    """A mute delays the escalation, it does not swallow it."""
    office = Office(tmp_path, [{"name": "chief", "escalation": True}], escalate_after_min=15)
    with office.store.transaction() as session:
        mutes.mute(session, by=BY, seal_id="FZ-0000", until_ms=START_MS + 1_800_000, reason="检修", now_ms=START_MS)
    office.found(0)
    office.pass_s(1_790, turn_s=30)
    assert office.phones["chief"].got == []
    office.pass_s(30)

    assert office.phones["chief"].titles == ["■ 恢复用电 30分钟未确认 示例铸造0厂1号炉 326kW"]


def test_two_channels_with_one_address_are_one_receiver(tmp_path: Path) -> None:
    """Nobody is told twice because he is reached on two ways that are the same."""
    same = "https://one.example.org/x"
    office = Office(tmp_path, [{"name": "duty", "url": same}, {"name": "night", "url": same}])
    office.found(0)
    office.pass_s(5)
    office.found(0, ended=True)
    office.pass_s(5)

    assert [len(phone.got) for phone in office.phones.values()] == [2, 0]
    assert office.outcomes() == {
        ("duty", "new", "told"): 1,
        ("night", "new", "repeated"): 1,
        ("duty", "ended", "told"): 1,
        ("night", "ended", "repeated"): 1,
    }
    office.check_complete()


def test_a_blackout_is_a_handful_of_messages(tmp_path: Path) -> None:
    """300 findings in a minute: the first few by themselves, then groups with members inside; the ends likewise."""
    office = Office(tmp_path, DUTY, seals=300)
    for minute_part in range(60):
        for n in range(5):
            office.found(5 * minute_part + n, Code.SILENT)
        office.pass_s(1)
    office.pass_s(120, turn_s=5)
    began = office.phones["duty"].got
    assert len(began) <= 7
    assert sum(len(_ids(message.document)) for message in began) == 300
    assert any("2 个县:" in message.title and "处未证实" in message.title for message in began)
    assert "· 示例铸造3厂有限公司 1 号炉" in began[3].body

    for n in range(300):
        office.found(n, Code.SILENT, ended=True)
    office.pass_s(300, turn_s=10)

    assert len(office.phones["duty"].got) <= 14
    assert office.outcomes()["duty", "new", "grouped"] >= 290
    office.check_complete()


def test_a_restart_is_not_lost_in_a_blackout(tmp_path: Path) -> None:
    """A red one is told by itself and at once, however many amber ones wait for their group."""
    office = Office(tmp_path, DUTY, seals=51)
    for n in range(50):
        office.found(n, Code.SILENT)
    office.pass_s(3)
    office.found(50)
    office.pass_s(3)

    assert office.phones["duty"].titles[-1] == "■ 恢复用电 示例铸造50厂1号炉 326kW"
    assert len(office.phones["duty"].got) == 4


def test_own_troubles_go_to_channels_that_want_them(tmp_path: Path) -> None:
    """The same topic is told once until it is mended, then told as mended."""
    office = Office(tmp_path, [*DUTY, {"name": "it", "own": True, "severities": []}])
    assert office.own("disk", OwnKind.TROUBLE)
    office.pass_s(5)
    assert not office.own("disk", OwnKind.TROUBLE)
    office.pass_s(60)
    assert office.own("disk", OwnKind.MENDED)
    office.pass_s(5)
    assert not office.own("disk", OwnKind.MENDED)

    assert office.phones["duty"].got == []
    assert office.phones["it"].titles == ["◇ 技术 磁盘将满", "◇ 技术 已恢复 磁盘将满"]
    office.check_complete()


def test_an_own_trouble_that_is_over_at_once_is_told_with_its_end(tmp_path: Path) -> None:
    """Nobody else saw a database that was away for a second: one message has both, and it is told once."""
    office = Office(tmp_path, [*DUTY, {"name": "it", "own": True, "severities": []}])
    assert office.own("behind", OwnKind.TROUBLE)
    assert office.own("behind", OwnKind.MENDED)
    office.pass_s(60, turn_s=5)

    [got] = office.phones["it"].got
    assert got.title == "◇ 技术 已恢复 磁盘将满"
    assert got.body.splitlines()[0] == "2026-03-01 00:00:00 起（北京时间）"
    assert got.body.count("磁盘将满：还剩 1 GiB。") == 2
    assert [one["kind"] for one in _events(got.document)] == ["trouble", "mended"]
    assert office.phones["duty"].got == []
    office.check_complete()


def test_an_own_trouble_that_comes_back_at_once_is_not_told_as_mended(tmp_path: Path) -> None:
    """Over and there again before it settled: the last that is told is that it goes on."""
    office = Office(tmp_path, [{"name": "it", "own": True}])
    for kind in (OwnKind.TROUBLE, OwnKind.MENDED, OwnKind.TROUBLE):
        assert office.own("disk", kind)
        if kind is OwnKind.TROUBLE:
            office.pass_s(5)

    assert office.phones["it"].titles == ["◇ 技术 磁盘将满", "◇ 技术 磁盘将满"]
    assert [one["kind"] for one in _events(office.phones["it"].got[1].document)] == ["mended", "trouble"]
    office.check_complete()


def test_without_channels_events_are_decided_at_once(tmp_path: Path) -> None:
    """A channel that is added later is not flooded with what happened before."""
    office = Office(tmp_path, [])
    office.found(0)
    office.pass_s(5)

    office.check_complete()
    assert office.notifier.health().undecided == 0


def _ids(document: dict[str, object]) -> list[object]:
    return [event["violation_id"] for event in _events(document)]


def _events(document: dict[str, object]) -> list[dict[str, object]]:
    events = document["events"]
    assert isinstance(events, list)
    return events
