"""An agent's settings: what people write in YAML, checked before anything is polled."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from edge_agent import agent_checks, line_file
from edge_agent.agent_file import AgentFile, MeterFile, Protocol
from edge_agent.errors import DataUnusable, SettingsMistake
from edge_agent.line import Line, SerialLine
from wire import profile_files, settings_file, yaml_lines
from wire.errors import Malformed, ProfileError
from wire.keys import PublicKey, b64url
from wire.profile_files import LoadedProfile

WAKE_POWER_W = 500.0
"""A draw that no idle cabinet has; a meter's own `wake_power_w` replaces it."""


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
    _refuse(path, agent_checks.complaints(written))
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
    _refuse(path, agent_checks.id_complaints(written.agent))
    return written.agent, path.parent / written.data


def _refuse(path: Path, complaints: Iterable[str]) -> None:
    """End with every complaint, each in a line of its own that says where.

    Raises:
        SettingsMistake: there is one.
    """
    told = list(complaints)
    if told:
        text = path.read_text(encoding="utf-8")
        raise SettingsMistake("\n".join(f"{path}: {_with_line(text, complaint)}" for complaint in told))


def _with_line(text: str, complaint: str) -> str:
    line = yaml_lines.line_of(text, complaint.partition(": ")[0])
    return complaint if line is None else f"line {line}: {complaint}"


def _meters(written: tuple[MeterFile, ...], path: Path) -> tuple[Meter, ...]:
    meters: list[Meter] = []
    complaints: list[str] = []
    models: dict[str, LoadedProfile] = {}
    for index, meter in enumerate(written):
        try:
            made = _meter(meter, path, models)
        except ProfileError as error:
            complaints.append(f"meters[{index}].profile: {error}")
            continue
        if reason := line_file.mistakable_heartbeat(made.line, made.unit):
            complaints.append(f"meters[{index}].heartbeat: {reason}")
        complaints += [c for other in meters for c in _together(made, other, f"meters[{index}]")]
        meters.append(made)
    _refuse(path, complaints)
    return tuple(meters)


def _meter(written: MeterFile, path: Path, models: dict[str, LoadedProfile]) -> Meter:
    """A meter; its model is read once for all meters that have it."""
    named = written.profile
    if named not in models:
        models[named] = profile_files.find(str(path.parent / named) if named.endswith((".yaml", ".yml")) else named)
    loaded = models[named]
    if not loaded.profile.registers:
        raise ProfileError(f"{named} lists no registers; add one or name another profile")
    factory = loaded.profile.serial_line
    return Meter(
        id=written.id,
        line=line_file.line_of(written, factory),
        unit=factory.unit if written.unit is None else written.unit,
        timeout_s=loaded.profile.timing.reply_timeout_s if written.timeout_s is None else written.timeout_s,
        wake_power_w=written.wake_power_w or WAKE_POWER_W,
        loaded=loaded,
    )


def _together(meter: Meter, other: Meter, where: str) -> Iterator[str]:
    """Why two meters of one agent cannot both be meant."""
    if reason := line_file.apart(meter.line, other.line):
        key = "serial" if isinstance(meter.line, SerialLine) else "line"
        yield f"{where}.{key}: {meter.line} but meter {other.id!r} uses {other.line}; {reason}"
    if meter.line == other.line and meter.unit == other.unit:
        yield (
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
