"""Mail to a real mail server: text, HTML with the curve in it, one Message-ID for all attempts."""

import re
import struct
import zlib
from email.message import EmailMessage
from pathlib import Path

import numpy as np
import pytest

from server.detect.finding import Code
from server.notify.apprise_sender import sender
from server.notify.curve_png import HEIGHT, WIDTH, png
from server.notify.notifier import Notifier
from server.notify.sender import MOST_S
from server.settings import Settings
from tests.server.ingest.plant import START_MS, Plant, reading
from tests.server.notify.office import Office, alerts_of
from tests.server.notify.receiver import MailReceiver, mail

HERE = ["127.0.0.1"]


def to(receiver: MailReceiver, recipients: str = "duty@fz.example.org") -> dict[str, object]:
    """A channel to a mail server."""
    url = f"mailto://127.0.0.1:{receiver.port}/?from=coldseal@fz.example.org&to={recipients}"
    return {"name": "mail", "url": url}


def test_a_mail_says_the_same_in_text_and_html(tmp_path: Path) -> None:
    """Subject, text, HTML with a link, the id in two headers, and no out-of-office reply asked for."""
    with mail() as receiver:
        office = Office(tmp_path, [to(receiver, "a@x.example.org,b@x.example.org")], make=sender, allow_inside=HERE)
        office.found(0)
        office.pass_s(5)
        [got] = receiver.got
    [message] = office.messages()

    assert got["Subject"] == message.title == "■ 恢复用电 示例铸造0厂1号炉 326kW"
    assert got["Message-ID"] == f"<{message.id}@fz.example.org>"
    assert got["X-ColdSeal-Message-Id"] == message.id
    assert got["Auto-Submitted"] == "auto-generated"
    assert sorted(receiver.recipients[0]) == ["a@x.example.org", "b@x.example.org"]
    text, html = (part for part in got.walk() if part.get_content_maintype() == "text")
    assert message.body in text.get_content().replace("\r\n", "\n")
    link = f"https://coldseal.example.org/violations/{office.violation().id}"
    assert f"<a href='{link}'>{link}</a>" in html.get_content()


