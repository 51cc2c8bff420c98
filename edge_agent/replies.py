"""Which bytes on a line answer the request that is under way. Pure; a reply that is not exactly asked for is none.

The client library takes a reply of another function, address or length as success, and on a serial line also one that
belongs to an earlier request. So the bytes are judged here before it sees them.
"""

import struct

import msgspec

_MBAP = struct.Struct(">HHH")
_EXCEPTION = 0x80
_ADU_BYTES_MAX = 260


class Asked(msgspec.Struct, frozen=True):
    """The request under way.

    Attributes:
        unit, function: as sent.
        byte_count: of a good reply.
        transaction: of Modbus TCP; None on a serial line.
    """

    unit: int
    function: int
    byte_count: int
    transaction: int | None


class Heard(msgspec.Struct, frozen=True):
    """What the bytes received so far amount to.

    Attributes:
        reply: the whole frame that answers, or None.
        foreign: bytes that answer nothing: an older reply, noise, a reply of another shape.
        wrong: why what was heard is no valid answer, in words; empty if only older replies or nothing came.
        lost: a TCP stream whose frame borders are lost; only a new connection helps.
    """

    reply: bytes | None
    foreign: int = 0
    wrong: str = ""
    lost: bool = False


def hear_tcp(buffer: bytes, asked: Asked) -> Heard:
    """Search a Modbus TCP stream (MBAP header, Modbus messaging guide V1.0b §3.1.3)."""
    at, wrong = 0, ""
    while len(buffer) - at >= _MBAP.size + 2:
        transaction, protocol, length = _MBAP.unpack_from(buffer, at)
        if protocol != 0 or not 3 <= length <= _ADU_BYTES_MAX - _MBAP.size:
            return Heard(None, len(buffer), wrong or "bytes that are no Modbus TCP header", lost=True)
        end = at + _MBAP.size + length
        if end > len(buffer):
            break
        if transaction == asked.transaction:
            complaint = _complaint(buffer[at + _MBAP.size : end], asked)
            if not complaint:
                return Heard(buffer[at:end], at, wrong)
            wrong = complaint
        at = end
    return Heard(None, at, wrong or ("a reply that ends early" if at < len(buffer) else ""))


def hear_rtu(buffer: bytes, asked: Asked) -> Heard:
    """Search a serial line for a frame of the asked shape with a right check sum, wherever it begins."""
    good, refusal = asked.byte_count + 5, 5
    for at in range(len(buffer) - 4):
        if buffer[at] != asked.unit:
            continue
        function = buffer[at + 1]
        is_good = function == asked.function and buffer[at + 2] == asked.byte_count
        size = good if is_good else refusal if function == asked.function | _EXCEPTION else 0
        frame = buffer[at : at + size]
        if size and len(frame) == size and crc(frame[:-2]) == int.from_bytes(frame[-2:], "little"):
            return Heard(frame, at)
    return Heard(None, len(buffer), "bytes that fail check sum, unit, function or length" if buffer else "")


def _complaint(pdu: bytes, asked: Asked) -> str:
    """What is wrong with a unit byte and PDU that carry our transaction number."""
    unit, function = pdu[0], pdu[1]
    if unit != asked.unit:
        return f"asked unit {asked.unit}, got {unit}"
    if function == asked.function | _EXCEPTION:
        return "" if len(pdu) == 3 else f"exception of {len(pdu)} bytes, expected 3"
    if function != asked.function:
        return f"asked function {asked.function}, got {function}"
    if pdu[2] != asked.byte_count or len(pdu) != asked.byte_count + 3:
        return f"asked {asked.byte_count} bytes, got {pdu[2]} announced and {len(pdu) - 3} sent"
    return ""


def crc(data: bytes) -> int:
    """Modbus serial line V1.02 §6.2.2: polynomial 0xA001, start 0xFFFF."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value
