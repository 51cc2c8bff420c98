"""The work of `coldseal server notify test`: one message to each channel, outside the post."""

import json
import secrets
import sys
from pathlib import Path

import msgspec
import typer

from server import settings
from server.notify.channels import AlertsFile
from server.notify.sender import Outgoing
from server.notify.way import Way, ways
from wire.clock import Clock, SystemClock, beijing
from wire.errors import SettingsError

REFUSED = 1


class Tested(msgspec.Struct, frozen=True):
    """What one channel answered."""

    channel: str
    address: str
    delivered: bool
    answer: str
    message_id: str


def send_tests(data: Path, only: str | None, *, as_json: bool) -> None:
    """Send, print, and exit with 1 where a channel did not take it.

    Raises:
        SettingsError: no channel, or none of this name.
        SurroundingsError: a file that cannot be read.
    """
    loaded = settings.load(data)
    alerts = loaded.alerts
    found = [] if alerts is None else [way for way in ways(alerts, data) if only in (None, way.channel.name)]
    if alerts is None or not found:
        which = "a channel" if only is None else f"a channel named {only!r}"
        raise SettingsError(f"{data / settings.FILE_NAME}: alerts.channels: expected {which}, got none; docs/alerts.md")
    clock = SystemClock()
    answers = [_send(way, alerts, clock) for way in found]
    if as_json:
        document = {
            "ok": all(one.delivered for one in answers),
            "channels": [msgspec.to_builtins(one) for one in answers],
        }
        sys.stdout.write(f"{json.dumps(document, ensure_ascii=False)}\n")
    else:
        for one in answers:
            sys.stdout.write(f"{'ok' if one.delivered else 'REFUSED'}  {one.channel}  {one.address}  {one.answer}\n")
    if not all(one.delivered for one in answers):
        raise typer.Exit(REFUSED)


def _send(way: Way, alerts: AlertsFile, clock: Clock) -> Tested:
    message = test_message(way, alerts, clock.wall_ms())
    answer = way.sender.send(message)
    return Tested(way.channel.name, way.sender.shown, answer.delivered, answer.reason, message.id)


def test_message(way: Way, alerts: AlertsFile, now_ms: int) -> Outgoing:
    """Says that it is a test, in the first characters."""
    at, page = f"{beijing(now_ms):%Y-%m-%d %H:%M:%S}", f"{alerts.page_url.rstrip('/')}/"
    message_id = f"M-TEST-{secrets.token_hex(4)}"
    if way.channel.language == "zh":
        title, text = "◇ 测试 ColdSeal 通知", f"{at} 测试消息，无需处理。"
    else:
        title, text = "◇ Test of ColdSeal's messages", f"{at} (Beijing time) a test; nothing to do."
    short = f"{title} {text}"
    body = short if way.channel.form == "sms" else "\n".join([text, page, f"{way.channel.to} · {message_id}"])
    return Outgoing(id=message_id, title=title, body=body, document={"kind": "test", "events": []})
