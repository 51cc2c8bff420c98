"""Raw Modbus slaves that a test scripts byte for byte: on TCP and on a pseudo-terminal. No Modbus library is involved."""

import asyncio
import os
import struct
import tty
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wire.profile_files import find
from wire.quantities import Quantity
from wire.reading import Value
from wire.registers import encode


@dataclass(frozen=True)
class Request:
    """What the master sent."""

    unit: int
    function: int
    address: int
    count: int
    transaction: int = 0


Piece = tuple[float, bytes]
"""Seconds to wait, then bytes to send."""


@dataclass
class Memory:
    """The words of one or more units; an address that is missing is refused with exception 2."""

    words: dict[tuple[int, int], int] = field(default_factory=dict)

    def set(self, profile: str, values: dict[Quantity, Value]) -> None:
        """Hold what a meter of this profile holds for these primary values."""
        loaded = find(profile).profile
        self.words.update({(r.function, a): 0 for r in loaded.registers for a in r.span})
        low = {f: min(r.address for r in loaded.registers if r.function == f) for f in (1, 2, 3, 4) if _has(profile, f)}
        for function, address in low.items():
            self.words.update({(function, address + i): 0 for i in range(160)} | self.words)
        self.words.update(encode(values, loaded))

    def pdu(self, request: Request) -> bytes:
        """The right reply."""
        keys = [(request.function, request.address + i) for i in range(request.count)]
        if not all(key in self.words for key in keys):
            return bytes([request.function | 0x80, 2])
        words = [self.words[key] for key in keys]
        if request.function in (1, 2):
            bits = sum((word & 1) << i for i, word in enumerate(words))
            data = bits.to_bytes((len(words) + 7) // 8, "little")
        else:
            data = struct.pack(f">{len(words)}H", *words)
        return bytes([request.function, len(data)]) + data


def _has(profile: str, function: int) -> bool:
    return any(r.function == function for r in find(profile).profile.registers)


def tcp_adu(request: Request, pdu: bytes, transaction: int | None = None, unit: int | None = None) -> bytes:
    """A Modbus TCP frame."""
    tid = request.transaction if transaction is None else transaction
    return struct.pack(">HHHB", tid, 0, len(pdu) + 1, request.unit if unit is None else unit) + pdu


def rtu_adu(unit: int, pdu: bytes) -> bytes:
    """An RTU frame; the check sum is computed by another method than the product's (table of nibbles)."""
    frame = bytes([unit]) + pdu
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(2):
            value = (value >> 4) ^ _NIBBLES[value & 0xF]
    return frame + value.to_bytes(2, "little")


_NIBBLES = (
    *(0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401),
    *(0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400),
)

Script = Callable[[Request], Sequence[Piece]]


class TcpSlave:
    """A Modbus TCP slave on a free port of loopback; `script` says what each request gets.

    Attributes:
        heard: every byte that any master sent, one item a frame.
        requests: the same, taken apart.
        script: replies to a request; the default answers rightly at once.
        connections: how often a master connected.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self.heard: list[bytes] = []
        self.requests: list[Request] = []
        self.script: Script = self.right
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._serving: list[asyncio.Task[None]] = []
        self._sending: set[asyncio.Task[None]] = set()

    def right(self, request: Request) -> list[Piece]:
        """The right reply, at once."""
        return [(0, tcp_adu(request, self.memory.pdu(request)))]

    async def start(self, port: int = 0) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close port and connections."""
        for task in self._sending:
            task.cancel()
        for writer in self._writers:
            writer.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        await asyncio.gather(*self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        own = asyncio.current_task()
        if own is not None:
            self._serving.append(own)
        try:
            while True:
                head = await reader.readexactly(6)
                rest = await reader.readexactly(struct.unpack(">HHH", head)[2])
                self.heard.append(head + rest)
                request = Request(*struct.unpack(">BBHHH", rest[:6] + head[:2]))
                self.requests.append(request)
                task = asyncio.create_task(self._send(writer, self.script(request)))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter, pieces: Sequence[Piece]) -> None:
        for delay, data in pieces:
            await asyncio.sleep(delay)
            if not writer.is_closing():
                writer.write(data)


class RtuSlave:
    """A slave on a pseudo-terminal, paced as a line of `baud` is; the same interface as TcpSlave.

    Attributes:
        device: the file that the master opens.
        sent_early: requests that began less than 3.5 characters after the line's last byte.
    """

    def __init__(self, memory: Memory | None = None, baud: int = 115_200) -> None:
        self.memory = memory or Memory()
        self.heard: list[bytes] = []
        self.requests: list[Request] = []
        self.script: Script = self.right
        self.baud = baud
        self.sent_early = 0
        self._near, far = os.openpty()
        tty.setraw(self._near)
        tty.setraw(far)
        os.set_blocking(self._near, False)
        self._far = far
        self.device = os.ttyname(far)
        self._buffer = b""
        self._last = 0.0
        self._sending: set[asyncio.Task[None]] = set()

    def right(self, request: Request) -> list[Piece]:
        """The right reply, at once."""
        return [(0, rtu_adu(request.unit, self.memory.pdu(request)))]

    def start(self) -> None:
        """Listen."""
        asyncio.get_running_loop().add_reader(self._near, self._read)

    def stop(self) -> None:
        """Unplug: the device is gone."""
        for task in self._sending:
            task.cancel()
        asyncio.get_running_loop().remove_reader(self._near)
        os.close(self._near)
        os.close(self._far)

    def _read(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self._buffer and now - self._last < 3.5 * 11 / self.baud:
            self.sent_early += 1
        self._buffer += os.read(self._near, 4096)
        while len(self._buffer) >= 8:
            frame, self._buffer = self._buffer[:8], self._buffer[8:]
            self.heard.append(frame)
            request = Request(*struct.unpack(">BBHH", frame[:6]))
            self.requests.append(request)
            task = asyncio.create_task(self._send(self.script(request)))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, pieces: Sequence[Piece]) -> None:
        for delay, data in pieces:
            await asyncio.sleep(delay)
            for at in range(0, len(data), 8):  # a UART hands bytes over in small heaps
                chunk = data[at : at + 8]
                await asyncio.sleep(len(chunk) * 11 / self.baud)
                os.write(self._near, chunk)
                self._last = asyncio.get_running_loop().time()
