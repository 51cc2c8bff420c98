"""Finds the reply to one request among the bytes of a serial line, wherever it begins and in whatever pieces it comes."""

from collections.abc import Iterator

import msgspec

from edge_agent.replies import EXCEPTION, Asked, Wrong, crc
from wire.reading import Reason

BUFFER_BYTES_MAX = 1024
"""Four frames of the largest size; what comes beyond that while one reply is awaited is dropped."""
FRAME_BYTES_MIN, REQUEST_BYTES = 5, 8
BYTES_OF_NO_WORDS = 3
"""A reply of so many bytes would be as long as a request, and hold one word and a half."""
WORD_FUNCTIONS, WRITE_FUNCTIONS = (3, 4), (5, 6, 15, 16)
READ_WORDS_MAX = {1: 2000, 2: 2000, 3: 125, 4: 125}
"""Longest request of each function, in bits or words (Modbus application protocol V1.1b3 §6)."""


class RtuReplies:
    """The bytes since one request.

    A byte is looked at once: the search goes on where it stopped, and waits while too few bytes are there to decide.

    Attributes:
        foreign: bytes before the reply that answer nothing.
        echoed: the line repeats our requests although the settings say that it does not.
        lost: never: on a serial line the next frame is found again.
    """

    lost = False

    def __init__(self, *, echo: bool = False) -> None:
        self.foreign = 0
        self.echoed = False
        self._echo = echo
        self._buffer = bytearray()
        self._asked: Asked | None = None
        self._echo_left = b""
        self._at = self._need = 0

    def reset(self) -> None:
        """A new connection."""
        self._asked = None

    def begin(self, asked: Asked) -> None:
        """Forget what came before; from now on only bytes behind this request can answer it."""
        self._asked = asked
        self._buffer.clear()
        self._echo_left = asked.frame if self._echo else b""
        self.foreign = self._at = 0
        self._need = FRAME_BYTES_MIN

    def feed(self, data: bytes) -> bytes | None:
        """Take bytes as they come.

        Returns:
            Function code and data of the reply, once it is whole.
        """
        if self._echo_left:
            data = self._without_echo(data)
        if self._asked is None or len(self._buffer) + len(data) > BUFFER_BYTES_MAX:
            return None
        self._buffer += data
        return self._search(self._asked) if len(self._buffer) >= self._need else None

    def end(self) -> bytes | None:
        """At the end of the wait: a reply that is whole although an earlier byte looked like a reply's beginning."""
        if self._asked is None:
            return None
        while self._at < len(self._buffer):
            self._at += 1
            if pdu := self._search(self._asked):
                return pdu
        return None

    def wrong(self) -> Wrong | None:
        """What is wrong with the bytes, when no reply is among them; None if nothing came."""
        if self._asked is None:
            return None
        heard = bytes(self._buffer)
        if heard.startswith(self._asked.frame):
            self.echoed = True
            heard = heard[len(self._asked.frame) :]
        return _what_is_wrong(heard, self._asked) if heard else None

    def other_master(self) -> Wrong | None:
        """Another master's request among the bytes that do not belong to the reply."""
        if self._asked is None or not self.foreign:
            return None
        return other_master(bytes(self._buffer[: self.foreign]), self._asked.frame)

    def _without_echo(self, data: bytes) -> bytes:
        size = min(len(data), len(self._echo_left))
        if data[:size] != self._echo_left[:size]:
            self._echo_left = b""
            return data
        self._echo_left = self._echo_left[size:]
        return data[size:]

    def _search(self, asked: Asked) -> bytes | None:
        buffer = self._buffer
        while (at := buffer.find(asked.unit, self._at)) >= 0:
            self._at = at
            left = len(buffer) - at
            if left < FRAME_BYTES_MIN - 2:
                self._need = at + FRAME_BYTES_MIN
                return None
            size = _size(buffer, at, asked)
            if size > left:
                self._need = at + size
                return None
            if size and _is_right(buffer, at, size) and buffer[at : at + size] != asked.frame:
                self.foreign = at
                self.echoed = self.echoed or buffer.startswith(asked.frame)
                self._need = BUFFER_BYTES_MAX + 1  # one request has one reply
                return bytes(buffer[at + 1 : at + size - 2])
            self._at = at + 1
        self._at = len(buffer)
        self._need = self._at + FRAME_BYTES_MIN
        return None


def _size(buffer: bytearray, at: int, asked: Asked) -> int:
    """Bytes of the reply that begins here; 0 if none of ours does."""
    function = buffer[at + 1]
    if function == asked.function and buffer[at + 2] == asked.byte_count:
        return asked.byte_count + 5
    return FRAME_BYTES_MIN if function == asked.function | EXCEPTION else 0


