"""Group robots: DingTalk's signature, the body of the request, and that HTTP 200 alone is no delivery."""

import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from apprise import Apprise
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.wecombot import NotifyWeComBot

from server.notify.apprise_sender import Robot
from server.notify.reach import Reach
from server.notify.sender import Outgoing
from tests.server.notify.receiver import WebReceiver, web

MESSAGE = Outgoing(
    id="M-ABC", title="■ 恢复用电 某铸造厂2号炉 326kW", body="02:10:07 起\n值班/闽侯县/红色", document={}
)


def robot(url: str, receiver: WebReceiver | None = None) -> Robot:
    """A robot at its own address, or at a receiver's."""
    plugin = Apprise.instantiate(url)
    assert isinstance(plugin, NotifyDingTalk | NotifyWeComBot)
    if receiver is not None:
        here = f"http://127.0.0.1:{receiver.port}"
        plugin.notify_url = here + plugin.notify_url.partition(".com")[2]
        if isinstance(plugin, NotifyWeComBot):
            plugin.api_url = plugin.notify_url.format(key=plugin.key)
    return Robot(plugin, Reach(["127.0.0.1"]), 5.0)


def test_dingtalks_signature_is_right() -> None:
    """HMAC-SHA256 over timestamp and secret, Base64, percent-encoded once, as DingTalk's page has it."""
    secret = "SEC0123456789abcdef"
    query = parse_qs(urlsplit(robot(f"dingtalk://{secret}@token123/").url()).query)

    [timestamp], [sign] = query["timestamp"], query["sign"]
    expected = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()
    assert sign == base64.b64encode(expected).decode()
    assert query["access_token"] == ["token123"]


def test_the_signature_arrives_as_it_was_made() -> None:
    """On the wire too: the receiver decodes the query once and finds the same signature."""
    secret = "SEC0123456789abcdef"
    with web() as receiver:
        receiver.answer = b'{"errcode":0,"errmsg":"ok"}'
        assert robot(f"dingtalk://{secret}@token123/", receiver).send(MESSAGE).delivered
        [request] = receiver.got

    query = parse_qs(urlsplit(request.path).query)
    expected = hmac.new(secret.encode(), f"{query['timestamp'][0]}\n{secret}".encode(), hashlib.sha256).digest()
    assert query["sign"] == [base64.b64encode(expected).decode()]


@pytest.mark.parametrize("url", ["dingtalk://token123/", "wecombot://key-123/"])
def test_a_robot_gets_text(url: str) -> None:
    """Title and text in one, Chinese as it is (escaped it would be twice as long), the id in the header."""
    with web() as receiver:
        receiver.answer = b'{"errcode":0,"errmsg":"ok"}'
        answer = robot(url, receiver).send(MESSAGE)
        [request] = receiver.got

    assert answer.delivered
    assert request.body["msgtype"] == "text"
    assert request.body["text"] == {"content": f"{MESSAGE.title}\n{MESSAGE.body}"}
    assert request.headers["x-coldseal-message-id"] == "M-ABC"
    assert int(request.headers["content-length"]) == len(json.dumps(request.body, ensure_ascii=False).encode())


@pytest.mark.parametrize("url", ["dingtalk://token123/", "wecombot://key-123/"])
@pytest.mark.parametrize(
    ("status", "answer", "reason"),
    [
        (200, b'{"errcode":310000,"errmsg":"sign not match"}', "the robot refused it: errcode 310000: sign not match"),
        (
            200,
            b'{"errcode":45009,"errmsg":"freq out of limit"}',
            "the robot refused it: errcode 45009: freq out of limit",
        ),
        (200, b"<html>a captive portal</html>", "the robot refused it: errcode None: "),
        (200, b"[]", "the robot refused it: errcode None: "),
        (500, b"", "HTTP 500"),
    ],
)
def test_what_a_robot_refuses_is_not_delivered(url: str, status: int, answer: bytes, reason: str) -> None:
    """Both say in the body what is wrong, with HTTP 200: that is no delivery."""
    with web() as receiver:
        receiver.status, receiver.answer = status, answer
        said = robot(url, receiver).send(MESSAGE)

    assert not said.delivered
    assert said.reached
    assert said.reason == reason


@pytest.mark.parametrize("url", ["dingtalk://token123/", "wecombot://key-123/"])
def test_an_error_does_not_show_the_address(url: str) -> None:
    """The text of a network error holds the whole address; what is kept does not."""
    receiver = WebReceiver()
    receiver.start()
    receiver.stop()
    said = robot(url, receiver).send(MESSAGE)

    assert not said.reached
    assert "123" not in said.reason
