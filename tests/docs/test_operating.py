"""What docs/operating.md gives to copy works: the broker's settings and access list, the backup."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from server.store import Store
from tests.docs.pages import ROOT, blocks
from tests.docs.terminal import Terminal
from tests.edge_agent.broker import free_port
from wire.topics import Channel, build

PAGE = ROOT / "docs" / "operating.md"


def block(language: str) -> str:
    """The page's one block of a language."""
    (body,) = [block.body for block in blocks(PAGE) if block.language == language]
    return body


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    """A terminal in a folder of its own."""
    return Terminal(tmp_path)


def test_broker_settings(terminal: Terminal) -> None:
    """Mosquitto takes the settings as they stand; an agent may write its own envelopes and nobody else's."""
    port = free_port()
    settings = block("conf").replace("1883", str(port))
    assert "acl_file access\n" in settings
    (terminal.folder / "mosquitto.conf").write_text(f"{settings}user root\n", encoding="utf-8")
    (terminal.folder / "access").write_text(block("acl"), encoding="utf-8")
    terminal.run("mosquitto_passwd -c -b passwords fz-1 secret && mosquitto_passwd -b passwords ingest secret")
    own, other = build("fz-1", Channel.UP), build("fz-2", Channel.UP)
    publish = f"mosquitto_pub -V 5 -q 1 -h 127.0.0.1 -p {port} -P secret -m x -d"
    try:
        terminal.start("mosquitto -c mosquitto.conf")
        assert refusals(terminal.ask(f"{publish} -u fz-1 -t {own}")[1]) == []
        assert refusals(terminal.ask(f"{publish} -u fz-1 -t {build('fz-1', Channel.STATUS)}")[1]) == []
        assert refusals(terminal.ask(f"{publish} -u ingest -t {build('fz-1', Channel.DOWN)}")[1]) == []
        assert refusals(terminal.ask(f"{publish} -u ingest -t {build('fz-1', Channel.HIGH_WATER_MARK)}")[1]) == []
        assert refusals(terminal.ask(f"{publish} -u fz-1 -t {other}")[1]) == ["RC:135"]
        assert refusals(terminal.ask(f"{publish} -u fz-1 -t {build('fz-1', Channel.DOWN)}")[1]) == ["RC:135"]
        assert refusals(terminal.ask(f"{publish} -u ingest -t {own}")[1]) == ["RC:135"]
        assert terminal.ask(publish)[0] != 0
    finally:
        terminal.close()


def refusals(printed: list[str]) -> list[str]:
    """Reason codes of 128 and above in what mosquitto_pub tells of its messages."""
    acknowledged = [found[1] for line in printed if (found := re.search(r"PUBACK.*RC:(\d+)", line))]
    assert acknowledged, printed
    return [f"RC:{code}" for code in acknowledged if int(code) >= 128]


def test_backup(terminal: Terminal) -> None:
    """The line makes a whole copy while the server's database is open."""
    (command,) = block("sh").splitlines()
    store = Store(terminal.folder / "data" / "coldseal.sqlite")
    terminal.run(command)
    store.close()
    with closing(sqlite3.connect(terminal.folder / "copy.sqlite")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert copy.execute("SELECT count(*) FROM seal").fetchone() == (0,)
