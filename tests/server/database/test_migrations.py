"""From the first release's database to this one's, on both: rows survive, and the tables are what the classes say."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel

import server.access.tables
import server.notify.tables
import server.tables
from server import migrations
from server.database.address import Address
from server.store import Place, Store
from tests.server.stores import a_database, a_store, on_postgresql

ROOMS = (server.tables, server.access.tables, server.notify.tables)
RECEIVED_MS = (1_772_294_400_000, 1_772_380_800_000, 1_775_000_000_000)
"""1 and 2 March, and 1 April 2026 in Beijing."""
SECRET_SHA = "ab" * 32
ROWS = {
    "agent": [{
        "id": "a1", "kid": "a1#1", "public_key": "Ed25519:x", "added_ms": 1, "ack_seq": 3, "ack_sha": b"3",
        "detected_seq": 3, "heard_ms": RECEIVED_MS[2],
    }],
    "enterprise": [{"id": 1, "name": "示例铸造一厂"}],
    "site": [{"id": 1, "enterprise_id": 1, "name": "一号车间", "county_code": "350121"}],
    "furnace": [{
        "id": 1, "site_id": 1, "name": "1 号炉", "kind": "mf_coreless", "yoke": False, "tonnes": 0.5, "rated_kw": 350.0,
        "melts_scrap": True,
    }],
    "seal": [{"id": "S1", "furnace_id": 1, "break_position": "downstream", "from_ms": 5, "paper_seals": ""}],
    "violation": [{
        "id": "v1", "seal_id": "S1", "code": "resumed_power", "severity": "red", "state": "open", "first_ms": 1,
        "raised_ms": 2, "last_ms": 3, "detected_ms": 4, "reason_zh": "恢复用电", "reason_en": "power again",
    }],
    "finding": [{
        "id": 1, "violation_id": "v1", "seal_id": "S1", "code": "resumed_power", "severity": "red", "meter": "m1",
        "note": "", "first_ms": 1, "raised_ms": 2, "last_ms": 3, "statistic": 2e4, "threshold": 1e4, "unit": "W",
        "false_alarms_per_year": 0.0, "peak": 2e4, "agent_id": "a1", "first_seq": 1, "last_seq": 2,
    }],
    "transition": [{"id": 1, "violation_id": "v1", "at_ms": 9, "to_state": "open", "author": "ColdSeal", "reason": "r"}],
    "loss": [{"id": 1, "agent_id": "a1", "rows": 7, "reason": "outbox", "declared_in_seq": 2}],
    "rejected": [{"id": 1, "received_ms": 8, "topic": "t", "reason": "fork", "detail": "", "sha": b"r", "raw": b"raw"}],
    "envelope": [
        {
            "id": seq, "agent_id": "a1", "seq": seq, "boot": "b", "sha": b"%d" % seq, "first_ms": at - 9, "last_ms": at,
            "received_ms": at, "raw": b"raw%d" % seq,
        }
        for seq, at in enumerate(RECEIVED_MS, 1)
    ],
    "token": [
        {"id": 1, "name": "duty", "sha": SECRET_SHA, "created_ms": 6, "expires_ms": 2**40, "one_time": False},
        {"id": 2, "name": "link", "sha": "cd" * 32, "created_ms": 6, "one_time": True},
    ],
}  # fmt: skip

FOUR_BYTES = [f"modify_type {column}" for column in ("envelope.id", "loss.rows", "rejected.id")]
"""SQLite calls these INTEGER, which is eight bytes there."""
PARTED = [
    "add_constraint envelope: agent_id, seq",
    "add_constraint envelope: sha",
    "remove_index envelope: ix_envelope_agent_seq",
]
"""PostgreSQL: a partitioned table cannot keep these unique by itself; the table envelope_key does."""


def make_first_release(place: Place) -> None:
    """The tables of revision 0001, and a row in most of them."""
    url = f"sqlite:///{place}"
    if isinstance(place, Address):
        url = f"postgresql+psycopg://{place.user}@{place.host}:{place.port}/{place.name}"
    engine = create_engine(url)
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for table, rows in ROWS.items():
            for row in rows:
                _insert(connection, table, row)
        if on_postgresql():
            for table in ("envelope", "finding", "transition", "loss", "rejected", "token"):
                connection.exec_driver_sql(f"SELECT setval('{table}_id_seq', 10)")
    engine.dispose()


def _insert(connection: Connection, table: str, row: dict[str, object]) -> None:
    marks = ["%s" if on_postgresql() else "?"] * len(row)
    statement = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(marks)})"  # noqa: S608 - our own words
    connection.exec_driver_sql(statement, tuple(row.values()))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """The first release's database, opened by this one."""
    make_first_release(a_database(tmp_path, "template1"))
    opened = a_store(tmp_path)
    yield opened
    opened.close()


