"""PostgreSQL's own troubles: which pass, what is said about them, and that the store recovers by itself."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from coldseal.cli import main
from server.database.address import Address
from server.store import Store, StoreUnavailable
from server.tables import Enterprise
from tests.server.cluster import PASSWORD, PASSWORD_USER, USER, cluster
from wire.errors import SurroundingsError


@pytest.fixture
def address() -> Iterator[Address]:
    """A database of this release."""
    made = cluster().new()
    yield made
    cluster().drop(made)


@pytest.fixture
def store(address: Address) -> Iterator[Store]:
    """A store on it."""
    made = Store(address, wait_s=0.5)
    yield made
    made.close()


def names(store: Store) -> list[str]:
    """Enterprises."""
    with store.transaction() as session:
        return list(session.exec(select(Enterprise.name)).all())


def add(session: Session, name: str) -> None:
    """An enterprise, sent to the database at once."""
    session.add(Enterprise(name=name))
    session.flush()


def write(store: Store, then: Callable[[Session], object] = lambda _session: None) -> None:
    """A transaction that writes something, and then meets something."""
    with store.transaction() as session:
        add(session, "一")
        then(session)


def cut_before(session: Session, address: Address) -> None:
    """The connection is gone before the transaction's next word."""
    cluster().cut(address)
    add(session, "二")


@pytest.mark.parametrize(
    ("state", "advice"),
    [
        ("disk_full", "free the disk of the database"),
        ("read_only_sql_transaction", "it takes no writes; name the primary"),
        ("lock_not_available", "end what holds it"),
        ("admin_shutdown", "check that it runs and can be reached"),
        ("crash_shutdown", "check that it runs"),
        ("cannot_connect_now", "check that it runs"),
        ("too_many_connections", "check that it runs"),
        ("out_of_memory", "check that it runs"),
        ("io_error", "check that it runs"),
        ("serialization_failure", "check that it runs"),
        ("deadlock_detected", "check that it runs"),
        ("query_canceled", "check that it runs"),
    ],
)
def test_what_passes(store: Store, state: str, advice: str) -> None:
    """An error that the database raises for a trouble which passes is the world's, says what to do, and is over then."""
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'no luck' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(StoreUnavailable, match=f"takes no transaction now: no luck.*; .*{advice}") as error:
        write(store, lambda session: session.connection().exec_driver_sql(raising))

    assert str(error.value).startswith(f"{store.shown}: ")
    assert names(store) == []


@pytest.mark.parametrize("state", ["syntax_error", "undefined_table", "data_corrupted", "numeric_value_out_of_range"])
def test_what_does_not_pass(store: Store, state: str) -> None:
    """A mistake of ours, or damage, comes out as it is: trying again would hide it."""
    raising = f"DO $$ BEGIN RAISE EXCEPTION 'our mistake' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(DBAPIError, match="our mistake"), store.transaction() as session:
        session.connection().exec_driver_sql(raising)

    assert names(store) == []


def test_a_connection_that_is_cut(store: Store, address: Address) -> None:
    """Cut in the middle, a transaction is not written and says so; cut between two, nobody notices."""
    with pytest.raises(
        StoreUnavailable, match=r"takes no transaction now: .*terminating connection.*; check that it runs"
    ):
        write(store, lambda session: cut_before(session, address))
    assert names(store) == []
    cluster().cut(address)

    assert names(store) == []


def test_a_database_that_goes_and_comes_back(address: Address) -> None:
    """While PostgreSQL is down each transaction says where it is missing; afterwards the same store works, as the server."""
    store = Store(address, alone=True)
    cluster().stop()
    try:
        for _ in range(2):
            with pytest.raises(
                StoreUnavailable, match=rf"^{re.escape(str(address))}: .*Connection refused.*; check that it"
            ):
                names(store)
    finally:
        cluster().start()

    assert names(store) == []
    with pytest.raises(SurroundingsError, match="another server works on this database"):
        Store(address, alone=True)
    store.close()


def test_a_server_that_was_replaced(address: Address) -> None:
    """A server that lost its connection, and finds another server there, writes nothing until that one ends."""
    first = Store(address, alone=True)
    cluster().cut(address)
    second = Store(address, alone=True)
    with pytest.raises(StoreUnavailable, match=r"another server works on this database \(coldseal server \d+ on .*\)"):
        names(first)
    second.close()

    assert names(first) == []
    first.close()


