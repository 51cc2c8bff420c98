"""The outbox's SQLite file: how it is opened, checked and written. One connection, which no other process can share."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.errors import DataUnusable

WAIT_FOR_LOCK_S = 1.0

# One connection only: SQLite before 3.51.3 can corrupt a WAL under two, so the file is locked for us alone. FULL: a row
# that was committed survives a power cut. The WAL is kept short, as it counts against a small disk.
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 64",
    "PRAGMA cache_size = -256",  # KB; the default of 2 MB a file is much for a small computer with several agents
    "PRAGMA journal_size_limit = 262144",
)

_TABLES = (
    "CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS boots (id TEXT PRIMARY KEY, boot BLOB NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS pending (n INTEGER PRIMARY KEY, boot TEXT NOT NULL, row BLOB NOT NULL,
       meter TEXT NOT NULL DEFAULT '')""",
    """CREATE TABLE IF NOT EXISTS envelopes (seq INTEGER PRIMARY KEY, raw BLOB NOT NULL, sha BLOB NOT NULL,
       rows INTEGER NOT NULL, made_ms INTEGER NOT NULL, loss BLOB NOT NULL, delivered INTEGER NOT NULL DEFAULT 0)""",
    "CREATE TABLE IF NOT EXISTS loss (reason TEXT PRIMARY KEY, first INTEGER, last INTEGER, rows INTEGER NOT NULL)",
)


def open_file(path: Path) -> sqlite3.Connection:
    """The outbox's one connection; the file is made if it is missing.

    Raises:
        DataUnusable: another process has it, it is damaged, or the folder or disk does not let it be written.
    """
    try:
        # One thread at a time uses it: the caller's disk thread, and the one that made it at start.
        db = sqlite3.connect(path, timeout=WAIT_FOR_LOCK_S, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise DataUnusable(f"{path}: cannot be opened: {error}; check the folder and its rights") from error
    try:
        _prepare(db)
    except sqlite3.Error as error:
        db.close()
        raise DataUnusable(f"{path}: {_advice(error)}") from error
    return db


def _prepare(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    if db.execute("PRAGMA page_count").fetchone()[0] == 0:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")
    for statement in _PRAGMAS:
        db.execute(statement)
    answer = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise sqlite3.DatabaseError(answer)
    for statement in _TABLES:
        db.execute(statement)
    if "meter" not in [column[1] for column in db.execute("PRAGMA table_info(pending)")]:
        db.execute("ALTER TABLE pending ADD COLUMN meter TEXT NOT NULL DEFAULT ''")  # an older file
    db.execute("CREATE INDEX IF NOT EXISTS pending_meter ON pending (boot, meter)")


def _advice(error: sqlite3.Error) -> str:
    told = " ".join(str(error).split())
    if _name(error) == "SQLITE_BUSY":
        return "is in use; is the agent already running? Stop that process, or give this agent its own data folder"
    if is_space_error(error):
        return f"the disk is full or does not take writes ({told}); free at least 2 MB and start again"
    if _name(error) in ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM"):
        return f"cannot be written ({told}); give the agent's user the right to the folder and the file"
    return (
        f"is damaged ({told}); move the whole data folder away, keep it for examination, start again and register "
        "the new key with `coldseal server agents add`"
    )


def is_space_error(error: sqlite3.Error) -> bool:
    """Whether the disk is full or refuses writes; the file itself is intact then."""
    return _name(error) == "SQLITE_FULL" or _name(error).startswith("SQLITE_IOERR")


def _name(error: sqlite3.Error) -> str:
    """SQLite's name of an error; empty for one that this module raised itself."""
    return str(getattr(error, "sqlite_errorname", ""))


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, on disk when it returns."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def give_back(db: sqlite3.Connection, pages_min: int = 64) -> None:
    """Hand pages that deliveries freed back to the file system."""
    if db.execute("PRAGMA freelist_count").fetchone()[0] >= pages_min:
        db.executescript("PRAGMA incremental_vacuum")  # execute() would stop after the first page
        empty_wal(db)


def empty_wal(db: sqlite3.Connection) -> None:
    """Move the WAL into the file and cut it to nothing."""
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
