"""DL/T 645-2007 as far as a meter must be recognised: frames, and the two questions that change nothing.

    FE FE FE FE  68 A0..A5 68 C L DATA CS 16

The address is twelve BCD digits, low byte first; each DATA byte travels plus 0x33; CS is the sum from the first 68.
Only read address (C 0x13) and read data (C 0x11) can be built here: nothing of this module can write.
"""

import msgspec

WAKE_UP = b"\xfe" * 4
"""What sleeping receivers need before a frame; meters send it too."""
ANYBODY = b"\xaa" * 6
IMPORT_ENERGY = 0x00010000
READ_ADDRESS, READ_DATA = 0x13, 0x11
REPLY, ERROR = 0x80, 0x40
START, END, OFFSET = 0x68, 0x16, 0x33
HEAD_BYTES, TAIL_BYTES = 10, 2
_ADDRESS_BYTES = 6
_DATA_BYTES_MAX = 200


class Frame(msgspec.Struct, frozen=True):
    """One frame.

    Attributes:
        address: twelve digits, the highest first.
        control: the control code.
        data: without the offset.
    """

    address: str
    control: int
    data: bytes

    @property
    def is_refusal(self) -> bool:
        """The meter understood, and says no."""
        return bool(self.control & ERROR)


def ask_address() -> bytes:
    """The request to which a meter alone on its line tells its address."""
    return WAKE_UP + _frame(ANYBODY, READ_ADDRESS, b"")


def ask_data(address: str, item: int) -> bytes:
    """The request for one data item.

    Args:
        address: twelve digits.
        item: its identifier, e.g. IMPORT_ENERGY.
    """
    return WAKE_UP + _frame(bytes.fromhex(address)[::-1], READ_DATA, item.to_bytes(4, "little"))


def first_reply(received: bytes) -> Frame | None:
    """The first whole frame from a meter among bytes that may hold noise, our own echo and wake-up bytes."""
    for start in range(len(received)):
        frame = _frame_at(received, start)
        if frame is not None and frame.control & REPLY:
            return frame
    return None


def import_energy_wh(frame: Frame, address: str) -> int | None:
    """The total import of a reply (XXXXXX.XX kWh in BCD), or None if it is no such reply."""
    data = frame.data
    is_ours = frame.address == address and frame.control in (READ_DATA | REPLY, READ_DATA | REPLY | 0x20)
    if not is_ours or len(data) < 8 or data[:4] != IMPORT_ENERGY.to_bytes(4, "little"):
        return None
    digits = data[4:8][::-1].hex()
    return int(digits) * 10 if digits.isdecimal() else None


def _frame(address: bytes, control: int, data: bytes) -> bytes:
    if control not in (READ_ADDRESS, READ_DATA):
        raise AssertionError(f"control code {control:#x} must never be sent: the agent only reads")
    shifted = bytes((byte + OFFSET) % 256 for byte in data)
    body = bytes([START, *address, START, control, len(data), *shifted])
    return body + bytes([sum(body) % 256, END])


def _frame_at(received: bytes, start: int) -> Frame | None:
    head = received[start : start + HEAD_BYTES]
    if len(head) < HEAD_BYTES or head[0] != START or head[7] != START or head[9] > _DATA_BYTES_MAX:
        return None
    end = start + HEAD_BYTES + head[9]
    tail = received[end : end + TAIL_BYTES]
    if len(tail) < TAIL_BYTES or tail[1] != END or tail[0] != sum(received[start:end]) % 256:
        return None
    address = head[1 : 1 + _ADDRESS_BYTES][::-1].hex()
    if not address.isdecimal():
        return None
    return Frame(address, head[8], bytes((byte - OFFSET) % 256 for byte in received[start + HEAD_BYTES : end]))
