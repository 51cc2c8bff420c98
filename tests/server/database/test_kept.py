"""What is kept stays as it was: the database itself refuses, whoever asks."""

from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from server.notify.tables import AlertEvent, AlertLog
from server.store import Store
from server.tables import Envelope, Rejected, Transition, Violation
from tests.server.ingest.plant import SEAL, START_MS, Plant, reading
from tests.server.stores import on_postgresql

KEPT = ("audit", "transition", "rejected", "alert_log", "envelope")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A database with one row in each table that is kept."""
    plant = Plant(tmp_path)
    plant.take(plant.agent.envelope([reading(0, 0.0)]))
    with plant.store.transaction() as session:
        session.add(
            Violation(
                id="v1",
                seal_id=SEAL,
                code="x",
                severity="red",
                state="open",
                reason_zh="",
                reason_en="",
                first_ms=1,
                raised_ms=1,
                last_ms=1,
                detected_ms=1,
            )
        )
        session.flush()
        session.add(Transition(violation_id="v1", at_ms=START_MS, to_state="open", author="ColdSeal", reason=""))
        session.add(
            Rejected(received_ms=START_MS, topic="t", agent_id="a1", reason="fork", detail="", sha=b"1", raw=b"other")
        )
        event = AlertEvent(kind="new", violation_id="v1", severity="red", at_ms=START_MS)
        session.add(event)
        session.flush()
        session.add(AlertLog(event_id=event.id or 0, channel="duty", outcome="told", why="duty", at_ms=START_MS))
        session.connection().exec_driver_sql(
            "INSERT INTO audit (at_ms, actor, actor_kind, action, subject, detail, address) "
            "VALUES (0, 'a', 'account', 'x', 'y', '{}', '')"
        )
    return plant.store


def run(store: Store, statement: str) -> int:
    """How many rows a statement changed."""
    with store.transaction() as session:
        return session.connection().exec_driver_sql(statement).rowcount


@pytest.mark.parametrize("table", KEPT)
def test_no_row_is_changed(store: Store, table: str) -> None:
    """UPDATE is refused, of every column, and whether or not it would change something."""
    changes = {
        "audit": ["actor = 'b'", "id = 7"],
        "transition": ["reason = 'x'"],
        "rejected": ["detail = 'x'"],
        "alert_log": ["outcome = 'told'", "channel = 'night'"],
    }
    for change in changes.get(table, ["raw = raw", "sha = sha", "seq = 2", "agent_id = 'b'", "received_ms = 0"]):
        with pytest.raises(IntegrityError, match=rf"{table}\w* is append-only: UPDATE is refused"):
            run(store, f"UPDATE {table} SET {change}")  # noqa: S608 - our own words


@pytest.mark.parametrize("table", KEPT)
def test_no_row_is_deleted(store: Store, table: str) -> None:
    """DELETE is refused; an envelope may only leave for `rejected`, which must hold its very bytes."""
    told = "an envelope leaves its table for rejected only" if table == "envelope" else "append-only: DELETE is refused"
    with pytest.raises(IntegrityError, match=told):
        run(store, f"DELETE FROM {table}")  # noqa: S608 - our own words


@pytest.mark.parametrize("table", KEPT)
def test_no_row_is_replaced(store: Store, table: str) -> None:
    """Neither SQLite's REPLACE, which asks no trigger for DELETE, nor PostgreSQL's TRUNCATE is a way around."""
    replacing = f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"  # noqa: S608 - our own words
    statement = f"TRUNCATE {table} CASCADE" if on_postgresql() else replacing
    with pytest.raises(IntegrityError, match=r"append-only: (TRUNCATE|REPLACE) is refused"):
        run(store, statement)


def test_an_envelope_leaves_for_rejected(store: Store) -> None:
    """Once `rejected` holds its bytes, an envelope may go, and its number is free for the true one."""
    with store.transaction() as session:
        stored = session.get_one(Envelope, 1)
        raw, fields = stored.raw, stored.model_dump(exclude={"id"})
        session.add(
            Rejected(received_ms=0, topic="t", agent_id=stored.agent_id, reason="fork", detail="", sha=b"2", raw=raw)
        )
    assert run(store, "DELETE FROM envelope") == 1
    with store.transaction() as session:
        session.add(Envelope(**fields))


@pytest.mark.parametrize("same", ["number", "hash"])
def test_an_envelope_is_stored_once(store: Store, same: str) -> None:
    """The database takes neither a number of an agent twice nor the same bytes, in whichever month they arrive."""
    with store.transaction() as session:
        fields = session.get_one(Envelope, 1).model_dump(exclude={"id"})
    another = {"sha": b"another"} if same == "number" else {"seq": 2}
    with pytest.raises(IntegrityError, match=r"(?i)unique|append-only: REPLACE"), store.transaction() as session:
        session.add(Envelope(**fields | another | {"received_ms": START_MS + 40 * 86_400_000}))
