"""PostgreSQL: how transactions take turns, how one server stays alone, and which troubles pass."""

import os
import socket
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from server.database.address import Address
from server.database.errors import StoreUnavailable

TURN = int.from_bytes(b"coldseal", "big")
"""The advisory lock that a transaction holds; such locks are counted in each database by itself."""
SERVER = TURN + 1
"""The one that the server holds as long as it is connected."""
ASKED = 20
"""So often, 0.1 s apart, for a lock that another server holds."""
CONNECT_S = 5
GONE_MS = 25_000
"""Unanswered for so long, the other end is gone; the keep-alives below come to the same."""
OLDEST = 13
"""Row triggers before a change, on a partitioned table, came with it."""

DISK_FULL, LOCKED, READ_ONLY, NO_RIGHT = "53100", "55P03", "25006", "42501"
PASSING_CLASSES = ("08", "40", "53", "57", "58")
"""Connection, rolled back by the server, resources, operator's hand, its system (PostgreSQL's documentation, app. A)."""
ADVICE = {
    DISK_FULL: "free the disk of the database",
    LOCKED: "another process holds its turn; end what holds it",
    READ_ONLY: "it takes no writes; name the primary in server.yaml, or end its read-only state",
}
RETRY = "check that it runs and can be reached, and user, name and password (database_password_file, PGPASSFILE)"
GRANT = "let this user own the database: ALTER DATABASE … OWNER TO …"
OTHER_SERVER = """
SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid)
WHERE locktype = 'advisory' AND granted AND (classid::bigint << 32 | objid::bigint) = %s AND datname = current_database()
"""


class Postgres:
    """A PostgreSQL database; its one connection is made anew when it was lost.

    Args:
        address: where.
        wait_s: how long a transaction waits for another process.
        alone: whether this is the server itself, of which there may be one.
    """

    kind, journal = "PostgreSQL", "WAL"

    def __init__(self, address: Address, *, wait_s: float, alone: bool) -> None:
        self._address, self._wait_s, self._alone = address, wait_s, alone
        self.shown = str(address)

    def engine(self) -> Engine:
        """A new engine; nothing is opened yet."""
        at = self._address
        url = URL.create("postgresql+psycopg", at.user, None, at.host or None, at.port, at.name, dict(at.options))
        engine = create_engine(
            url, connect_args=self._parameters(), hide_parameters=True,
            pool_size=1, max_overflow=0,  # transactions take turns, and the server's lock hangs on its connection
            pool_pre_ping=True, pool_timeout=self._wait_s,
        )  # fmt: skip
        event.listen(engine, "do_connect", self._add_password)
        event.listen(engine, "connect", self._on_connect)
        event.listen(engine, "begin", _take_turn)
        event.listen(engine, "before_cursor_execute", _without_nul, retval=True)
        return engine

    def version(self, engine: Engine) -> str:
        """The release of the server."""
        return ".".join(map(str, engine.dialect.server_version_info or ()))

    def introduction(self, version: str) -> str:
        """Which PostgreSQL, and where."""
        return f"PostgreSQL {version}: {self.shown}"

    def advice(self, error: DBAPIError) -> str | None:
        """What to do about a trouble that passes."""
        state = getattr(error.orig, "sqlstate", None)
        if state in ADVICE:
            return ADVICE[state]
        unreached = isinstance(error, OperationalError) and state is None  # libpq's own words have no state
        passing = unreached or error.connection_invalidated or str(state)[:2] in PASSING_CLASSES
        return RETRY if passing else None

    def advice_at_start(self, error: BaseException) -> str | None:
        """What to do where it cannot be opened."""
        if not isinstance(error, DBAPIError):
            return None
        return GRANT if getattr(error.orig, "sqlstate", None) == NO_RIGHT else self.advice(error)

    def let_go(self) -> None:
        """The server's lock went with its connection."""

    def _parameters(self) -> dict[str, object]:
        """Both ends notice within half a minute that the other one is gone, and what it held is given back."""
        alive = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
        settings = {f"tcp_{key}": value for key, value in alive.items()} | {"lock_timeout": round(self._wait_s * 1000)}
        role = "server" if self._alone else "command"
        return alive | {
            "connect_timeout": CONNECT_S,
            "tcp_user_timeout": GONE_MS,
            "client_encoding": "utf8",
            "application_name": f"coldseal {role} {os.getpid()} on {socket.gethostname()}"[:63],
            "options": " ".join(f"-c {key}={value}" for key, value in settings.items()),
        }

    def _add_password(
        self, _dialect: Dialect, _record: ConnectionPoolEntry, _args: list[Any], parameters: dict[str, Any]
    ) -> None:
        """Read at every connection, and kept nowhere."""
        file = self._address.password_file
        if file is None:
            return
        try:
            parameters["password"] = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            cause = getattr(error, "strerror", None) or "not UTF-8"
            raise StoreUnavailable(
                f"database_password_file {file}: cannot be read: {cause}; correct it in server.yaml"
            ) from error

    def _on_connect(self, connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        """Refuse a database that would lose letters, and a second server."""
        cursor = connection.cursor()
        cursor.execute("SELECT current_setting('server_encoding'), current_setting('server_version_num')::int / 10000")
        encoding, major = cursor.fetchone() or ("", 0)
        other = _other_server(cursor) if self._alone else None
        cursor.close()
        connection.commit()
        wrong = None
        if encoding != "UTF8":
            wrong = f"expected the encoding UTF8, got {encoding}; make it anew: CREATE DATABASE … ENCODING 'UTF8'"
        elif major < OLDEST:
            wrong = f"expected PostgreSQL {OLDEST} or newer, got {major}; bring it to a newer release"
        elif other is not None:
            wrong = f"another server works on this database ({other or 'not shown to this user'}); end that one first"
        if wrong is not None:
            connection.close()
            raise StoreUnavailable(f"{self.shown}: {wrong}")


def _other_server(cursor: DBAPICursor) -> str | None:
    """Take the server's lock for as long as the connection lasts; who holds it, if it is not to be had."""
    for _ in range(ASKED):
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (SERVER,))
        if cursor.fetchone() == (True,):
            return None
        cursor.execute("SELECT pg_sleep(0.1)")  # a server that has just ended: its connection is a moment behind it
    cursor.execute(OTHER_SERVER, (SERVER,))
    return str((cursor.fetchone() or ("",))[0])


def _take_turn(connection: Connection) -> None:
    """Wait for the one writer's turn at the start, as BEGIN IMMEDIATE does; it ends with the transaction."""
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (TURN,))


def _without_nul(
    _connection: Connection, _cursor: object, statement: str, parameters: object, _context: object, _many: bool
) -> tuple[str, object]:
    """PostgreSQL's text has no U+0000, and what comes from outside may: it becomes U+FFFD, as other broken text does."""
    return statement, _replaced(parameters)


def _replaced(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd")
    if isinstance(value, dict):
        return {key: _replaced(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one) for one in value]
    return tuple(map(_replaced, value)) if isinstance(value, tuple) else value
