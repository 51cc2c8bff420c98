"""An agent's settings: what people write in YAML, checked before anything is polled."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from edge_agent.agent_file import AgentFile, MeterFile, Protocol, SerialFile
from edge_agent.errors import DataUnusable, SettingsMistake
from wire import profile_files, settings_file, topics
from wire.errors import Malformed, ProfileError
from wire.keys import PublicKey, b64url
from wire.limits import METERS_MAX
from wire.profile_files import LoadedProfile

BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
PARITIES = ("N", "E", "O")
STOPBITS = (1, 2)
POLL_PERIOD_S_RANGE = (0.1, 3600.0)
BATCH_S_RANGE = (1.0, 3600.0)
TIMEOUT_S_RANGE = (0.05, 30.0)
OUTBOX_BYTES_MIN = 100_000
WAKE_POWER_W = 500.0
"""A draw that no idle cabinet has; a meter's own `wake_power_w` replaces it."""


class TcpLine(msgspec.Struct, frozen=True):
    """A Modbus TCP endpoint; every unit behind it shares one connection."""

    host: str
    port: int

    def __str__(self) -> str:
        """As the settings write it."""
        return f"{self.host}:{self.port}"


class SerialLine(msgspec.Struct, frozen=True):
    """An RS-485 port; every unit on it is asked in turn."""

    device: str
    baud: int
    parity: str
    stopbits: int

    def __str__(self) -> str:
        """Device and framing, e.g. /dev/ttyUSB0 9600 8N1."""
        return f"{self.device} {self.baud} 8{self.parity}{self.stopbits}"


Line = TcpLine | SerialLine


class Meter(msgspec.Struct, frozen=True):
    """One meter, with its register map."""

    id: str
    line: Line
    unit: int
    timeout_s: float
    wake_power_w: float
    loaded: LoadedProfile


class Broker(msgspec.Struct, frozen=True):
    """Where envelopes go, with every path resolved and the password read."""

    host: str
    port: int
    username: str
    password: str | None
    keepalive_s: int
    reconnect_spread_s: float
    protocol: Protocol
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


class Settings(msgspec.Struct, frozen=True):
    """An agent's settings, checked.

    Attributes:
        file: as the user named it, for messages.
        digest: SHA-256 (b64url) of the file's bytes; travels with each envelope.
    """

    file: Path
    agent: str
    deployment: str
    data: Path
    broker: Broker
    server_key: PublicKey
    meters: tuple[Meter, ...]
    poll_period_s: float
    batch_s: float
    outbox_bytes_max: int
    digest: str

    def meters_by_line(self) -> dict[Line, list[Meter]]:
        """The meters that share a connection or a serial port."""
        lines: dict[Line, list[Meter]] = {}
        for meter in self.meters:
            lines.setdefault(meter.line, []).append(meter)
        return lines


class IdentityFile(msgspec.Struct, frozen=True):
    """The two keys of a settings file that the agent's own key needs: the server's part may be missing still."""

    agent: str
    data: str


def load(path: Path) -> Settings:
    """The settings in a file; nothing is opened yet but the files that it names.

    Raises:
        SettingsError: a key that is unknown, missing or cannot be meant, or a profile that contradicts itself.
        SurroundingsError: the file, the password or a certificate cannot be read.
    """
    written = settings_file.read(path, AgentFile)
    for complaint in _complaints(written):
        raise SettingsMistake(f"{path}: {complaint}")
    folder = path.parent
    return Settings(
        file=path,
        agent=written.agent,
        deployment=written.deployment,
        data=folder / written.data,
        broker=_broker(written, path),
        server_key=_server_key(written.server_key, path),
        meters=_meters(written.meters, path),
        poll_period_s=written.poll_period_s,
        batch_s=written.batch_s,
        outbox_bytes_max=written.outbox.bytes_max,
        digest=b64url(hashlib.sha256(path.read_bytes()).digest()),
    )


def load_identity(path: Path) -> tuple[str, Path]:
    """The agent's id and data folder, of a settings file whose server part may be missing still.

    Raises:
        SettingsError: either is missing, or the id cannot name an agent.
        SurroundingsError: the file cannot be read.
    """
    written = settings_file.read(path, IdentityFile)
    for complaint in _id_complaints(written.agent):
        raise SettingsMistake(f"{path}: {complaint}")
    return written.agent, path.parent / written.data


def _id_complaints(agent: str) -> Iterator[str]:
    if not topics.is_agent_id(agent):
        yield f"agent: expected a-z, 0-9, '-' and at most 32 characters, got {agent!r}; rename the agent"


def _complaints(written: AgentFile) -> Iterator[str]:
    yield from _id_complaints(written.agent)
    if not written.deployment:
        yield "deployment: expected the name that the server was given, got nothing; e.g. demo.coldseal/2026"
    yield from _range("poll_period_s", written.poll_period_s, POLL_PERIOD_S_RANGE)
    yield from _range("batch_s", written.batch_s, BATCH_S_RANGE)
    if written.outbox.bytes_max < OUTBOX_BYTES_MIN:
        yield (
            f"outbox.bytes_max: expected at least {OUTBOX_BYTES_MIN}, got {written.outbox.bytes_max}; "
            "a day of one meter takes about 3000000"
        )
    if not 1 <= len(written.meters) <= METERS_MAX:
        yield f"meters: expected 1 to {METERS_MAX}, got {len(written.meters)}; give each agent its own file"
    tls = written.broker.tls
    if tls is not None and (tls.cert is None) != (tls.key is None):
        yield "broker.tls: expected cert and key together, got one of them; add the other or remove both"
    seen: set[str] = set()
    for index, meter in enumerate(written.meters):
        yield from _meter_complaints(meter, f"meters[{index}]")
        if meter.id in seen:
            yield f"meters[{index}].id: {meter.id!r} is given twice; name each meter once"
        seen.add(meter.id)


