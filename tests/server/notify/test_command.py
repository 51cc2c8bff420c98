"""`coldseal server notify test`: what each receiver answers, and the exit codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.commands import server_app
from tests.server.notify.receiver import mail, web
from wire.errors import SettingsError, SurroundingsError

HEAD = "alerts:\n  page_url: https://coldseal.example.org\n  allow_inside: [127.0.0.1]\n  channels:\n"


def written(folder: Path, *channels: str) -> list[str]:
    """A server.yaml with channels, as the arguments that lead to it."""
    lines = "".join(f"    - {{{one}}}\n" for one in channels)
    (folder / "server.yaml").write_text(HEAD + lines, encoding="utf-8")
    return ["notify", "test", "--data", str(folder)]


def test_each_channel_gets_a_test(tmp_path: Path) -> None:
    """Exit 0, one line a channel, the message says that it is a test and carries an id."""
    with web() as receiver, mail() as post:
        arguments = written(
            tmp_path,
            f"name: hook, url: 'http://127.0.0.1:{receiver.port}/secret99'",
            f"name: post, language: en, url: 'mailto://127.0.0.1:{post.port}/?from=c@fz.example.org&to=d@fz.example.org'",
        )
        result = CliRunner().invoke(server_app, arguments)
        [request], [letter] = receiver.got, post.got

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "ok  hook  http://127.0.0.1/…  HTTP 200",
        f"ok  post  mail by 127.0.0.1:{post.port} to 1  taken",
    ]
    assert request.body["title"] == "◇ 测试 ColdSeal 通知"
    assert request.body["kind"] == "test"
    assert request.headers["x-coldseal-message-id"].startswith("M-TEST-")
    assert letter["Subject"] == "◇ Test of ColdSeal's messages"


def test_one_that_refuses_is_named_and_the_others_are_tried(tmp_path: Path) -> None:
    """Exit 1; as JSON for a machine, without a secret."""
    with web() as good, web() as bad:
        bad.status = 403
        arguments = written(
            tmp_path,
            f"name: bad, url: 'http://127.0.0.1:{bad.port}/secret99'",
            f"name: good, url: 'http://127.0.0.1:{good.port}/secret99'",
        )
        result = CliRunner().invoke(server_app, [*arguments, "--json"])

    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["ok"] is False
    assert [(one["channel"], one["delivered"], one["answer"]) for one in told["channels"]] == [
        ("bad", False, "HTTP 403"),
        ("good", True, "HTTP 200"),
    ]
    assert "secret99" not in result.stdout


def test_one_channel_alone(tmp_path: Path) -> None:
    """--channel leaves the others in peace."""
    with web() as receiver:
        address = f"http://127.0.0.1:{receiver.port}/"
        arguments = written(tmp_path, f"name: a, url: '{address}a'", f"name: b, url: '{address}b'")
        result = CliRunner().invoke(server_app, [*arguments, "--channel", "b"])

        assert result.exit_code == 0
        assert [request.path for request in receiver.got] == ["/b"]


@pytest.mark.parametrize("more", [[], ["--channel", "nobody"]])
def test_no_channel_is_wrong_use(tmp_path: Path, more: list[str]) -> None:
    """Exit 2: there is nothing to test."""
    arguments = ["notify", "test", "--data", str(tmp_path), *more]
    result = CliRunner().invoke(server_app, arguments)

    assert isinstance(result.exception, SettingsError)
    assert "alerts.channels: expected a channel" in str(result.exception)


def test_a_missing_address_file_is_the_environments(tmp_path: Path) -> None:
    """Exit 3."""
    result = CliRunner().invoke(server_app, written(tmp_path, "name: a, url_file: nowhere"))

    assert isinstance(result.exception, SurroundingsError)
