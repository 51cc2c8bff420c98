"""Where a PostgreSQL database is: an address without its password, so that it may stand in every message."""

from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

import msgspec

from wire.errors import SettingsError

SCHEME = "postgresql"
PORT = 5432
EXAMPLE = "postgresql://coldseal@db.example:5432/coldseal"
OPTIONS = ("host", "sslmode", "sslrootcert", "sslcert", "sslkey")
"""What may follow the question mark, as libpq names it."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A PostgreSQL database.

    Attributes:
        user, host, port, name: as libpq has them.
        options: more of libpq's parameters; `host` is the folder of a Unix socket.
        password_file: read at every connection, so that a new password needs no restart; without it libpq looks into
            PGPASSWORD, PGPASSFILE and ~/.pgpass.
    """

    user: str
    host: str
    port: int
    name: str
    options: tuple[tuple[str, str], ...] = ()
    password_file: Path | None = None

    def __str__(self) -> str:
        more = "&".join(f"{key}={quote(value, safe='/')}" for key, value in self.options)
        host = f"[{self.host}]" if ":" in self.host else self.host
        place = f"{host}:{self.port}" if self.host else ""
        return f"{SCHEME}://{quote(self.user)}@{place}/{quote(self.name)}" + (f"?{more}" if more else "")


def parse(text: str, where: str = "", password_file: Path | None = None) -> Address:
    """The address in a URL; a message never repeats what may be a password.

    Args:
        text: postgresql://USER@HOST:PORT/NAME, or postgresql://USER@/NAME?host=FOLDER for a Unix socket.
        where: the file that says so, for messages.
        password_file: what stands beside it.

    Raises:
        SettingsError: anything else, or a password in it.
    """
    here = f"{where}database"
    try:
        url = urlsplit(text)
        port = url.port or PORT
    except ValueError as error:
        raise SettingsError(f"{here}: expected an address such as {EXAMPLE}, got one that cannot be read") from error
    if url.scheme != SCHEME:
        got = f"{url.scheme}:…" if "://" in text else "no address"
        raise SettingsError(
            f"{here}: expected an address such as {EXAMPLE}, got {got}; leave the key out for SQLite in the data folder"
        )
    if url.password is not None:
        raise SettingsError(
            f"{here}: expected no password in the address, where listings and logs show it; write it into a file that "
            "only the server reads, and name that file by database_password_file"
        )
    options = _options(url, here)
    host = "" if any(key == "host" for key, _value in options) else url.hostname or ""
    user, name = unquote(url.username or ""), unquote(url.path.removeprefix("/"))
    missing = [part for part, value in (("user", user), ("host", host or options), ("name", name)) if not value]
    if missing or "/" in name or url.fragment:
        raise SettingsError(
            f"{here}: expected an address such as {EXAMPLE}, got one without {' and '.join(missing) or 'a plain name'}"
        )
    return Address(user=user, host=host, port=port, name=name, options=options, password_file=password_file)


def _options(url: SplitResult, here: str) -> tuple[tuple[str, str], ...]:
    options = tuple(parse_qsl(url.query, keep_blank_values=True))
    for key, value in options:
        if key not in OPTIONS:
            raise SettingsError(f"{here}: expected no more than {', '.join(OPTIONS)} behind '?', got {key!r}")
        if key != "sslmode" and not value.startswith("/"):
            raise SettingsError(f"{here}: {key}: expected an absolute path, since libpq looks from where it is started")
    return options
