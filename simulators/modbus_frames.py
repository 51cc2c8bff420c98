"""Modbus frames as a slave sees them, on a serial line (RTU) and on TCP; for lines that go wrong on purpose.

Source: Modbus application protocol V1.1b3 §4 and §6, Modbus over serial line V1.02 §2.5.1, Modbus messaging on TCP/IP
V1.0b §3.1.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

RTU_BYTES_MIN, RTU_BYTES_MAX = 4, 256
TCP_HEAD_BYTES = 7
_TCP_LENGTH_MAX = 254
_READ_BYTES = 8
"""Length of a request to read, or to write one word, in RTU with its check sum."""
_BIT_FUNCTIONS, _READ_FUNCTIONS = (1, 2), (1, 2, 3, 4)
_EXCEPTION = 0x80
_ILLEGAL_VALUE = 3


class Framing(StrEnum):
    """How frames are told apart."""

    RTU = "rtu"
    TCP = "tcp"


@dataclass(frozen=True)
class Request:
    """What the master sent.

    Attributes:
        unit: whom it asks.
        function: Modbus function code.
        data: what follows the function.
        frame: all bytes as they came.
        transaction: Modbus TCP's number; 0 in RTU.
    """

    unit: int
    function: int
    data: bytes
    frame: bytes
    transaction: int = 0

    @property
    def span(self) -> tuple[int, int]:
        """First address and count; (0, 0) where the request has none."""
        address, count = struct.unpack(">HH", self.data) if len(self.data) == 4 else (0, 0)
        return address, count


def check_sum(data: bytes) -> int:
    """CRC-16 of a serial line (polynomial 0xA001 reflected, start 0xFFFF)."""
    value = 0xFFFF
    for byte in data:
        value = (value >> 8) ^ _TABLE[(value ^ byte) & 0xFF]
    return value


def _entry(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (0xA001 if value & 1 else 0)
    return value


_TABLE = tuple(_entry(n) for n in range(256))


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    """A frame of a serial line."""
    body = bytes([unit]) + pdu
    return body + check_sum(body).to_bytes(2, "little")


def is_rtu_frame(data: bytes) -> bool:
    """Whether the bytes are one frame with its right check sum."""
    if not RTU_BYTES_MIN <= len(data) <= RTU_BYTES_MAX:
        return False
    return check_sum(data[:-2]) == int.from_bytes(data[-2:], "little")


def rtu_request(data: bytes) -> Request | None:
    """The request that these bytes are; None if they are no frame."""
    return Request(data[0], data[1], data[2:-2], data) if is_rtu_frame(data) else None


def tcp_frame(unit: int, pdu: bytes, transaction: int) -> bytes:
    """A frame of Modbus TCP."""
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def reply_frame(framing: Framing, request: Request, pdu: bytes) -> bytes:
    """An answer to a request, by the unit that was asked."""
    if framing is Framing.RTU:
        return rtu_frame(request.unit, pdu)
    return tcp_frame(request.unit, pdu, request.transaction)


def next_request(framing: Framing, received: bytearray) -> Request | None:
    """Take the first whole request out of a stream; bytes that can be none are dropped.

    Args:
        framing: of the stream.
        received: what came and was not used yet; shortened by what is used.
    """
    return _next_tcp(received) if framing is Framing.TCP else _next_rtu(received)


def _next_tcp(received: bytearray) -> Request | None:
    if len(received) < TCP_HEAD_BYTES + 1:
        return None
    transaction, protocol, length, unit = struct.unpack(">HHHB", received[:TCP_HEAD_BYTES])
    if protocol or not 2 <= length <= _TCP_LENGTH_MAX:
        received.clear()
        return None
    end = TCP_HEAD_BYTES - 1 + length
    if len(received) < end:
        return None
    frame = bytes(received[:end])
    del received[:end]
    return Request(unit, frame[TCP_HEAD_BYTES], frame[TCP_HEAD_BYTES + 1 :], frame, transaction)


def _next_rtu(received: bytearray) -> Request | None:
    """Requests of the usual length wherever they begin, longer ones by being all that came."""
    for start in range(len(received) - _READ_BYTES + 1):
        found = rtu_request(bytes(received[start : start + _READ_BYTES]))
        if found is not None:
            del received[: start + _READ_BYTES]
            return found
    whole = rtu_request(bytes(received))
    if whole is not None or len(received) > RTU_BYTES_MAX:
        received.clear()
    return whole


def refusal_pdu(function: int, code: int) -> bytes:
    """An exception reply."""
    return bytes([(function | _EXCEPTION) & 0xFF, code])


def reply_pdu(function: int, words: Sequence[int]) -> bytes:
    """A reply to a reading request: words, or bits where the function reads bits."""
    if function in _BIT_FUNCTIONS:
        bits = sum((word != 0) << i for i, word in enumerate(words))
        data = bits.to_bytes((len(words) + 7) // 8, "little")
    else:
        data = struct.pack(f">{len(words)}H", *words)
    return bytes([function, len(data)]) + data


def is_malformed(request: Request) -> bool:
    """Whether a reading request lacks address and count."""
    return request.function in _READ_FUNCTIONS and len(request.data) != 4
