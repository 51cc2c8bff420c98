"""The server's settings: DATA/server.yaml where it exists, and what the command line says instead."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from server.database import address
from server.database.address import Address
from server.notify.channels import AlertsFile
from wire import settings_file
from wire.errors import SettingsError

FILE_NAME = "server.yaml"
DATABASE_NAME = "coldseal.sqlite"
SILENT_AFTER_S_RANGE = (1.0, 86_400.0)
GAP_WAIT_S_RANGE = (0.1, 3_600.0)

HttpPort = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


RENAMED = {"database_url": "database"}
"""In the file the key is `database`; `Settings.database` is what it leads to."""


class SettingsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=RENAMED):
    """What DATA/server.yaml may say; every key has a default.

    Attributes:
        deployment: the name that every agent signs into its envelopes; another one is refused.
        database_url: `database` in the file: postgresql://USER@HOST:PORT/NAME; without it SQLite in the data folder.
        database_password_file: relative to DATA; without it libpq's PGPASSFILE, PGPASSWORD and ~/.pgpass.
        http_host, http_port: where the page and the interface are served; port 0 takes any free one.
        trusted_proxies: addresses or networks whose X-Forwarded-For and X-Forwarded-Proto are believed.
        broker_host, broker_port: the MQTT broker.
        broker_protocol: the version of MQTT that it speaks; NATS speaks 3.1.1 only.
        broker_username, broker_password_file: who the server is there; the file is relative to DATA.
        broker_ca, broker_cert, broker_key: files in PEM, relative to DATA; with broker_ca the line is TLS.
        silent_after_s: time without an agent's envelope after which it counts as silent (3 batches of a minute).
        gap_wait_s: how long envelopes beyond a gap wait for the missing before they are judged.
        log_format: plain lines for people, or json: one object a line.
        alerts: who is told of what; see docs/alerts.md.
    """

    deployment: str = "coldseal.local/1"
    database_url: str | None = None
    database_password_file: str | None = None
    http_host: str = "127.0.0.1"
    http_port: HttpPort = 8080
    trusted_proxies: tuple[str, ...] | None = None
    broker_host: str = "127.0.0.1"
    broker_port: Port = 1883
    broker_protocol: Literal["5", "3.1.1", 5] = "5"
    broker_username: str = "ingest"
    broker_password_file: str | None = None
    broker_ca: str | None = None
    broker_cert: str | None = None
    broker_key: str | None = None
    silent_after_s: float = 180.0
    gap_wait_s: float = 10.0
    log_format: Literal["plain", "json"] = "plain"
    alerts: AlertsFile | None = None


class Settings(SettingsFile, frozen=True, kw_only=True, forbid_unknown_fields=True, rename=RENAMED):
    """The settings in force.

    Attributes:
        data: the folder of database, keys and server.yaml.
    """

    data: Path

    @property
    def database(self) -> Path | Address:
        """SQLite's file, or PostgreSQL's address."""
        if self.database_url is None:
            return self.data / DATABASE_NAME
        file = self.database_password_file
        return address.parse(self.database_url, password_file=None if file is None else Path(file))


def load(data: Path, **instead: object) -> Settings:
    """The settings of a data folder.

    Args:
        data: the folder; it need not exist yet.
        **instead: keys of SettingsFile that the command line gives; None where it does not.

    Raises:
        SurroundingsError: the file is there but cannot be read.
        SettingsError: a key that is unknown, of the wrong type, or cannot be meant.
    """
    path = data / FILE_NAME
    written = settings_file.read(path, SettingsFile) if path.exists() else SettingsFile()
    _check(written, f"{path}: ")
    given = {key: value for key, value in instead.items() if value is not None}
    try:
        settings = msgspec.convert(msgspec.to_builtins(written) | _absolute(written, data) | given, SettingsFile)
    except msgspec.ValidationError as error:
        raise SettingsError(f"command line: {error}; see --help") from error
    _check(settings, "command line: ")
    return Settings(data=data, **msgspec.structs.asdict(settings))


def host_and_port(text: str, option: str) -> tuple[str, int]:
    """The two halves of HOST:PORT.

    Raises:
        SettingsError: not of this form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65_535:
        raise SettingsError(f"{option}: expected HOST:PORT, got {text!r}; e.g. 127.0.0.1:1883")
    return host.strip("[]"), int(port)


def _absolute(written: SettingsFile, data: Path) -> dict[str, str]:
    """The files that server.yaml names, found from where it stands."""
    keys = ("database_password_file", "broker_password_file", "broker_ca", "broker_cert", "broker_key")
    return {key: str(data / named) for key in keys if (named := getattr(written, key)) is not None}


def _is_network(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _check_database(settings: SettingsFile, where: str) -> None:
    if settings.database_url is not None:
        address.parse(settings.database_url, where)
    elif settings.database_password_file is not None:
        raise SettingsError(
            f"{where}database_password_file: expected the database's address beside it, got nothing; add database"
        )


def _check(settings: SettingsFile, where: str) -> None:
    _check_database(settings, where)
    if not settings.deployment.strip():
        raise SettingsError(f"{where}deployment: expected a name, got nothing; e.g. fuzhou.coldseal/2026")
    if not settings.deployment.isprintable():
        raise SettingsError(f"{where}deployment: expected a name of one line, got {settings.deployment!r}")
    if not settings.http_host.strip():
        raise SettingsError(f"{where}http_host: expected an address, got nothing; e.g. 127.0.0.1")
    for proxy in settings.trusted_proxies or ():
        if not _is_network(proxy):
            raise SettingsError(
                f"{where}trusted_proxies: expected addresses or networks, got {proxy!r}; e.g. 127.0.0.1"
            )
    if (settings.broker_cert is None) != (settings.broker_key is None):
        raise SettingsError(f"{where}broker_cert, broker_key: expected both or none, got one; add the other")
    if settings.broker_cert is not None and settings.broker_ca is None:
        raise SettingsError(f"{where}broker_ca: expected the broker's CA beside broker_cert, got nothing; add it")
    for key, (low, high) in (("silent_after_s", SILENT_AFTER_S_RANGE), ("gap_wait_s", GAP_WAIT_S_RANGE)):
        if not low <= getattr(settings, key) <= high:
            raise SettingsError(f"{where}{key}: expected {low:g} to {high:g} s, got {getattr(settings, key):g}")
