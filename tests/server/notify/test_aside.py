"""One story with which we make a mistake: the others are told, it is shown with its events, and told when it can be."""

import logging
from pathlib import Path

import pytest
from sqlmodel import col, select

from server.detect.finding import Code
from server.notify.aside import Aside
from server.notify.tables import AlertEvent, AlertMessage
from server.tables import StoredFinding, Violation
from tests.server.ingest.plant import START_MS
from tests.server.notify.office import Office

BEYOND_ANY_YEAR_MS = 10**17
"""A time that no calendar of Python has: no text can be written of it."""


def spoil(office: Office, seal: int) -> None:
    """Store what no text can be written of."""
    _set_first_ms(office, seal, BEYOND_ANY_YEAR_MS)


def mend(office: Office, seal: int) -> None:
    """Store what it should be."""
    _set_first_ms(office, seal, START_MS)


def test_the_others_are_told_and_it_is_told_when_it_can_be(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Logged with its events, shown in the health, tried with growing pauses, and told after it was mended."""
    office = Office(tmp_path, [{"name": "duty"}], seals=2)
    office.found(0)
    office.found(1)
    spoil(office, 0)
    with caplog.at_level(logging.ERROR, "coldseal.server.notify"):
        office.pass_s(120)
    assert office.phones["duty"].titles == ["■ 恢复用电 示例铸造1厂1号炉 326kW"]
    assert office.notifier.health().trouble == (
        "a mistake of ours (ValueError) keeps events from being told: 1 (1 in all); see the log"
    )
    assert office.notifier.health().undecided == 1
    logged = [record for record in caplog.records if record.exc_info]
    assert 3 <= len(logged) <= 6
    assert f"with events 1 of {office.violation(0).id} for duty" in logged[0].getMessage()

    mend(office, 0)
    office.pass_s(300)
    assert office.phones["duty"].titles[1:] == ["■ 恢复用电 示例铸造0厂1号炉 326kW"]
    assert office.notifier.health().trouble is None
    office.check_complete()


def test_what_cannot_even_be_read_holds_up_nobody(tmp_path: Path) -> None:
    """A violation without its finding is kept for every channel; the other one goes out by both."""
    office = Office(tmp_path, [{"name": "duty"}, {"name": "night"}], seals=2)
    office.found(0)
    with office.store.transaction() as session:
        session.delete(session.exec(select(StoredFinding)).one())
    office.found(1)
    office.pass_s(30)

    assert [phone.titles for phone in office.phones.values()] == [["■ 恢复用电 示例铸造1厂1号炉 326kW"]] * 2
    assert "(KeyError) keeps events from being told: 1 (1 in all)" in (office.notifier.health().trouble or "")
    assert {one.seal_id for one in office.log()} == {office.seals[1]}


def test_what_another_channel_decided_stays(tmp_path: Path) -> None:
    """It is set aside for the channel that cannot tell it; what the others made of it is written down, once."""
    office = Office(tmp_path, [{"name": "it", "own": True}, {"name": "duty", "severities": ["amber"]}], seals=1)
    office.found(0)
    spoil(office, 0)
    office.pass_s(60, turn_s=5)

    assert office.outcomes() == {("duty", "new", "not_for_channel"): 1}
    mend(office, 0)
    office.pass_s(300, turn_s=5)
    assert len(office.phones["it"].got) == 1
    office.check_complete()


def test_one_of_a_group_does_not_cost_the_others_theirs(tmp_path: Path) -> None:
    """A blackout of a dozen, one of which cannot be told: eleven are, in a handful of messages, and later the one."""
    office = Office(tmp_path, [{"name": "duty"}], seals=12)
    for n in range(12):
        office.found(n, Code.SILENT)
    spoil(office, 7)
    office.pass_s(100, turn_s=5)
    assert office.phones["duty"].titles[-1] == "▨ 2 个县:8 处未证实"
    assert len(office.phones["duty"].got) == 4
    mend(office, 7)
    office.pass_s(300, turn_s=5)

    assert len(office.phones["duty"].got) == 5
    office.check_complete()


def test_a_message_that_cannot_be_sent_lets_the_others_pass(tmp_path: Path) -> None:
    """What is stored of it cannot be read: it stays with its reason, its channel goes on."""
    office = Office(tmp_path, [{"name": "duty"}])
    office.phones["duty"].refuses = "no answer"
    office.found(0)
    office.pass_s(3)
    with office.store.transaction() as session:
        session.exec(select(AlertMessage)).one().document = "{"
    office.phones["duty"].refuses = None
    office.found(1)
    office.pass_s(120, turn_s=5)

    assert office.phones["duty"].titles == ["■ 恢复用电 示例铸造1厂1号炉 326kW"]
    waiting = next(one for one in office.log() if one.seal_id == office.seals[0])
    assert (waiting.delivery, waiting.last_error) == ("waiting", "a mistake of ours: JSONDecodeError; see the log")


def test_many_that_are_set_aside_leave_room_for_the_rest(tmp_path: Path) -> None:
    """More than one turn looks at, all of them mistakes: what comes after them is still looked at."""
    office = Office(tmp_path, [{"name": "duty", "own": True}])
    with office.store.transaction() as session:
        session.add_all(
            [
                AlertEvent(kind="of a newer release", topic=f"t{n}", severity="technical", at_ms=START_MS)
                for n in range(600)
            ]
        )
    office.found(0)
    office.pass_s(10)

    assert office.phones["duty"].titles == ["■ 恢复用电 示例铸造0厂1号炉 326kW"]
    assert "keeps events from being told: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 … (600 in all);" in (
        office.notifier.health().trouble or ""
    )


def test_pauses_grow_with_each_mistake_and_begin_anew() -> None:
    """5 s, 10 s, 20 s; once it went well the next mistake is the first again."""
    aside, now_ms, waits = Aside(), START_MS, list[int]()
    for turn in range(6):
        with aside.minding({"V-1": [1]}, "duty", now_ms):
            assert turn == 3, "a mistake"  # the fourth goes well
        start_ms = now_ms
        while aside.holds("V-1", "duty", now_ms):
            now_ms += 1_000
        waits.append((now_ms - start_ms) // 1_000)
        if turn == 3:
            aside.forgive(now_ms)

    assert waits == [5, 10, 20, 0, 5, 10]
    assert aside.events == 1


def _set_first_ms(office: Office, seal: int, first_ms: int) -> None:
    with office.store.transaction() as session:
        mine = select(Violation).where(col(Violation.seal_id) == office.seals[seal])
        session.exec(mine).one().first_ms = first_ms