def test_a_mail_carries_the_curve_of_its_violation(tmp_path: Path) -> None:
    """What the agent's signed rows say is in the HTML as a picture: a PNG with the draw in it."""
    plant = Plant(tmp_path)
    rows = [reading(s, 0.0 if s < 60 else 326_000.0) for s in range(120)]
    plant.take(plant.agent.envelope(rows[:60]), plant.agent.envelope(rows[60:]))
    with mail() as receiver:
        alerts = alerts_of([to(receiver)], allow_inside=HERE)
        notifier = Notifier(plant.store, Settings(data=tmp_path, alerts=alerts), plant.clock)
        notifier.step(plant.clock.now_ms + 5_000)
        [got] = receiver.got

    [picture] = [part for part in got.walk() if part.get_content_type() == "image/png"]
    assert picture["Content-ID"] == "<curve>"
    assert picture.get_content_disposition() == "inline"
    assert "<img src='cid:curve'" in _html(got)
    pixels = _pixels(picture.get_content())
    dark = (pixels == (26, 31, 36)).all(axis=2)
    rows_drawn = np.flatnonzero(dark[:, WIDTH // 2 :].any(axis=1))
    assert rows_drawn[0] < HEIGHT // 3  # the melt is near the top
    assert rows_drawn[-1] > HEIGHT * 3 // 4  # and began at zero


def test_a_lost_receipt_is_repeated_with_the_same_message_id(tmp_path: Path) -> None:
    """The mail server took it and hung up before it said so: it comes again as the same mail."""
    with mail() as receiver:
        office = Office(tmp_path, [to(receiver)], make=sender, allow_inside=HERE)
        receiver.hangs_up = True
        office.found(0)
        office.pass_s(5)
        receiver.hangs_up = False
        office.pass_s(30, turn_s=5)

        assert len(receiver.got) == 2
        assert len({one["Message-ID"] for one in receiver.got}) == 1
    assert office.log()[0].delivery == "delivered"


def test_a_refusal_is_logged_without_a_name(tmp_path: Path) -> None:
    """What the mail server says is kept with its code; who it is about is not."""
    with mail() as receiver:
        receiver.refuses = "552 mailbox of duty@fz.example.org is full"
        office = Office(tmp_path, [to(receiver)], make=sender, allow_inside=HERE)
        office.found(0)
        office.pass_s(5)

    assert office.log()[0].last_error == "127.0.0.1: refused it: 552 mailbox of … is full"
    assert office.log()[0].delivery == "waiting"


A, B, C = "a@x.example.org", "b@x.example.org", "c@x.example.org"


def test_whom_the_server_refuses_for_now_gets_it_later_and_the_others_once(tmp_path: Path) -> None:
    """A full mailbox of three: the mail is tried on for that one alone, also after a restart, as the same mail."""
    with mail() as receiver:
        receiver.refuses_to = {B: f"452 mailbox of {B} is full"}
        office = Office(tmp_path, [to(receiver, f"{A},{B},{C}")], make=sender, allow_inside=HERE)
        office.found(0)
        office.pass_s(5)
        [waits] = office.log()
        office.restart()
        office.pass_s(60, turn_s=5)
        office.restart()
        receiver.refuses_to = {}
        office.pass_s(2 * MOST_S, turn_s=5)

        assert [sorted(one) for one in receiver.recipients] == [[A, C], [B]]
        assert len({one["Message-ID"] for one in receiver.got}) == 1
    assert waits.delivery == "waiting"
    assert waits.last_error is not None
    assert re.fullmatch(r"127.0.0.1: refused for now: recipient \d of 3: 452 mailbox of … is full", waits.last_error)
    [told] = office.log()
    assert (told.delivery, told.last_error) == ("delivered", None)
    assert "x.example.org" not in office.messages()[0].document


def test_whom_the_server_refuses_for_good_is_named_in_the_log(tmp_path: Path) -> None:
    """No such mailbox: the others have the mail once, and log and health go on saying who has not, and why."""
    with mail() as receiver:
        receiver.refuses_to = {C: f"550 no mailbox {C} here"}
        office = Office(tmp_path, [to(receiver, f"{A},{B},{C}")], make=sender, allow_inside=HERE)
        office.found(0)
        office.pass_s(2 * MOST_S, turn_s=20)

        assert [sorted(one) for one in receiver.recipients] == [[A, B]]
    [told] = office.log()
    assert told.delivery == "delivered"
    assert told.last_error is not None
    assert re.fullmatch(r"127.0.0.1: refused for good: recipient \d of 3: 550 no mailbox … here", told.last_error)
    assert office.notifier.health().channels[0].last_error == told.last_error


def test_for_good_and_for_now_at_once(tmp_path: Path) -> None:
    """One never, one later: it waits for the later one only, and what is kept then names the one that never will."""
    with mail() as receiver:
        receiver.refuses_to = {A: "550 no such mailbox", B: "451 try later"}
        office = Office(tmp_path, [to(receiver, f"{A},{B},{C}")], make=sender, allow_inside=HERE)
        office.found(0)
        office.pass_s(5)
        [waits] = office.log()
        del receiver.refuses_to[B]
        office.pass_s(2 * MOST_S, turn_s=5)

        assert receiver.recipients == [[C], [B]]
    assert waits.delivery == "waiting"
    [told] = office.log()
    assert told.delivery == "delivered"
    assert (told.last_error or "").count("recipient") == 1
    assert "refused for good" in (told.last_error or "")


@pytest.mark.parametrize("said", ["550 no such mailbox", "450 try later", "421 closing"])
def test_what_every_recipient_is_refused_is_not_lost(tmp_path: Path, said: str) -> None:
    """Nobody has it: it waits and is tried on, whatever the server said; then each has it once."""
    with mail() as receiver:
        receiver.refuses_to = {A: said, B: said}
        office = Office(tmp_path, [to(receiver, f"{A},{B}")], make=sender, allow_inside=HERE)
        office.found(0)
        office.pass_s(60, turn_s=5)
        [waits] = office.log()
        receiver.refuses_to = {}
        office.pass_s(2 * MOST_S, turn_s=5)

        assert [sorted(one) for one in receiver.recipients] == [[A, B]]
    assert (waits.delivery, office.log()[0].delivery) == ("waiting", "delivered")


def test_a_full_mailbox_delays_nobody_elses_mail(tmp_path: Path) -> None:
    """What one recipient is refused is no failure of the channel: the next mails go out in their turn."""
    with mail() as receiver:
        receiver.refuses_to = {B: "452 full"}
        office = Office(tmp_path, [to(receiver, f"{A},{B}")], make=sender, allow_inside=HERE, seals=3)
        for n in range(3):
            office.found(n)
            office.pass_s(5)

        assert receiver.recipients == [[A]] * 3
        assert office.notifier.health().channels[0].failures == 0


def test_an_inside_mail_server_is_refused(tmp_path: Path) -> None:
    """Mail is no way around the rule of addresses."""
    with mail() as receiver:
        office = Office(tmp_path, [to(receiver)], make=sender)
        office.found(0)
        office.pass_s(5)

        assert receiver.got == []
    assert "127.0.0.1 is an inside address" in (office.log()[0].last_error or "")


def test_a_group_has_no_curve(tmp_path: Path) -> None:
    """A mail about many furnaces lists them."""
    with mail() as receiver:
        office = Office(tmp_path, [to(receiver)], make=sender, seals=12, allow_inside=HERE)
        for n in range(12):
            office.found(n, Code.SILENT)
        office.pass_s(60, turn_s=5)

        assert [one["Subject"] for one in receiver.got][-1] == "▨ 2 个县:9 处未证实"
        assert not [part for part in receiver.got[-1].walk() if part.get_content_maintype() == "image"]


class Drawn:
    """A curve to draw."""

    def __init__(self, points: list[tuple[int, float | None]], gaps: list["Drawn"] | None = None) -> None:
        self.from_ms, self.to_ms = START_MS, START_MS + 600_000
        self.raised_ms = START_MS
        self.allowed_w: float | None = None
        self.threshold_w: float | None = None
        self.points, self.gaps, self.marks = points, gaps or [], list[Drawn]()


@pytest.mark.parametrize("peak_w", [0.0, 1.0, 950.0, 326_000.0, 12_000_000.0])
def test_any_power_fits_the_picture(peak_w: float) -> None:
    """From nothing to a large furnace: the picture is a PNG of its size, with its line inside the frame."""
    pixels = _pixels(png(Drawn([(START_MS, 0.0), (START_MS + 300_000, peak_w), (START_MS + 600_000, peak_w)])))

    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert (pixels == (26, 31, 36)).all(axis=2).any()


def test_a_gap_is_hatched_and_not_joined() -> None:
    """Where nothing was observed there is a hatch, and no line across it."""
    gap = Drawn([])
    gap.from_ms, gap.to_ms = START_MS + 200_000, START_MS + 400_000
    ends = [(START_MS, 0.0), (START_MS + 199_000, 0.0), (START_MS + 200_000, None), (START_MS + 400_000, 5_000.0)]
    pixels = _pixels(png(Drawn([*ends, (START_MS + 600_000, 5_000.0)], [gap])))

    middle = pixels[:, WIDTH // 2 - 60 : WIDTH // 2 + 60]
    assert (middle == (184, 119, 0)).all(axis=2).any()
    assert not (middle == (26, 31, 36)).all(axis=2).any()


def _html(got: EmailMessage) -> str:
    part = got.get_body(("html",))
    assert isinstance(part, EmailMessage)
    content = part.get_content()
    assert isinstance(content, str)
    return content


def _pixels(data: bytes) -> np.ndarray:
    """A PNG's pixels, read by its specification; every checksum is checked."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    at, body, size = 8, b"", (0, 0)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        name, chunk = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length]) == (zlib.crc32(name + chunk),)
        size = struct.unpack(">II", chunk[:8]) if name == b"IHDR" else size
        body += chunk if name == b"IDAT" else b""
        at += 12 + length
    rows = np.frombuffer(zlib.decompress(body), dtype=np.uint8).reshape(size[1], 1 + 3 * size[0])
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(size[1], size[0], 3)
