"""The only module through which a database is used. One process writes at a time; transactions take turns."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from server.database.address import Address
from server.database.errors import StoreUnavailable
from server.database.flavour import Flavour
from server.database.partitions import Partitions
from server.database.postgres import Postgres
from server.database.sqlite import Sqlite, wal_is_safe
from server.migrations import upgrade
from wire.errors import SurroundingsError

__all__ = ["Place", "Store", "StoreUnavailable", "wal_is_safe"]

WAIT_FOR_LOCK_S = 15.0

Place = Path | Address
"""A file of SQLite, or an address of PostgreSQL."""


class Store:
    """A database and the turns that transactions take on it.

    Attributes:
        place: where it is.
        shown: the same as messages name it; never a password.
        kind: SQLite or PostgreSQL.
        version: the release of that program.
        introduction: one line for whoever starts the server.
        journal: WAL, or TRUNCATE where this SQLite is not safe with it.
        engine: SQLAlchemy's engine; nobody outside opens a connection on it.
    """

    def __init__(self, place: Place, *, wait_s: float = WAIT_FOR_LOCK_S, alone: bool = False) -> None:
        """Open (and create or migrate) the database.

        Args:
            place: a file of SQLite, or an address of PostgreSQL.
            wait_s: how long a transaction waits for another process.
            alone: whether this is the server itself, of which there may be one.

        Raises:
            SurroundingsError: it cannot be opened, is not a database, is of a newer release, or is another server's.
        """
        self.place = place
        self._flavour: Flavour = (
            Sqlite(place, wait_s=wait_s, alone=alone)
            if isinstance(place, Path)
            else Postgres(place, wait_s=wait_s, alone=alone)
        )
        self.shown, self.kind, self.journal = self._flavour.shown, self._flavour.kind, self._flavour.journal
        self._turn = threading.RLock()
        self.engine = self._open()
        self.version = self._flavour.version(self.engine)
        self.introduction = self._flavour.introduction(self.version)
        self._partitions = Partitions(self.transaction)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block ends and rolls back when it raises.

        Raises:
            StoreUnavailable: the disk is full, another process holds the database too long, or the connection was
                lost. Nothing was written, except where the connection was lost in the very commit: then nobody here
                knows, and what is tried again must bear having been written.
        """
        with self._turn, Session(self.engine, expire_on_commit=False) as session:
            try:
                yield session
                session.commit()
            except DBAPIError as error:
                session.rollback()
                advice = self._flavour.advice(error)
                if advice is None:
                    raise
                raise StoreUnavailable(f"{self.shown}: takes no transaction now: {_cause(error)}; {advice}") from error
            except BaseException:
                session.rollback()
                raise

    def keep_months(self, now_ms: int) -> None:
        """Make the coming months ready for envelopes; to be called at the start and then as often as one likes.

        Raises:
            StoreUnavailable: the database takes no transaction now; the next call tries again.
        """
        self._partitions.keep(now_ms)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()
        self._flavour.let_go()

    def _open(self) -> Engine:
        engine = None
        try:
            engine = self._flavour.engine()
            with engine.begin() as connection:
                upgrade(connection, self.shown)
        except BaseException as error:
            if engine is not None:
                engine.dispose()
            self._flavour.let_go()
            advice = self._flavour.advice_at_start(error)
            if advice is None or isinstance(error, SurroundingsError):
                raise
            raise SurroundingsError(
                f"{self.shown}: cannot be used as the database: {_cause(error)}; {advice}"
            ) from error
        return engine


def _cause(error: BaseException) -> str:
    """What the database said, in one line."""
    return " ".join(str(getattr(error, "orig", None) or error).split())