def _meter_complaints(meter: MeterFile, where: str) -> Iterator[str]:
    if not topics.is_agent_id(meter.id):
        yield f"{where}.id: expected a-z, 0-9, '-' and at most 32 characters, got {meter.id!r}; rename the meter"
    if (meter.tcp is None) == (meter.serial is None):
        got = "neither" if meter.tcp is None else "both"
        yield f"{where}: expected exactly one of tcp and serial, got {got}; say how the meter is connected"
    yield from _range(f"{where}.timeout_s", meter.timeout_s, TIMEOUT_S_RANGE)
    if meter.wake_power_w is not None and not 0 < meter.wake_power_w < float("inf"):
        yield f"{where}.wake_power_w: expected more than 0 W, got {meter.wake_power_w}; e.g. 3 % of the rated power"
    if meter.tcp is not None and _endpoint(meter.tcp) is None:
        yield f"{where}.tcp: expected HOST:PORT, got {meter.tcp!r}; e.g. 192.168.1.20:502"
    if meter.serial is not None:
        if meter.unit == 0:
            yield f"{where}.unit: expected 1 to 247 on a serial line, got 0 (a broadcast); set the meter's address"
        yield from _choice(f"{where}.serial.baud", meter.serial.baud, BAUDS)
        yield from _choice(f"{where}.serial.parity", meter.serial.parity, PARITIES)
        yield from _choice(f"{where}.serial.stopbits", meter.serial.stopbits, STOPBITS)


def _choice(where: str, got: object, choices: tuple[object, ...]) -> Iterator[str]:
    if got is not None and got not in choices:
        yield f"{where}: expected one of {', '.join(map(str, choices))}, got {got}; see the meter's manual or display"


def _range(where: str, got: float, bounds: tuple[float, float]) -> Iterator[str]:
    if not bounds[0] <= got <= bounds[1]:
        yield f"{where}: expected {bounds[0]:g} to {bounds[1]:g} s, got {got:g}; correct this key"


def _endpoint(text: str) -> TcpLine | None:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65_535:
        return None
    return TcpLine(host.strip("[]"), int(port))


def _meters(written: tuple[MeterFile, ...], path: Path) -> tuple[Meter, ...]:
    meters: list[Meter] = []
    for index, meter in enumerate(written):
        made = _meter(meter, path, f"meters[{index}]")
        for other in meters:
            _check_apart(made, other, f"{path}: meters[{index}]")
        meters.append(made)
    return tuple(meters)


def _meter(written: MeterFile, path: Path, where: str) -> Meter:
    named = written.profile
    try:
        loaded = profile_files.find(str(path.parent / named) if named.endswith((".yaml", ".yml")) else named)
    except ProfileError as error:
        raise SettingsMistake(f"{path}: {where}.profile: {error}") from error
    if not loaded.profile.registers:
        raise SettingsMistake(f"{path}: {where}.profile: {named} lists no registers; add one or name another profile")
    factory = loaded.profile.serial_line
    line = _endpoint(written.tcp or "")
    return Meter(
        id=written.id,
        line=line if line is not None else _serial(written, loaded),
        unit=factory.unit if written.unit is None else written.unit,
        timeout_s=written.timeout_s,
        wake_power_w=written.wake_power_w or WAKE_POWER_W,
        loaded=loaded,
    )


def _serial(written: MeterFile, loaded: LoadedProfile) -> SerialLine:
    serial, factory = written.serial or SerialFile(""), loaded.profile.serial_line
    return SerialLine(
        device=serial.device,
        baud=serial.baud or factory.baud,
        parity=serial.parity or factory.parity,
        stopbits=serial.stopbits or factory.stopbits,
    )


def _check_apart(meter: Meter, other: Meter, where: str) -> None:
    one, two = meter.line, other.line
    if isinstance(one, SerialLine) and isinstance(two, SerialLine) and one.device == two.device and one != two:
        raise SettingsMistake(
            f"{where}.serial: {meter.line} but meter {other.id!r} uses {other.line}; "
            "one line has one speed: set the meters to the same and say so here"
        )
    if meter.line == other.line and meter.unit == other.unit:
        raise SettingsMistake(
            f"{where}.unit: {meter.unit} on {meter.line} is already meter {other.id!r}; "
            "expected another unit, set the meter's address"
        )


def _broker(written: AgentFile, path: Path) -> Broker:
    broker, tls = written.broker, written.broker.tls
    return Broker(
        host=broker.host,
        port=broker.port,
        username=broker.username or written.agent,
        password=_password(broker.password_file, path),
        keepalive_s=broker.keepalive_s,
        reconnect_spread_s=broker.reconnect_spread_s,
        protocol="5" if broker.protocol == 5 else broker.protocol,
        ca=_existing(tls.ca, "ca", path) if tls else None,
        cert=_existing(tls.cert, "cert", path) if tls and tls.cert else None,
        key=_existing(tls.key, "key", path) if tls and tls.key else None,
    )


def _password(named: str | None, path: Path) -> str | None:
    if named is None:
        return None
    try:
        return (path.parent / named).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataUnusable(f"{path}: broker.password_file: {named} cannot be read: {error}; check the path") from error


def _existing(named: str, key: str, path: Path) -> Path:
    file = path.parent / named
    if not file.is_file():
        raise DataUnusable(f"{path}: broker.tls.{key}: {file} is no file; expected a PEM file, correct the path")
    return file


def _server_key(text: str, path: Path) -> PublicKey:
    try:
        return PublicKey.parse(text)
    except Malformed as error:
        raise SettingsMistake(
            f"{path}: server_key: {error}; copy the line that `coldseal server agents add` printed"
        ) from error
