"""What docs/operating.md gives to copy or leads to works: the broker's shipped files, backup and restore."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, func, select

from server.database.address import Address
from server.store import Place, Store
from server.tables import Envelope
from tests.brokers.shipped import FILES
from tests.brokers.shipped import Place as BrokerPlace
from tests.docs.pages import ROOT, blocks, links
from tests.docs.terminal import Terminal
from tests.server.cluster import FOLDERS, cluster
from wire.topics import Channel, build

PAGE = ROOT / "docs" / "operating.md"
SHOWN = "postgresql://coldseal@127.0.0.1:5432/"


def commands() -> list[str]:
    """The page's blocks to type: backup and restore on SQLite, backup and restore on PostgreSQL."""
    return [block.body for block in blocks(PAGE) if block.language == "sh"]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal in a folder of its own, with PostgreSQL's programs."""
    opened = Terminal(tmp_path, *FOLDERS[:1])
    yield opened
    opened.close()


def test_the_shipped_broker(terminal: Terminal) -> None:
    """The page leads to the shipped files; with them an agent may write its own envelopes and nobody else's."""
    assert {f"../firmware_configs/broker/{file.name}" for file in (FILES / "mosquitto.conf", FILES / "acl")} <= set(
        links(PAGE)
    )
    place = BrokerPlace(terminal.folder / "place", "mosquitto", ("fz-1",))
    publish = f"mosquitto_pub -V 5 -q 1 -h 127.0.0.1 -p {place.broker.port} -m x -d --cafile place/ca.pem"
    agent, ingest = (
        f"{publish} -i {name} --cert place/{name}.pem --key place/{name}.key -t" for name in ("fz-1", "ingest")
    )
    own, other = build("fz-1", Channel.UP), build("fz-2", Channel.UP)
    place.broker.start()
    try:
        assert refusals(terminal.ask(f"{agent} {own}")[1]) == []
        assert refusals(terminal.ask(f"{agent} {build('fz-1', Channel.STATUS)}")[1]) == []
        assert refusals(terminal.ask(f"{ingest} {build('fz-1', Channel.DOWN)}")[1]) == []
        assert refusals(terminal.ask(f"{ingest} {build('fz-1', Channel.HIGH_WATER_MARK)}")[1]) == []
        assert refusals(terminal.ask(f"{agent} {other}")[1]) == ["RC:135"]
        assert refusals(terminal.ask(f"{agent} {build('fz-1', Channel.DOWN)}")[1]) == ["RC:135"]
        assert refusals(terminal.ask(f"{ingest} {own}")[1]) == ["RC:135"]
        assert terminal.ask(f"{publish} -i fz-1 -t {own}")[0] != 0
    finally:
        place.broker.stop()


def refusals(printed: list[str]) -> list[str]:
    """Reason codes of 128 and above in what mosquitto_pub tells of its messages."""
    acknowledged = [found[1] for line in printed if (found := re.search(r"PUBACK.*RC:(\d+)", line))]
    assert acknowledged, printed
    return [f"RC:{code}" for code in acknowledged if int(code) >= 128]


def filled(place: Place) -> Store:
    """A server's database with one envelope, left open as while the server runs."""
    store = Store(place)
    with store.transaction() as session:
        session.add(envelope(1))
    return store


def envelope(seq: int) -> Envelope:
    """An envelope of the first agent."""
    return Envelope(agent_id="a1", seq=seq, boot="b", sha=b"%d" % seq, received_ms=1_772_294_400_000, raw=b"raw")


def check(place: Place) -> None:
    """A restored database has the envelope, refuses to change it, and takes the next one."""
    store = Store(place)
    with pytest.raises(IntegrityError, match="append-only: UPDATE is refused"), store.transaction() as session:
        session.connection().exec_driver_sql("UPDATE envelope SET raw = raw")
    with store.transaction() as session:
        session.add(envelope(2))
    with store.transaction() as session:
        assert session.exec(select(func.count(), func.max(col(Envelope.id)))).one() == (2, 2)
    store.close()


def test_backup_on_sqlite(terminal: Terminal) -> None:
    """The line makes a whole copy while the server's database is open; in its place it is the database again."""
    backup, restore, _, _ = commands()
    file = terminal.folder / "data" / "coldseal.sqlite"
    store = filled(file)
    terminal.run(backup)
    store.close()
    with closing(sqlite3.connect(terminal.folder / "copy.sqlite")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    file.write_bytes(b"broken")
    terminal.run(restore)
    check(file)


def test_backup_on_postgresql(terminal: Terminal) -> None:
    """The same on PostgreSQL, with its own programs: months, keys and triggers come back too."""
    _, _, backup, restore = commands()
    assert backup.count(SHOWN) == 1
    assert restore.count(SHOWN) == 2
    address = cluster().new()
    store = filled(address)
    server, copied = str(address).removesuffix(address.name), f"{address.name}_restored"
    try:
        terminal.run(backup.replace(f"{SHOWN}coldseal", str(address)))
        terminal.run(restore.replace(SHOWN, server).replace("restored", copied))
        check(Address(user=address.user, host=address.host, port=address.port, name=copied))
    finally:
        store.close()
        cluster().execute(f"DROP DATABASE IF EXISTS {copied} WITH (FORCE)")
        cluster().drop(address)
