"""An agent's settings file as people write it; config.py checks what it means."""

from typing import Annotated, Literal

import msgspec

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Unit = Annotated[int, msgspec.Meta(ge=0, le=247)]
Framing = Literal["rtu", "tcp"]
Protocol = Literal["5", "3.1.1"]
WrittenProtocol = Literal["5", "3.1.1", 5]
"""YAML reads a 5 without quotation marks as a number."""


class TlsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`broker.tls`: files in PEM, relative to the settings."""

    ca: str
    cert: str | None = None
    key: str | None = None


class BrokerFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`broker`: where envelopes go."""

    host: str
    port: Port = 1883
    protocol: WrittenProtocol = "5"
    username: str | None = None
    password_file: str | None = None
    tls: TlsFile | None = None
    keepalive_s: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 20
    reconnect_spread_s: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 120.0


class SerialFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`meters[].serial`: a device and what differs from the profile's factory setting."""

    device: str
    baud: int | None = None
    parity: str | None = None
    stopbits: int | None = None
    echo: bool = False


class MeterFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`meters[]`: one unit on one line."""

    id: str
    profile: str
    tcp: str | None = None
    rtu_tcp: str | None = None
    listen: str | None = None
    framing: Framing | None = None
    register: str | None = None
    heartbeat: str | None = None
    serial: SerialFile | None = None
    unit: Unit | None = None
    timeout_s: float | None = None
    wake_power_w: float | None = None


class OutboxFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`outbox`: how much may wait for the server."""

    bytes_max: int = 200_000_000


class AgentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole settings file."""

    agent: str
    deployment: str
    data: str
    broker: BrokerFile
    server_key: str
    meters: tuple[MeterFile, ...]
    poll_period_s: float = 1.0
    batch_s: float = 60.0
    outbox: OutboxFile = OutboxFile()
