"""Thousands of units on Modbus TCP at the least cost: fixed words, no library, no faults. For measuring a master.

A port carries at most 247 units; open several for more.
"""

import asyncio
import struct
from collections.abc import Mapping

from simulators.meter import Refusal
from simulators.modbus_frames import refusal_pdu

_REQUEST = struct.Struct(">HHHBBHH")
_HEAD = struct.Struct(">HHHBBB")
_READS_WORDS = (3, 4)
_WORDS_MAX = 125
_READ_LENGTH = 6
_MBAP_BYTES = 6


class WordImage:
    """The words of one unit, or of many that hold the same; each function's from its lowest to its highest address.

    Addresses between that have no word read as 0.
    """

    def __init__(self, words: Mapping[tuple[int, int], int]) -> None:
        """Words by function (3 or 4) and address."""
        self._areas: dict[int, tuple[int, bytearray]] = {}
        for function in sorted({function for function, _ in words}):
            if function not in _READS_WORDS:
                raise ValueError(f"function {function}: a plain server reads words; expected 3 or 4")
            addresses = [address for used, address in words if used == function]
            first = min(addresses)
            area = bytearray(2 * (max(addresses) - first + 1))
            for address in addresses:
                struct.pack_into(">H", area, 2 * (address - first), words[function, address])
            self._areas[function] = (first, area)

    def set(self, function: int, address: int, word: int) -> None:
        """Change a word that is there."""
        first, area = self._areas[function]
        struct.pack_into(">H", area, 2 * (address - first), word)

    def read(self, function: int, address: int, count: int) -> bytes | Refusal:
        """The bytes of so many words, or why not."""
        found = self._areas.get(function)
        if found is None:
            return Refusal.ILLEGAL_FUNCTION
        if not 1 <= count <= _WORDS_MAX:
            return Refusal.ILLEGAL_VALUE
        first, area = found
        begin, end = 2 * (address - first), 2 * (address - first + count)
        if begin < 0 or end > len(area):
            return Refusal.ILLEGAL_ADDRESS
        return bytes(area[begin:end])


class PlainServer:
    """One port with many units.

    Attributes:
        port: where it listens; 0 until it is open.
        requests: answered so far; a unit that is not there is not counted.
    """

    def __init__(self, units: Mapping[int, WordImage]) -> None:
        """Units by their number; they may share an image."""
        self.units = dict(units)
        self.port = 0
        self.requests = 0
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.BaseTransport] = set()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 lets the system choose."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _Session(self), host, port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
        for transport in list(self._open):
            transport.close()
        await asyncio.sleep(0)  # transports close in the loop's next turn

    def opened(self, transport: asyncio.BaseTransport) -> None:
        """A connection was made."""
        self._open.add(transport)

    def closed(self, transport: asyncio.BaseTransport) -> None:
        """A connection has ended."""
        self._open.discard(transport)

    def answer(self, frame: bytes) -> bytes:
        """The reply to one frame; nothing for a unit that is not there."""
        if len(frame) != _REQUEST.size:
            transaction, unit, function = int.from_bytes(frame[:2], "big"), frame[6], frame[7]
            return self._refusal(transaction, unit, function, Refusal.ILLEGAL_FUNCTION)
        transaction, _, _, unit, function, address, count = _REQUEST.unpack(frame)
        image = self.units.get(unit)
        if image is None:
            return b""
        data = image.read(function, address, count)
        if isinstance(data, Refusal):
            return self._refusal(transaction, unit, function, data)
        self.requests += 1
        return _HEAD.pack(transaction, 0, len(data) + 3, unit, function, len(data)) + data

    def _refusal(self, transaction: int, unit: int, function: int, refusal: Refusal) -> bytes:
        if unit not in self.units:
            return b""
        self.requests += 1
        return _HEAD.pack(transaction, 0, 3, unit, *refusal_pdu(function, refusal))


class _Session(asyncio.Protocol):
    """One connection."""

    _transport: asyncio.Transport

    def __init__(self, server: PlainServer) -> None:
        self._server = server
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment] # uvloop's is no subclass of asyncio's
        self._server.opened(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._server.closed(self._transport)

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        replies = []
        while len(received) > _MBAP_BYTES:
            length = int.from_bytes(received[4:6], "big")
            if received[2:4] != b"\0\0" or not length >= 2:
                self._transport.close()  # no Modbus
                return
            end = _MBAP_BYTES + length
            if len(received) < end:
                break
            replies.append(self._server.answer(received[:end]))
            received = received[end:]
        self._received = received
        reply = b"".join(replies)
        if reply:
            self._transport.write(reply)