def test_a_database_that_takes_no_writes(address: Address, store: Store) -> None:
    """A standby's answer is told as such."""
    cluster().execute(f"ALTER DATABASE {address.name} SET default_transaction_read_only = on")
    cluster().cut(address)
    with pytest.raises(StoreUnavailable, match="cannot execute INSERT in a read-only transaction; it takes no writes"):
        write(store)


def test_text_that_postgresql_does_not_have(store: Store) -> None:
    """U+0000 from outside is kept as U+FFFD, and asking for it finds nothing else: no mistake of ours."""
    with store.transaction() as session:
        add(session, "a\0b")
    with store.transaction() as session:
        found = [session.exec(select(Enterprise.id).where(Enterprise.name == name)).first() for name in ("a\0b", "ab")]

    assert names(store) == ["a\ufffdb"]
    assert found == [1, None]


def test_a_password_from_a_file(address: Address, tmp_path: Path) -> None:
    """The file is read at each connection; a wrong one, or none, is told with user and place, never the password."""
    file = tmp_path / "password"
    guarded = msgspec.structs.replace(address, user=PASSWORD_USER, password_file=file)
    with pytest.raises(SurroundingsError, match=r"database_password_file .*/password: cannot be read: No such file"):
        Store(guarded)
    file.write_text("wrong-secret\n", encoding="utf-8")
    with pytest.raises(
        SurroundingsError, match=r"password authentication failed for user \"guarded\".*; check that"
    ) as error:
        Store(guarded)
    file.write_text(f"{PASSWORD}\n", encoding="utf-8")
    store = Store(guarded)

    assert "wrong-secret" not in str(error.value)
    assert names(store) == []
    assert PASSWORD not in f"{store.shown} {store.introduction} {store.engine!r} {store.engine.url}"
    store.close()


@pytest.mark.parametrize("by", ["PGPASSWORD", "PGPASSFILE"])
def test_a_password_from_the_environment(
    address: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """Without a file of ours libpq's own ways count."""
    file = tmp_path / "pgpass"
    file.write_text(f"*:*:*:{PASSWORD_USER}:{PASSWORD}\n", encoding="utf-8")
    file.chmod(0o600)
    monkeypatch.setenv(by, PASSWORD if by == "PGPASSWORD" else str(file))
    store = Store(msgspec.structs.replace(address, user=PASSWORD_USER))

    assert names(store) == []
    store.close()


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("127.0.0.1:1/coldseal", r"connection to server at \"127.0.0.1\", port 1 failed: Connection refused"),
        ("nowhere.invalid/coldseal", r"failed to resolve host 'nowhere.invalid'"),
        ("127.0.0.1:{port}/nothing", r"database \"nothing\" does not exist"),
    ],
)
def test_commands_without_their_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str, told: str
) -> None:
    """A database that cannot be reached ends a command with exit code 3 and one line that says where and what to do."""
    url = f"postgresql://{USER}@{place.format(port=cluster().port)}"
    (tmp_path / "server.yaml").write_text(f"database: {url}\n", encoding="utf-8")

    assert main(["server", "migrate", "--data", str(tmp_path)]) == 3
    said = capsys.readouterr().err
    assert re.match(
        rf"coldseal: error: postgresql://coldseal@\S+: cannot be used as the database: .*{told}.*; check", said
    )
    assert said.count("\n") == 1


def test_a_database_that_would_lose_letters() -> None:
    """A database of another encoding is refused before anything is made in it."""
    cluster().execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C' LOCALE_PROVIDER libc")
    with pytest.raises(SurroundingsError, match=r"/latin: expected the encoding UTF8, got SQL_ASCII; make it anew"):
        Store(cluster().address("latin"))
    cluster().drop(cluster().address("latin"))


def test_a_user_without_rights(address: Address) -> None:
    """A user that may not make tables is told what to ask for."""
    empty = cluster().new("template1")
    cluster().execute("CREATE ROLE weak LOGIN")
    with pytest.raises(
        SurroundingsError, match=r"permission denied for schema public.*; let this user own the database"
    ):
        Store(msgspec.structs.replace(empty, user="weak"))
    cluster().drop(empty)
    cluster().execute("DROP ROLE weak")
    assert address.name != empty.name
