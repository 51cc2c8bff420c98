"""Finds the reply to one request in a Modbus TCP stream (MBAP header, Modbus messaging guide V1.0b §3.1.3)."""

import struct

from edge_agent.replies import EXCEPTION, Asked, Wrong
from wire.reading import Reason

_MBAP = struct.Struct(">HHH")
_ADU_BYTES_MAX = 260
_BODY_BYTES_MIN, _BODY_BYTES_MAX = 3, _ADU_BYTES_MAX - _MBAP.size
_EXCEPTION_BYTES = 3


class TcpReplies:
    """The bytes of one connection; frames that answer nothing are taken off it, also while nothing is asked.

    Attributes:
        foreign: frames that answered nothing since the request.
        lost: the frames' borders are lost; only a new connection helps.
        echoed: never: a connection has no echo.
    """

    echoed = False

    def __init__(self) -> None:
        self.foreign = 0
        self.lost = False
        self._buffer = bytearray()
        self._asked: Asked | None = None
        self._wrong: Wrong | None = None

    def reset(self) -> None:
        """A new connection."""
        self._buffer.clear()
        self.lost = False
        self._asked = None

    def begin(self, asked: Asked) -> None:
        """From now on a frame can answer this request."""
        self._asked, self._wrong, self.foreign = asked, None, 0

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes as they come.

        Returns:
            Function code and data of the reply, once it is whole.
        """
        buffer = self._buffer
        if self.lost:
            return None
        buffer += data
        while len(buffer) >= _MBAP.size:
            transaction, protocol, length = _MBAP.unpack_from(buffer)
            if protocol != 0 or not _BODY_BYTES_MIN <= length <= _BODY_BYTES_MAX:
                self.lost = True
                self._wrong = self._wrong or Wrong(Reason.BAD_REPLY, "bytes that are no Modbus TCP header")
                return None
            end = _MBAP.size + length
            if len(buffer) < end:
                return None
            body = bytes(buffer[_MBAP.size : end])
            del buffer[:end]
            if self._is_answer(transaction, body):
                self._asked = None
                return None if self._ends_badly() else body[1:]
            self.foreign += 1
        return None

    def _ends_badly(self) -> bool:
        """Whether something sticks to the reply that is no frame: then a byte too many was in it, and words shifted."""
        rest = self._buffer
        if not rest or (len(rest) >= _MBAP.size and _MBAP.unpack_from(rest)[1] == 0):
            return False
        self.lost = True
        self._wrong = Wrong(Reason.WRONG_LENGTH, "bytes that are no frame stick to the reply")
        return True

    def end(self) -> bytes | None:
        """At the end of the wait: nothing that feed() did not find; behind half a frame no border is sure."""
        self.lost = self.lost or bool(self._buffer)
        return None

    def wrong(self) -> Wrong | None:
        """What is wrong with what came under our number; None if nothing did."""
        if self._wrong is None and self._buffer:
            return Wrong(Reason.SHORT_FRAME, "a reply that ends early")
        return self._wrong

    def other_master(self) -> Wrong | None:
        """A connection is ours alone."""
        return None

    def _is_answer(self, transaction: int, body: bytes) -> bool:
        asked = self._asked
        if asked is None or transaction != asked.transaction:
            return False
        complaint = _complaint(body, asked)
        self._wrong = complaint
        return complaint is None


def _complaint(body: bytes, asked: Asked) -> Wrong | None:
    """What is wrong with a unit byte and PDU that carry our transaction number."""
    unit, function = body[0], body[1]
    if unit != asked.unit:
        return Wrong(Reason.WRONG_UNIT, f"asked unit {asked.unit}, got {unit}")
    if function == asked.function | EXCEPTION:
        if len(body) == _EXCEPTION_BYTES:
            return None
        return Wrong(Reason.WRONG_LENGTH, f"exception of {len(body)} bytes, expected {_EXCEPTION_BYTES}")
    if function != asked.function:
        return Wrong(Reason.WRONG_FUNCTION, f"asked function {asked.function}, got {function}")
    if body[2] != asked.byte_count or len(body) != asked.byte_count + 3:
        words = f"asked {asked.byte_count} bytes, got {body[2]} announced and {len(body) - 3} sent"
        return Wrong(Reason.WRONG_LENGTH, words)
    return None
