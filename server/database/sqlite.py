"""SQLite in one file: who writes, how its journal is kept, and which troubles pass."""

import fcntl
import os
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from wire.errors import SurroundingsError

PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")
"""Errors of the disk or of another process, which pass; any other is a mistake of ours or a damaged file."""


def wal_is_safe(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite keeps a WAL intact under several connections.

    3.7.0 to 3.51.2 can corrupt it when a reset races with a reader (the "WAL-reset" bug); 3.44.6, 3.50.7 and 3.51.3
    have the repair.
    """
    return version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0)


class Sqlite:
    """A database file.

    Args:
        path: the file; it and its folder are made where they are missing.
        wait_s: how long a transaction waits for another process.
        alone: whether this is the server itself, of which there may be one.
    """

    kind = "SQLite"

    def __init__(self, path: Path, *, wait_s: float, alone: bool) -> None:
        self._path, self._wait_s, self._alone = path, wait_s, alone
        self.shown = str(path)
        self.journal = "WAL" if wal_is_safe(sqlite3.sqlite_version_info[:3]) else "TRUNCATE"
        self._held: int | None = None

    def engine(self) -> Engine:
        """A new engine; nothing is opened yet."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch(mode=0o600)  # names, codes and hashes of secrets are the server's alone
        if self._alone:
            self._held = _held(self._path.with_name(f"{self._path.name}.server"), self.shown)
        engine = create_engine(
            f"sqlite:///{self._path}",
            connect_args={"timeout": self._wait_s, "check_same_thread": False},
            hide_parameters=True,
        )
        event.listen(engine, "connect", self._on_connect)
        event.listen(engine, "begin", _begin_as_writer)
        return engine

    def version(self, engine: Engine) -> str:  # noqa: ARG002 - SQLite is in this process
        """The release of the library."""
        return sqlite3.sqlite_version

    def introduction(self, version: str) -> str:
        """Which SQLite, and what is wrong with it."""
        if self.journal == "WAL":
            return f"SQLite {version}: journal WAL"
        return (
            f"SQLite {version} can lose a write-ahead log under several connections: journal {self.journal} is used, "
            "which is safe and slower; 3.51.3 has the repair"
        )

    def advice(self, error: DBAPIError) -> str | None:
        """What to do about a trouble that passes."""
        if not isinstance(error, OperationalError):
            return None
        passing = str(getattr(error.orig, "sqlite_errorname", "")).startswith(PASSING)
        return "free its disk, or end what holds it" if passing else None

    def advice_at_start(self, error: BaseException) -> str | None:
        """What to do where the file cannot be opened."""
        return "check its rights, or restore it from a copy" if isinstance(error, OSError | DatabaseError) else None

    def let_go(self) -> None:
        """Another server may begin."""
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _on_connect(self, connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # SQLAlchemy's own BEGIN below, not the driver's
        for pragma in (f"journal_mode={self.journal}", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")


def _begin_as_writer(connection: Connection) -> None:
    """Wait for the write lock at the start: a reader that turns writer later could only fail."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _held(path: Path, shown: str) -> int:
    """A file that the kernel keeps for one process, and gives back when that one ends, however it ends."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(file)
        raise SurroundingsError(
            f"{shown}: another server works on this database (it holds {path.name}); end that one first"
        ) from error
    return file
