"""Retried, never lost, never twice but where the answer was lost: against a real web receiver."""

import socket
import time
from collections import Counter
from pathlib import Path

import msgspec

from server.detect.finding import Code
from server.notify.apprise_sender import sender
from server.notify.channels import AlertsFile, Channel
from server.notify.sender import MOST_S, Sender, pause_ms
from server.settings import Settings
from tests.server.notify.office import Office, Phone
from tests.server.notify.receiver import WebReceiver, web

HERE = ["127.0.0.1"]


def to(receiver: WebReceiver, name: str = "hook") -> dict[str, object]:
    """A channel to a receiver."""
    return {"name": name, "url": f"http://127.0.0.1:{receiver.port}/alerts/x?key=k1"}


def test_a_webhook_gets_the_event_and_the_id(tmp_path: Path) -> None:
    """Header and document carry the message's id; the document has Apprise's fields and ours."""
    with web() as receiver:
        office = Office(tmp_path, [to(receiver)], make=sender, allow_inside=HERE)
        office.found(0)
        office.pass_s(5)
        [request] = receiver.got
        [message] = office.messages()

    assert request.path == "/alerts/x?key=k1"
    assert request.headers["x-coldseal-message-id"] == request.body["message_id"] == message.id
    assert request.body["title"] == "■ 恢复用电 示例铸造0厂1号炉 326kW"
    assert request.body["events"] == [
        {
            "kind": "new", "violation_id": office.violation().id, "seal": "FZ-0000", "code": "resumed_power",
            "severity": "red", "county_code": "350121", "enterprise": "示例铸造0厂有限公司", "furnace": "1 号炉",
            "first_time": "2026-03-01T00:00:00.000+08:00", "ended_time": None,
            "detected_time": "2026-03-01T00:00:00.000+08:00",
            "link": f"https://coldseal.example.org/violations/{office.violation().id}",
        }
    ]  # fmt: skip


def test_apprise_form_of_a_webhook(tmp_path: Path) -> None:
    """json:// is the same; Apprise's +Header and -parameter go along."""
    with web() as receiver:
        url = f"json://127.0.0.1:{receiver.port}/hook?%2BX-Token=t1&-room=7"
        office = Office(tmp_path, [{"name": "hook", "url": url}], make=sender, allow_inside=HERE)
        office.found(0)
        office.pass_s(5)
        [request] = receiver.got

    assert request.path == "/hook?room=7"
    assert request.headers["x-token"] == "t1"


def test_a_channel_that_is_down_for_ten_minutes_loses_none(tmp_path: Path) -> None:
    """Nobody listens for ten minutes: every message is kept, tried with growing pauses, and comes once, in order."""
    receiver = WebReceiver()
    office = Office(tmp_path, [to(receiver)], make=sender, seals=6, allow_inside=HERE)
    receiver.start()
    receiver.stop()
    codes = (Code.RESUMED_POWER, Code.SILENT)
    for n in range(6):
        office.found(n, codes[n % 2])
        office.pass_s(100, turn_s=5)
    health = office.notifier.health()
    assert health.waiting == 6
    assert health.oldest_waiting_s > 590
    assert health.channels[0].last_error == "127.0.0.1: no answer: ConnectionError"
    assert health.channels[0].failures < 20

    with web() as back:
        office.settings = Settings(data=tmp_path, alerts=_moved(office, back.port))
        office.restart()
        office.pass_s(MOST_S + 60, turn_s=5)

        assert len(back.ids) == len(set(back.ids)) == 6
        assert [request.body["message_id"] for request in back.got] == [one.id for one in office.messages()]
    assert office.notifier.health().waiting == 0
    office.check_complete()


def test_a_lost_answer_is_repeated_with_the_same_id(tmp_path: Path) -> None:
    """The receiver took it and hung up: it comes again with the same id, and once it is answered no more."""
    with web() as receiver:
        receiver.hangs_up = True
        office = Office(tmp_path, [to(receiver)], make=sender, allow_inside=HERE)
        office.found(0)
        office.pass_s(6)
        assert len(receiver.got) == 1
        receiver.hangs_up = False
        office.pass_s(60, turn_s=5)

        assert len(receiver.ids) == 2
        assert len(set(receiver.ids)) == 1
    assert [(one.delivery, one.attempts) for one in office.log()] == [("delivered", 2)]


def test_a_server_killed_before_it_sent_sends_after_its_start(tmp_path: Path) -> None:
    """What was decided is in the post: a restart sends it, and what had its answer is not sent again."""
    with web() as receiver:
        office = Office(tmp_path, [to(receiver)], make=sender, allow_inside=HERE)
        receiver.status = 503
        office.found(0)
        office.pass_s(4)
        office.restart()
        receiver.status = 200
        office.pass_s(30, turn_s=5)
        office.restart()
        office.found(1)
        office.pass_s(30, turn_s=5)

        assert sorted(Counter(receiver.ids).values()) == [1, 2]
    office.check_complete()


