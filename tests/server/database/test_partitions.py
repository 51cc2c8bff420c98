"""PostgreSQL: envelopes stand by the month in which they arrived, in Beijing, and the months are made ahead."""

import datetime as dt
from collections.abc import Iterator

import pytest

from server.database.partitions import make_all
from server.store import Store
from server.tables import Envelope
from tests.server.cluster import cluster
from wire.clock import BEIJING

LAST_OF_JANUARY_MS = round(dt.datetime(2026, 1, 31, 23, 59, 59, tzinfo=BEIJING).timestamp() * 1000)
DECEMBER_MS = round(dt.datetime(2026, 12, 5, tzinfo=BEIJING).timestamp() * 1000)


@pytest.fixture
def store() -> Iterator[Store]:
    """An empty database of PostgreSQL."""
    address = cluster().new()
    made = Store(address)
    yield made
    made.close()
    cluster().drop(address)


def add(store: Store, seq: int, received_ms: int) -> None:
    """An envelope that arrived at a time."""
    with store.transaction() as session:
        session.add(Envelope(agent_id="a", seq=seq, boot="", sha=b"%d" % seq, received_ms=received_ms, raw=b"x"))


def where(store: Store) -> dict[int, str]:
    """In which part of the table each number stands."""
    with store.transaction() as session:
        rows = session.connection().exec_driver_sql("SELECT seq, tableoid::regclass::text FROM envelope ORDER BY seq")
        return {row[0]: row[1] for row in rows}


def parts(store: Store) -> list[str]:
    """The months that have a part."""
    listed = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'envelope'::regclass ORDER BY 1"
    with store.transaction() as session:
        return list(session.connection().exec_driver_sql(listed).scalars())


def test_months_are_made_ahead(store: Store) -> None:
    """This month and the next two; asking again changes nothing, and another start finds them made."""
    for _ in range(3):
        store.keep_months(DECEMBER_MS)
    again = Store(store.place)
    again.keep_months(DECEMBER_MS)
    again.close()

    assert parts(store) == ["envelope_2026_12", "envelope_2027_01", "envelope_2027_02", "envelope_rest"]


def test_a_month_begins_at_midnight_in_beijing(store: Store) -> None:
    """The last second of January and the first of February stand apart; what no month takes stands in the rest."""
    store.keep_months(LAST_OF_JANUARY_MS)
    for seq, received_ms in enumerate((LAST_OF_JANUARY_MS, LAST_OF_JANUARY_MS + 1_000, DECEMBER_MS), 1):
        add(store, seq, received_ms)

    assert where(store) == {1: "envelope_2026_01", 2: "envelope_2026_02", 3: "envelope_rest"}


def test_a_month_that_came_too_early_stays_in_the_rest(store: Store) -> None:
    """Envelopes that a wrong clock dated ahead are no obstacle when their month comes: it goes on in the rest."""
    add(store, 1, DECEMBER_MS)
    store.keep_months(DECEMBER_MS)
    add(store, 2, DECEMBER_MS + 1)

    assert parts(store) == ["envelope_2027_01", "envelope_2027_02", "envelope_rest"]
    assert where(store) == {1: "envelope_rest", 2: "envelope_rest"}


def test_a_turn_that_fails_is_taken_again(store: Store) -> None:
    """A month counts as made only when its transaction is committed."""
    with store.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE envelope RENAME TO elsewhere")
    with pytest.raises(Exception, match='relation "envelope" does not exist'):
        store.keep_months(DECEMBER_MS)
    with store.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE elsewhere RENAME TO envelope")
    store.keep_months(DECEMBER_MS)

    assert "envelope_2026_12" in parts(store)


def test_a_time_of_years(store: Store) -> None:
    """Every month between two times gets its part: rows may be there before parts are."""
    with store.transaction() as session:
        make_all(session.connection(), LAST_OF_JANUARY_MS, DECEMBER_MS)

    assert parts(store)[:-1] == [f"envelope_2026_{month:02d}" for month in range(1, 13)]
