"""What both databases promise alike: turns, one server, and the line between the world's troubles and ours."""

from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from coldseal.cli import main
from server.migrations import head
from server.store import Store, StoreUnavailable
from server.tables import Enterprise
from tests.server.stores import a_database, a_store, written_on
from wire.errors import SurroundingsError


def names(store: Store) -> list[str]:
    """Enterprises, in the order of their names."""
    with store.transaction() as session:
        return list(session.exec(select(Enterprise.name).order_by(Enterprise.name)).all())


def add(store: Store, *given: str) -> None:
    """Add enterprises in one transaction."""
    with store.transaction() as session:
        session.add_all([Enterprise(name=name) for name in given])


def stumble(store: Store) -> None:
    """Write something, and make a mistake."""
    with store.transaction() as session:
        session.add(Enterprise(name="二"))
        session.flush()
        _ = 1 // 0


def revision(store: Store, new: str | None = None) -> str:
    """What the database says its tables are of, after writing something else there."""
    with store.transaction() as session:
        connection = session.connection()
        if new is not None:
            connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{new}'")  # noqa: S608 - our own words
        return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    """What was flushed before a mistake is not there afterwards, and the store goes on."""
    store = a_store(tmp_path)
    add(store, "一")
    with pytest.raises(ZeroDivisionError, match="by zero"):
        stumble(store)
    with pytest.raises(SQLAlchemyError, match=r"(?i)unique"):
        add(store, "三", "一")

    assert names(store) == ["一"]


def test_text_sorts_by_its_codes(tmp_path: Path) -> None:
    """Both databases sort as Python does, whatever language the database was made for."""
    store = a_store(tmp_path)
    given = ["b", "B", "a", "A", "_", "FZ-2", "FZ10", "示例", "é", "Z"]
    add(store, *given)

    assert names(store) == sorted(given)


def test_a_second_process_waits_for_its_turn_but_not_for_ever(tmp_path: Path) -> None:
    """While another holds a transaction, ours ends after its bounded wait with the world's error; then it works again."""
    holding, waiting = a_store(tmp_path), a_store(tmp_path, wait_s=0.2)
    with holding.transaction() as session:
        session.add(Enterprise(name="一"))
        session.flush()
        with pytest.raises(StoreUnavailable, match=r"takes no transaction now: .*; .*end what holds it") as error:
            names(waiting)

    assert str(error.value).startswith(f"{a_database(tmp_path)}: ")
    assert names(waiting) == ["一"]


def test_one_server_on_one_database(tmp_path: Path) -> None:
    """A second server is refused by name; commands work beside the first, and a new server after it."""
    first = a_store(tmp_path, alone=True)
    add(a_store(tmp_path), "一")
    with pytest.raises(SurroundingsError, match=r": another server works on this database \(.*\); end that one first$"):
        a_store(tmp_path, alone=True)
    first.close()

    assert names(a_store(tmp_path, alone=True)) == ["一"]


def test_a_mistake_of_ours_is_no_trouble_of_the_world(tmp_path: Path) -> None:
    """A statement that no database takes comes out as it is; the next transaction works."""
    store = a_store(tmp_path)
    with pytest.raises(SQLAlchemyError, match="nowhere"), store.transaction() as session:
        session.connection().exec_driver_sql("SELECT * FROM nowhere")

    assert names(store) == []


def test_parameters_stay_out_of_errors(tmp_path: Path) -> None:
    """Names and hashes are not written into the log by a mistake."""
    store = a_store(tmp_path)
    add(store, "一家不该出现的企业")
    with pytest.raises(SQLAlchemyError, match="hide_parameters") as error:
        add(store, "一家不该出现的企业")

    assert "[parameters" not in str(error.value)


def test_a_newer_release(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A database of a newer release ends every command with exit code 3 and one clear line; nothing is changed."""
    data = written_on(tmp_path)
    store = a_store(data)
    add(store, "一")
    revision(store, "9999")
    for words in (["server", "migrate"], ["seal", "list"], ["server", "run", "--port", "0"]):
        assert main([*words, "--data", str(data)]) == 3
        assert capsys.readouterr().err == (
            f"coldseal: error: {a_database(data)}: was made by a newer release of ColdSeal: its tables are of revision "
            f"9999, this release knows none after {head()}; nothing was changed; use that release or a newer one\n"
        )

    assert (revision(store), names(store)) == ("9999", ["一"])


def test_a_lost_file_of_the_lock_is_no_obstacle(tmp_path: Path) -> None:
    """A server that was killed leaves nothing that keeps the next one out."""
    first = a_store(tmp_path, alone=True)
    first.engine.dispose()
    first.close()

    assert a_store(tmp_path, alone=True).version
