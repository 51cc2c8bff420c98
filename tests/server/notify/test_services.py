"""Services that Apprise sends itself: its word is the answer, its own host is judged, its texts are not shown."""

import pytest
from apprise import Apprise
from apprise.plugins.feishu import NotifyFeishu

from server.notify.apprise_sender import Service, sender
from server.notify.channels import Channel
from server.notify.reach import Reach
from server.notify.sender import Outgoing
from tests.server.notify.office import alerts_of
from tests.server.notify.receiver import WebReceiver, web

MESSAGE = Outgoing(
    id="M-ABC", title="■ 恢复用电 某铸造厂2号炉 326kW", body="02:10:07 起\n值班/闽侯县/红色", document={}
)


def channel(url: str, form: str = "chat") -> Channel:
    """A channel of an address."""
    return Channel(
        name="duty", url=url, form=form, to="值班", counties=frozenset(),  # type: ignore[arg-type]  # from a table
        severities=frozenset({"red"}), language="zh", escalation=False, own=False,
    )  # fmt: skip


def feishu(receiver: WebReceiver) -> Service:
    """Feishu's robot at a receiver's address."""
    plugin = Apprise.instantiate("feishu://token-1/")
    assert isinstance(plugin, NotifyFeishu)
    plugin.notify_url = f"http://127.0.0.1:{receiver.port}/open-apis/bot/v2/hook/{{token}}/"
    return Service(plugin, channel("feishu://token-1/"), Reach([]))


def test_feishu_gets_title_and_text() -> None:
    """One text with both, as Feishu wants it; code 0 is a delivery."""
    with web() as receiver:
        receiver.answer = b'{"code":0,"msg":"success"}'
        answer = feishu(receiver).send(MESSAGE)
        [request] = receiver.got

    assert answer.delivered
    assert request.path == "/open-apis/bot/v2/hook/token-1/"
    assert request.body == {"msg_type": "text", "content": {"text": f"{MESSAGE.title}\r\n{MESSAGE.body}"}}


@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (200, b'{"code":11232,"msg":"frequency limited"}', "feishu: not sent (answer 11232)"),
        (500, b"", "feishu: not sent (answer 500)"),
    ],
)
def test_what_feishu_refuses_is_not_delivered(status: int, answer: bytes, reason: str) -> None:
    """Apprise reads Feishu's code in the body; of its line only the number is kept."""
    with web() as receiver:
        receiver.status, receiver.answer = status, answer
        said = feishu(receiver).send(MESSAGE)

    assert (said.delivered, said.reached, said.reason) == (False, True, reason)


def test_a_service_that_is_gone_says_nothing_of_its_address() -> None:
    """No answer at all: the message waits, and no token is in the reason."""
    receiver = WebReceiver()
    receiver.start()
    receiver.stop()
    said = feishu(receiver).send(MESSAGE)

    assert (said.delivered, said.reached, said.reason) == (False, False, "feishu: not sent")


def test_a_services_own_host_is_judged() -> None:
    """A self-hosted service on the inside is refused, unless its host is allowed by name."""
    with web() as receiver:
        there = channel(f"ntfy://127.0.0.1:{receiver.port}/topic")
        refused = sender(there, alerts_of([])).send(MESSAGE)
        assert receiver.got == []
        allowed = sender(there, alerts_of([], allow_inside=["127.0.0.1"])).send(MESSAGE)

    assert refused.reason.startswith("127.0.0.1 is an inside address: expected one outside")
    assert allowed.delivered
    assert receiver.got[0].body["message"] == MESSAGE.body


def test_a_service_follows_no_redirect() -> None:
    """Apprise follows redirects by itself unless it is told not to; even an address cannot ask for it."""
    with web() as elsewhere, web() as receiver:
        receiver.status, receiver.headers = 307, {"Location": f"http://127.0.0.1:{elsewhere.port}/"}
        there = channel(f"ntfy://127.0.0.1:{receiver.port}/topic?redirect=yes")
        said = sender(there, alerts_of([], allow_inside=["127.0.0.1"])).send(MESSAGE)

        assert elsewhere.got == []
    assert not said.delivered