def _is_right(buffer: bytes | bytearray, at: int, size: int) -> bool:
    return crc(buffer[at : at + size - 2]) == buffer[at + size - 2] | buffer[at + size - 1] << 8


class Frame(msgspec.Struct, frozen=True):
    """A frame with a right check sum.

    Attributes:
        at, size: where it is.
        unit, function: its first two bytes.
        is_request: a master's.
    """

    at: int
    size: int
    unit: int
    function: int
    is_request: bool


def frames(heard: bytes) -> Iterator[Frame]:
    """All frames with a right check sum among the bytes, none inside another."""
    at = 0
    while at + FRAME_BYTES_MIN <= len(heard):
        found = next((f for f in _frames_at(heard, at) if _is_right(heard, f.at, f.size)), None)
        if found is not None:
            yield found
        at += found.size if found is not None else 1


def _frames_at(heard: bytes, at: int) -> Iterator[Frame]:
    """What may begin here and is all there: a read's reply, an exception, a request."""
    unit, function, third = heard[at : at + 3]
    left = len(heard) - at
    is_request = left >= REQUEST_BYTES and _may_be_request(heard[at : at + REQUEST_BYTES])
    is_reply = function in READ_WORDS_MAX and third > 0 and third + 5 <= left
    if is_reply and not (is_request and function in WORD_FUNCTIONS and third == BYTES_OF_NO_WORDS):
        yield Frame(at, third + 5, unit, function, is_request=False)
    if function & EXCEPTION and third:
        yield Frame(at, FRAME_BYTES_MIN, unit, function, is_request=False)
    if is_request:
        yield Frame(at, REQUEST_BYTES, unit, function, is_request=True)
    if function in (15, 16) and left > REQUEST_BYTES and heard[at + 6] + 9 <= left:
        yield Frame(at, heard[at + 6] + 9, unit, function, is_request=True)
    if at == 0:
        yield Frame(at, left, unit, function, is_request=False)


def _may_be_request(frame: bytes) -> bool:
    count = int.from_bytes(frame[4:6], "big")
    return 1 <= count <= READ_WORDS_MAX[frame[1]] if frame[1] in READ_WORDS_MAX else frame[1] in WRITE_FUNCTIONS


def other_master(heard: bytes, own: bytes) -> Wrong | None:
    """Somebody else's request among the bytes of a line on which we are the only one to ask.

    Args:
        heard: bytes.
        own: our request, which an adapter may repeat.
    """
    for frame in frames(heard):
        data = heard[frame.at : frame.at + frame.size]
        if frame.is_request and data != own:
            words = f"another master asks unit {frame.unit} by function {frame.function}"
            return Wrong(Reason.BAD_REPLY, words, master_of=frame.unit, shape=_shape(bytes(data)))
    return None


def _shape(request: bytes) -> tuple[int, int] | None:
    """Function and byte count of the reply to a request that reads."""
    function, count = request[1], int.from_bytes(request[4:6], "big")
    if function not in READ_WORDS_MAX:
        return None
    return function, (count + 7) // 8 if function in (1, 2) else count * 2


def _what_is_wrong(heard: bytes, asked: Asked) -> Wrong:
    """The likeliest fault, from the most telling sign to the least."""
    if stranger := other_master(heard, asked.frame):
        return stranger
    for frame in frames(heard):
        if frame.is_request:
            continue
        if frame.unit != asked.unit:
            return Wrong(Reason.WRONG_UNIT, f"asked unit {asked.unit}, got {frame.unit}")
        if frame.function & ~EXCEPTION != asked.function:
            return Wrong(Reason.WRONG_FUNCTION, f"asked function {asked.function}, got {frame.function}")
        return Wrong(Reason.WRONG_LENGTH, f"asked {asked.byte_count} bytes, got {frame.size - 5}")
    return _what_is_broken(heard, asked)


def _what_is_broken(heard: bytes, asked: Asked) -> Wrong:
    """What is wrong with bytes among which no check sum is right."""
    wanted = asked.byte_count + 5
    begins = heard.find(bytes([asked.unit, asked.function, asked.byte_count]))
    left = len(heard) - begins if begins >= 0 else 0
    if 0 < left < wanted:
        return Wrong(Reason.SHORT_FRAME, f"asked for a frame of {wanted} bytes, got {left}")
    if left or len(heard) == wanted:
        return Wrong(Reason.CHECK_SUM, "the check sum of the reply is wrong")
    if len(heard) < FRAME_BYTES_MIN:
        return Wrong(Reason.SHORT_FRAME, f"asked for a frame of {wanted} bytes, got {len(heard)}")
    return Wrong(Reason.BAD_REPLY, f"{len(heard)} bytes that are no frame")
