"""Channels in server.yaml: what may be written, each mistake with its place, and no secret in anything that is shown."""

import re
from pathlib import Path

import pytest

from server import settings
from server.notify import channels
from server.notify.apprise_sender import sender
from server.notify.way import ways
from wire.errors import ProgramError, SettingsError, SurroundingsError

HEAD = "alerts:\n  page_url: https://coldseal.example.org\n  channels:\n"


def load(folder: Path, channel: str, head: str = HEAD) -> list[channels.Channel]:
    """The channels of a server.yaml with one channel."""
    (folder / "server.yaml").write_text(f"{head}    - {{{channel}}}\n", encoding="utf-8")
    loaded = settings.load(folder)
    assert loaded.alerts is not None
    found = channels.load(loaded.alerts, folder)
    assert [way.channel for way in ways(loaded.alerts, folder)] == found
    return found


def test_a_channel_is_read_with_its_address_from_a_file(tmp_path: Path) -> None:
    """The address stands in a file of its own, relative to the data folder; line ends around it are no part of it."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/dingtalk.url").write_text("dingtalk://SECabc@token123/\n", encoding="utf-8")
    [one] = load(
        tmp_path,
        'name: duty-dingtalk, url_file: secrets/dingtalk.url, counties: ["350121"], severities: [red], language: zh, '
        "to: 值班, own: true",
    )

    assert (one.form, one.scheme, one.url) == ("chat", "dingtalk", "dingtalk://SECabc@token123/")
    assert (one.counties, one.severities, one.own) == (frozenset({"350121"}), frozenset({"red"}), True)


@pytest.mark.parametrize(
    ("channel", "says"),
    [
        ("url: 'https://x.example.org/'", "alerts.channels[0]: Object missing required field `name`"),
        ("name: a b, url: 'https://x.example.org/'", "alerts.channels[0].name: Expected `str` matching regex"),
        ("name: a, url: 'https://x.example.org/', colour: red", "unknown field `colour`"),
        ("name: a, url: 'https://x.example.org/', counties: ['35']", r"alerts.channels[0].counties[0]: Expected `str`"),
        ("name: a, url: 'https://x.example.org/', severities: [blue]", "Invalid enum value 'blue'"),
        ("name: a, url: 'https://x.example.org/', language: fr", "Invalid enum value 'fr'"),
        ("name: a", "alerts.channels[0] (a): expected url or url_file, got none"),
        ("name: a, url: 'https://x.example.org/', url_file: b", "expected url or url_file, got both"),
        ("name: a, url_file: nowhere", "url_file"),
        ("name: a, url: duty", "expected one line like dingtalk://SECRET@TOKEN/, got something else (not shown)"),
        ("name: a, url: 'smsc://u:secret99@13800000000'", "form: expected chat or sms for smsc://, got nothing"),
        ("name: a, url: 'mailto://x.example.org', form: sms", "form: expected mail for mailto://, got sms"),
        ("name: a, url: 'https://oapi.dingtalk.com/robot/send?access_token=t9'", "a robot's address as dingtalk://"),
        ("name: a, url: 'nosuch://secret99/', form: chat", "got another (not shown)"),
        ("name: a, url: 'dingtalk://!secret99!/'", "got another (not shown)"),
        ("name: a, url: 'https://x.example.org/', escalation: true", "alerts.escalate_after_min: expected it together"),
    ],
)
def test_each_mistake_is_named_with_its_place(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], channel: str, says: str
) -> None:
    """A message says where, what is expected and what was got, and never the address."""
    with pytest.raises(ProgramError, match=re.escape(says)) as raised:
        load(tmp_path, channel)

    shown = str(raised.value) + "".join(capfd.readouterr())
    assert "secret99" not in shown
    assert "access_token" not in shown


def test_a_missing_address_file_is_the_environments(tmp_path: Path) -> None:
    """Exit code 3, with the file's name."""
    with pytest.raises(SurroundingsError, match=r"url_file .*nowhere: cannot be read: No such file"):
        load(tmp_path, "name: a, url_file: nowhere")


@pytest.mark.parametrize(
    "page", ["coldseal.example.org", "ftp://x.example.org", "https://", "https://x.example.org/?a=1"]
)
def test_the_pages_address_is_checked(tmp_path: Path, page: str) -> None:
    """Links are of no use without it."""
    with pytest.raises(SettingsError, match=r"alerts\.page_url: expected the page's address"):
        load(tmp_path, "name: a, url: 'https://x.example.org/'", HEAD.replace("https://coldseal.example.org", page))


def test_a_name_is_used_once(tmp_path: Path) -> None:
    """The log tells channels apart by their names."""
    twice = "name: a, url: 'https://x.example.org/'"
    with pytest.raises(SettingsError, match="expected a name of its own for each, got 'a' twice"):
        load(tmp_path, f"{twice}}}\n    - {{{twice}")


@pytest.mark.parametrize(
    "url",
    [
        "https://user:secret99@hook.example.org/secret99?key=secret99",
        "jsons://user:secret99@hook.example.org/secret99",
        "dingtalk://secret99@secret99/",
        "wecombot://secret99/",
        "feishu://secret99/",
        "lark://secret99/",
        "mailtos://user:secret99@mail.example.org/?to=duty@example.org",
    ],
)
def test_a_secret_is_never_shown(tmp_path: Path, url: str) -> None:
    """Neither in the settings' own form, nor in the channel's, nor in what the page shows of it."""
    [one] = load(tmp_path, f"name: a, url: '{url}'")
    loaded = settings.load(tmp_path)
    assert loaded.alerts is not None

    shown = f"{loaded!r} {one!r} {one} {sender(one, loaded.alerts).shown}"
    assert "secret99" not in shown
    assert "duty@example.org" not in shown
