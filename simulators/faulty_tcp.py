"""The same slaves and faults over TCP: Modbus TCP, RTU frames over TCP, and a DTU that dials in.

A gateway has one serial line behind it, so requests are answered one after another, whichever connection they came on.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Self

from simulators.faults import Faults, Piece
from simulators.line_pace import Pace
from simulators.modbus_frames import Framing, Request, next_request
from simulators.slaves import Slave, Slaves
from wire.clock import Clock

_GAP_S = 0.05
"""Silence that ends an unfinished RTU frame on TCP."""


class Gateway:
    """What stands between TCP and the slaves.

    Attributes:
        requests: right requests heard.
        connections: how often a connection was made.
    """

    def __init__(
        self,
        slaves: Mapping[int, Slave],
        framing: Framing = Framing.TCP,
        *,
        behind: Pace | None = None,
        packet_bytes: int | None = None,
        packet_gap_s: float = 0.0,
        absent_code: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        """A gateway without connections.

        Args:
            slaves: by unit.
            framing: of what goes over TCP.
            behind: the serial line behind it, whose time each exchange takes; None for none.
            packet_bytes: a reply leaves in packets of so many bytes (a DTU packs by its own timer); None for whole.
            packet_gap_s: time between two packets.
            absent_code: exception for a unit that is not there (gateways answer 10 or 11); None for silence.
            clock: its monotonic time runs the slaves.
        """
        gap_s = behind.t35_s if behind is not None else 0.0
        self.framing = framing
        self.requests = self.connections = 0
        self._slaves = Slaves(slaves, framing, gap_s, clock, absent_code)
        self._behind, self._packet_bytes, self._packet_gap_s = behind, packet_bytes, packet_gap_s
        self._free_at = 0.0
        self._open: set[_Connection] = set()

    def faults(self, unit: int | None = None) -> Faults:
        """The faults of a unit, or those of every unit; a unit's own come first."""
        return self._slaves.faults(unit)

    def inject(self, data: bytes) -> None:
        """Bytes that nobody asked for, on every connection."""
        for connection in self._open:
            connection.transport.write(data)

    def drop(self) -> None:
        """Close every connection."""
        for connection in list(self._open):
            connection.transport.close()

    def connection(self) -> "_Connection":
        """The protocol of one more connection."""
        return _Connection(self)

    def opened(self, connection: "_Connection") -> None:
        """A connection was made."""
        self.connections += 1
        self._open.add(connection)

    def closed(self, connection: "_Connection") -> None:
        """A connection has ended."""
        self._open.discard(connection)

    def schedule(self, request: Request, now: float) -> list[tuple[float, bytes | None]]:
        """When which packets leave, in the loop's time."""
        self.requests += 1
        pieces = self._slaves.replies(request)
        at = max(now, self._free_at) + self._asked_s(request)
        packets: list[tuple[float, bytes | None]] = []
        for piece in pieces:
            at += piece.after_s + self._behind_s(len(piece.data or b""))
            for number, packet in enumerate(self._packed(piece)):
                at += self._packet_gap_s if number else 0.0
                packets.append((at, packet))
        self._free_at = at
        return packets

    def _packed(self, piece: Piece) -> list[bytes | None]:
        if piece.data is None or self._packet_bytes is None:
            return [piece.data]
        return [piece.data[at : at + self._packet_bytes] for at in range(0, len(piece.data), self._packet_bytes)]

    def _asked_s(self, request: Request) -> float:
        return self._behind_s(len(request.frame)) + self._slaves.gap_s

    def _behind_s(self, size: int) -> float:
        return size * self._behind.character_s if self._behind is not None else 0.0


class _Connection(asyncio.Protocol):
    """One connection of a gateway."""

    transport: asyncio.Transport

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._received = bytearray()
        self._heard_at = 0.0
        self._loop = asyncio.get_running_loop()
        self._timers: set[asyncio.TimerHandle] = set()
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment] # uvloop's is no subclass of asyncio's
        self._gateway.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        for timer in self._timers:
            timer.cancel()
        self._gateway.closed(self)
        self.ended.set()

    def data_received(self, data: bytes) -> None:
        now = self._loop.time()
        if self._gateway.framing is Framing.RTU and now - self._heard_at > _GAP_S:
            self._received.clear()
        self._heard_at = now
        self._received += data
        while (request := next_request(self._gateway.framing, self._received)) is not None:
            for at, packet in self._gateway.schedule(request, now):
                self._send_at(at, packet)

    def _send_at(self, at: float, packet: bytes | None) -> None:
        if at <= self._loop.time():
            self._send(packet)
            return
        timer: asyncio.TimerHandle = self._loop.call_at(at, lambda: self._send_timed(timer, packet))
        self._timers.add(timer)

    def _send_timed(self, timer: asyncio.TimerHandle, packet: bytes | None) -> None:
        self._timers.discard(timer)
        self._send(packet)

    def _send(self, packet: bytes | None) -> None:
        if packet is None:
            self.transport.close()
        elif not self.transport.is_closing():
            self.transport.write(packet)


class GatewayServer:
    """A gateway that listens.

    Attributes:
        gateway: its slaves and faults.
        port: where it listens; 0 until it is open.
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 lets the system choose."""
        self._server = await asyncio.get_running_loop().create_server(self.gateway.connection, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
        self.gateway.drop()
        await asyncio.sleep(0)  # transports close in the loop's next turn

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()


class Dtu:
    """A DTU that dials in: it connects to a master's port, registers, and stays, with heartbeats.

    Attributes:
        gateway: its slaves and faults.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        register: bytes = b"",
        heartbeat: bytes = b"",
        heartbeat_s: float = 60.0,
        redial_s: float = 1.0,
    ) -> None:
        """A DTU that has not dialled yet.

        Args:
            gateway: its slaves and faults.
            register: what it sends first on each connection.
            heartbeat: what it sends every `heartbeat_s` seconds.
            heartbeat_s: see heartbeat.
            redial_s: pause before it dials again after a connection was lost or refused.
        """
        self.gateway = gateway
        self._register, self._heartbeat = register, heartbeat
        self._heartbeat_s, self._redial_s = heartbeat_s, redial_s

    async def run(self, host: str, port: int) -> None:
        """Dial, stay, and dial again until the task is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            with contextlib.suppress(OSError):
                _, connection = await loop.create_connection(self.gateway.connection, host, port)
                try:
                    await self._stay(connection)
                finally:
                    connection.transport.close()
            await asyncio.sleep(self._redial_s)

    async def _stay(self, connection: _Connection) -> None:
        if self._register:
            connection.transport.write(self._register)
        while not connection.ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(connection.ended.wait(), self._heartbeat_s if self._heartbeat else None)
                return
            connection.transport.write(self._heartbeat)


@contextlib.asynccontextmanager
async def dialled_in(dtu: Dtu, host: str, port: int) -> AsyncIterator[Gateway]:
    """A DTU that dials in while the context is open."""
    task = asyncio.create_task(dtu.run(host, port))
    try:
        yield dtu.gateway
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
