"""What a reply must be, and what is wrong with bytes that are none. Pure; a reply that is not exactly asked for is none.

The client library takes a reply of another function, address or length as success, and on a serial line also one that
belongs to an earlier request. So every byte is judged here: replies_rtu.py and replies_tcp.py find the frames.
"""

import struct
from collections.abc import Iterator

import msgspec

from wire.reading import Reason, Unreadable

EXCEPTION = 0x80
Words = tuple[int, ...]

EXCEPTIONS = {
    1: Reason.ILLEGAL_FUNCTION,
    2: Reason.ILLEGAL_ADDRESS,
    3: Reason.ILLEGAL_VALUE,
    4: Reason.DEVICE_FAILURE,
    5: Reason.ACKNOWLEDGE,
    6: Reason.BUSY,
    7: Reason.NEGATIVE_ACKNOWLEDGE,
    8: Reason.MEMORY_PARITY,
    10: Reason.GATEWAY_PATH,
    11: Reason.GATEWAY_TARGET,
}
"""Modbus application protocol V1.1b3 §7; 7 from the protocol's older edition."""

NO_CONNECTION = (Reason.DISCONNECTED, Reason.GATEWAY_PATH)
"""There is no way to the unit."""
SILENT = (Reason.TIMEOUT, Reason.GATEWAY_TARGET)
"""Nothing came in time, or a gateway says so."""
SPOILT = (
    Reason.BAD_REPLY,
    Reason.WRONG_UNIT,
    Reason.WRONG_FUNCTION,
    Reason.WRONG_LENGTH,
    Reason.SHORT_FRAME,
    Reason.CHECK_SUM,
)
"""What came was no answer of the meter: it costs the line as much time as none."""
MAY_STILL_COME = frozenset({Reason.TIMEOUT, Reason.DISCONNECTED, *SPOILT})
"""Reasons after which the reply to the request may still come."""


class Asked(msgspec.Struct, frozen=True):
    """The request under way.

    Attributes:
        unit, function: as sent.
        byte_count: of a good reply.
        count: words or bits asked for.
        frame: the request as it was sent.
        transaction: of Modbus TCP; 0 on a serial line.
    """

    unit: int
    function: int
    byte_count: int
    count: int
    frame: bytes
    transaction: int = 0


class Wrong(msgspec.Struct, frozen=True):
    """Why what was heard is no answer, as a reason and in words.

    Attributes:
        master_of: the unit that another master asked, if it was that.
        shape: function and byte count of the reply that he waits for, if he asked for words or bits.
    """

    reason: Reason
    words: str
    master_of: int | None = None
    shape: tuple[int, int] | None = None


def answer_of(pdu: bytes, asked: Asked) -> Words | Unreadable:
    """The words of a reply that was found to be the one asked for, or the reason of its exception code."""
    if pdu[0] != asked.function:
        return Unreadable(EXCEPTIONS.get(pdu[1], Reason.UNKNOWN_EXCEPTION))
    if asked.function in (1, 2):
        bits = int.from_bytes(pdu[2:], "little")
        return tuple(bits >> i & 1 for i in range(asked.count))
    return struct.unpack_from(f">{asked.count}H", pdu, 2)


def crc(data: bytes | bytearray | memoryview) -> int:
    """Modbus serial line V1.02 §6.2.2: polynomial 0xA001, start 0xFFFF."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value


def _remainders() -> Iterator[int]:
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        yield value


_TABLE = tuple(_remainders())