def test_an_event_noted_right_before_a_kill_is_told(tmp_path: Path) -> None:
    """The event was committed with the violation, nothing was decided yet: the next start decides and sends it."""
    office = Office(tmp_path, [{"name": "duty"}])
    office.found(0)
    office.restart()
    office.pass_s(5)

    assert len(office.phones["duty"].got) == 1


def test_a_dead_channel_delays_no_other(tmp_path: Path) -> None:
    """One that takes connections and never answers; the other has its message in the same turn, with no wait for it."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        dead = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        phones: dict[str, Phone] = {}

        def make(channel: Channel, alerts: AlertsFile) -> Sender:
            if channel.name == "dead":
                return sender(channel, alerts)
            return phones.setdefault(channel.name, Phone(channel.name))

        channels: list[dict[str, object]] = [{"name": "dead", "url": dead}, {"name": "duty"}]
        office = Office(tmp_path, channels, make=make, allow_inside=HERE, timeout_s=0.3)
        office.found(0)
        office.pass_s(30)

    assert len(phones["duty"].got) == 1
    assert office.notifier.health().channels[0].last_error == "127.0.0.1: no answer within 0.3 s"


def test_one_refused_message_does_not_stop_its_channel(tmp_path: Path) -> None:
    """The others pass a message that the receiver will not take; it is tried on, and comes when it is taken."""
    office = Office(tmp_path, [{"name": "duty"}])
    phone = office.phones["duty"]
    phone.refuses = "no answer"
    office.found(0)
    office.found(1)
    office.pass_s(5)
    phone.refuses, phone.poison = None, phone.tried[0]
    office.pass_s(60, turn_s=5)
    assert [message.id for message in phone.got] == [one.id for one in office.messages() if one.id != phone.poison]
    phone.poison = None
    office.pass_s(2 * MOST_S, turn_s=5)

    assert len({message.id for message in phone.got}) == len(phone.got) == 2


def test_pauses_grow_to_a_limit_and_never_end() -> None:
    """5 s, 10 s, 20 s … 5 min, and 5 min for ever."""
    assert [pause_ms(n) // 1000 for n in (1, 2, 3, 4, 5, 6, 7, 8, 500)] == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """A receiver that points elsewhere gets an error in the log, and elsewhere gets nothing."""
    with web() as elsewhere, web() as receiver:
        receiver.status, receiver.headers = 307, {"Location": f"http://127.0.0.1:{elsewhere.port}/"}
        office = Office(tmp_path, [to(receiver)], make=sender, allow_inside=HERE)
        office.found(0)
        office.pass_s(5)

        assert elsewhere.got == []
    [one] = office.log()
    assert one.last_error == "127.0.0.1: redirects elsewhere (HTTP 307), which is not followed"
    assert one.delivery == "waiting"


def test_an_inside_address_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    """Not named in allow_inside: nothing goes out, the log says what to do; once it is named, it is delivered."""
    with web() as receiver:
        office = Office(tmp_path, [to(receiver)], make=sender)
        office.found(0)
        office.pass_s(5)
        [one] = office.log()
        assert receiver.got == []
        assert one.last_error == (
            "127.0.0.1 is an inside address: expected one outside, or its name in alerts.allow_inside; nothing was sent"
        )
        alerts = office.settings.alerts
        assert alerts is not None
        allowed = msgspec.structs.replace(alerts, allow_inside=HERE)
        office.settings = Settings(data=tmp_path, alerts=allowed)
        office.restart()
        office.pass_s(30, turn_s=5)

        assert len(receiver.got) == 1


def test_the_thread_tells_by_itself(tmp_path: Path) -> None:
    """Started as the server starts it, and stopped in between: the message arrives without a step of ours."""
    office = Office(tmp_path, [{"name": "duty"}], settle_s=0)
    for _ in range(2):
        notifier = office.new_notifier()
        notifier.start()
        notifier.stop()
    office.found(0)
    notifier = office.new_notifier()
    notifier.start()
    try:
        for _ in range(200):
            if office.phones["duty"].got:
                break
            time.sleep(0.05)
        assert notifier.health().working
    finally:
        notifier.stop()

    assert len(office.phones["duty"].got) == 1
    assert not notifier.health().working


def _moved(office: Office, port: int) -> AlertsFile:
    """The same channel at another port."""
    alerts = office.settings.alerts
    assert alerts is not None
    channels = [msgspec.structs.replace(one, url=f"http://127.0.0.1:{port}/") for one in alerts.channels]
    return msgspec.structs.replace(alerts, channels=channels)
