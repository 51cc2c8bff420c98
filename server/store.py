"""The only module that opens a database. One process writes; transactions inside it take turns."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from server.migrations import upgrade
from wire.errors import SurroundingsError

WAIT_FOR_LOCK_S = 15.0
PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")
"""Errors of the disk or of another process, which pass; any other is a mistake of ours or a damaged file."""


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite keeps a WAL intact under several connections.

    3.7.0 to 3.51.2 can corrupt it when a reset races with a reader (the "WAL-reset" bug); 3.44.6, 3.50.7 and 3.51.3
    have the repair.
    """
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0)


class StoreUnavailable(SurroundingsError):
    """The database takes no transaction now; what was to be written is to be tried again."""


class Store:
    """A database file and the turns that transactions take on it.

    Attributes:
        engine: SQLAlchemy's engine; nobody outside this module opens a connection on it.
        journal: WAL where this SQLite is safe with it, else TRUNCATE.
    """

    def __init__(self, path: Path, *, wait_s: float = WAIT_FOR_LOCK_S) -> None:
        """Open (and create or migrate) the database.

        Args:
            path: the file.
            wait_s: how long a transaction waits for another process.

        Raises:
            SurroundingsError: the file cannot be opened, is not a database, or is of a newer release.
        """
        self.path, self._wait_s = path, wait_s
        self.journal = "WAL" if wal_is_safe(sqlite3.sqlite_version_info[:3]) else "TRUNCATE"
        self._turn = threading.RLock()
        self.engine = self._open()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block ends and rolls back when it raises.

        Raises:
            StoreUnavailable: the disk is full, or another process holds the file too long; nothing was written.
        """
        with self._turn, Session(self.engine, expire_on_commit=False) as session:
            try:
                yield session
                session.commit()
            except OperationalError as error:
                session.rollback()
                if not str(getattr(error.orig, "sqlite_errorname", "")).startswith(PASSING):
                    raise
                raise StoreUnavailable(
                    f"{self.path}: takes no transaction now: {error.orig}; free its disk, or end what holds it"
                ) from error
            except BaseException:
                session.rollback()
                raise

    def close(self) -> None:
        """Let go of the file."""
        self.engine.dispose()

    def _open(self) -> Engine:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch(mode=0o600)  # names, codes and hashes of tokens are the server's alone
            engine = create_engine(
                f"sqlite:///{self.path}", connect_args={"timeout": self._wait_s, "check_same_thread": False}
            )
            event.listen(engine, "connect", self._on_connect)
            event.listen(engine, "begin", _begin_as_writer)
            with engine.begin() as connection:
                upgrade(connection)
        except (OSError, DatabaseError) as error:
            cause = getattr(error, "orig", None) or error
            raise SurroundingsError(
                f"{self.path}: cannot be used as the database: {cause}; check its rights, or restore it from a copy"
            ) from error
        return engine

    def _on_connect(self, connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # SQLAlchemy's own BEGIN below, not the driver's
        for pragma in (f"journal_mode={self.journal}", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")


def _begin_as_writer(connection: Connection) -> None:
    """Wait for the write lock at the start: a reader that turns writer later could only fail."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