def rows_of(store: Store, table: str) -> list[dict[str, object]]:
    """All rows of a table, what is null left out."""
    with store.transaction() as session:
        chosen = f"SELECT * FROM {table} ORDER BY id"  # noqa: S608 - our own words
        found = session.connection().exec_driver_sql(chosen).mappings().all()
    return [{name: value for name, value in row.items() if value is not None} for row in found]


def test_rows_survive(store: Store) -> None:
    """Every row of the first release is there with every value; what is new has its beginning."""
    for table, rows in ROWS.items():
        if table not in ("token", "transition"):
            assert rows_of(store, table) == rows, table
    assert rows_of(store, "transition") == [ROWS["transition"][0] | {"kind": "step"}]


def test_a_token_becomes_a_key(store: Store) -> None:
    """A program's token of before goes on as a key of every right; a link that works once does not."""
    (key,) = rows_of(store, "api_key")
    assert (key["name"], key["sha"], key["created_ms"], key["expires_ms"]) == ("duty", SECRET_SHA, 6, 2**40)
    assert "accounts" in str(key["scopes"])


def test_envelopes_go_on(store: Store) -> None:
    """Stored envelopes keep their uniqueness, new ones get new numbers of rows, and old months their part."""
    with store.transaction() as session:
        session.add(
            server.tables.Envelope(agent_id="a1", seq=4, boot="b", sha=b"4", received_ms=RECEIVED_MS[2], raw=b"raw4")
        )
    with pytest.raises(Exception, match=r"(?i)unique|REPLACE"), store.transaction() as session:
        session.add(
            server.tables.Envelope(agent_id="a1", seq=2, boot="b", sha=b"9", received_ms=RECEIVED_MS[0], raw=b"x")
        )
    assert [row["seq"] for row in rows_of(store, "envelope")] == [1, 2, 3, 4]
    if on_postgresql():
        with store.transaction() as session:
            parts = session.connection().exec_driver_sql("SELECT tableoid::regclass::text FROM envelope ORDER BY seq")
            assert list(parts.scalars()) == ["envelope_2026_03", "envelope_2026_03", *["envelope_2026_04"] * 2]


def test_findings_of_two_agents_are_apart(store: Store) -> None:
    """After the change of the constraint the same meter's name at another agent is another finding; twice is refused."""
    (row,) = ROWS["finding"]
    with store.transaction() as session:
        _insert(session.connection(), "finding", row | {"id": 2, "agent_id": "a2"})
    with pytest.raises(IntegrityError, match=r"(?i)unique"), store.transaction() as session:
        _insert(session.connection(), "finding", row | {"id": 3})

    assert [one["agent_id"] for one in rows_of(store, "finding")] == ["a1", "a2"]


def test_tables_are_what_the_classes_say(store: Store) -> None:
    """Alembic finds nothing to change, but for what each database keeps in its own way."""
    assert {table for room in ROOMS for table in vars(room).values() if isinstance(table, type)}
    with store.transaction() as session:
        context = MigrationContext.configure(session.connection(), opts={"include_name": _is_no_part})
        found = [_told(one) for one in compare_metadata(context, SQLModel.metadata)]

    assert sorted(found) == (PARTED if on_postgresql() else FOUR_BYTES)


def _is_no_part(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "table" or not str(name).startswith("envelope_")


def _told(difference: object) -> str:
    """What Alembic would do, and to what."""
    if isinstance(difference, list):
        return ", ".join(f"{one[0]} {one[2]}.{one[3]}" for one in difference)
    assert isinstance(difference, tuple)
    subject = difference[-1]
    names = getattr(subject, "name", None) or ", ".join(column.name for column in subject.columns)
    return f"{difference[0]} {getattr(subject, 'table', subject)}: {names}"
