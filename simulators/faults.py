"""What can go wrong with one reply, on demand: by the number of the request, from now on, or at a seeded rate."""

import random
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from simulators.modbus_frames import TCP_HEAD_BYTES, Framing, Request, refusal_pdu, reply_pdu, rtu_frame, tcp_frame

_PDU_AT = {Framing.RTU: 1, Framing.TCP: TCP_HEAD_BYTES}


class Piece(NamedTuple):
    """Bytes that a slave sends, after a pause from the end of what it sent before.

    Attributes:
        after_s: the pause; before the first piece it adds to the slave's own turn-around.
        data: the bytes; None closes the connection (TCP) and ends the reply.
    """

    after_s: float
    data: bytes | None


@dataclass(frozen=True)
class Reply:
    """A right reply that a fault may bend.

    Attributes:
        request: what was asked.
        pdu: the right answer, function first; None when the slave is dead.
        framing: of the line.
        gap_s: silence that parts two frames on the line.
        previous: the PDU that this unit answered last, if any.
        chance: random numbers of this request.
    """

    request: Request
    pdu: bytes | None
    framing: Framing
    gap_s: float
    previous: bytes | None
    chance: random.Random

    def frame(self, pdu: bytes, unit: int | None = None, transaction: int | None = None) -> bytes:
        """A PDU as a frame of this line."""
        sender = self.request.unit if unit is None else unit
        if self.framing is Framing.RTU:
            return rtu_frame(sender, pdu)
        return tcp_frame(sender, pdu, self.request.transaction if transaction is None else transaction)

    def right(self) -> list[Piece]:
        """The reply as it should be."""
        return [] if self.pdu is None else [Piece(0, self.frame(self.pdu))]

    def bytes(self) -> bytes:
        """The right reply's frame; nothing when the slave is dead."""
        return b"" if self.pdu is None else self.frame(self.pdu)


@dataclass(frozen=True)
class Fault:
    """One way of going wrong.

    Attributes:
        name: what it is counted under.
        bend: what is sent in place of the right reply.
    """

    name: str
    bend: Callable[[Reply], list[Piece]]


def late(seconds: float) -> Fault:
    """The right reply, so much later."""
    return Fault("late", lambda r: [Piece(p.after_s + seconds, p.data) for p in r.right()])


def stalled(seconds: float, after_bytes: int | None = None) -> Fault:
    """The right reply with a pause inside, in its middle unless said otherwise."""

    def bend(reply: Reply) -> list[Piece]:
        frame = reply.bytes()
        at = len(frame) // 2 if after_bytes is None else after_bytes
        return [Piece(0, frame[:at]), Piece(seconds, frame[at:])]

    return Fault("stalled", bend)


def short(missing_bytes: int | None = None) -> Fault:
    """The reply's last bytes are missing; by chance 1 byte to all but one unless said otherwise."""

    def bend(reply: Reply) -> list[Piece]:
        frame = reply.bytes()
        missing = missing_bytes or reply.chance.randint(1, max(1, len(frame) - 1))
        return [Piece(0, frame[:-missing])]

    return Fault("short", bend)


def odd() -> Fault:
    """A whole frame with a right check sum whose data are one byte short: half a word."""
    return Fault("odd", lambda r: _data_bent(r, lambda data: data[:-1]))


def fewer(words: int = 1) -> Fault:
    """A whole frame with a right check sum and fewer words than asked for."""
    return Fault("fewer", lambda r: _data_bent(r, lambda data: data[: -2 * words]))


def more(words: int = 1) -> Fault:
    """A whole frame with a right check sum and more words than asked for."""
    return Fault("more", lambda r: _data_bent(r, lambda data: data + bytes(2 * words)))


def _data_bent(reply: Reply, bend: Callable[[bytes], bytes]) -> list[Piece]:
    if reply.pdu is None or reply.pdu[0] & 0x80:
        return reply.right()
    data = bend(reply.pdu[2:])
    return [Piece(0, reply.frame(bytes([reply.pdu[0], len(data) & 0xFF]) + data))]


def garbled() -> Fault:
    """One to three bits flipped, as a check sum of 16 bits always finds; on TCP, which has none, in the head only."""

    def bend(reply: Reply) -> list[Piece]:
        frame = bytearray(reply.bytes())
        span = len(frame) if reply.framing is Framing.RTU else min(len(frame), TCP_HEAD_BYTES + 2)
        for bit in reply.chance.sample(range(8 * span), min(8 * span, reply.chance.randint(1, 3))):
            frame[bit // 8] ^= 1 << bit % 8
        return [Piece(0, bytes(frame))]

    return Fault("garbled", bend)


def duplicated(gap_s: float = 0.0) -> Fault:
    """The right reply twice."""
    return Fault("duplicated", lambda r: [*r.right(), *(Piece(gap_s, p.data) for p in r.right())])


def echoed() -> Fault:
    """The request comes back before the reply."""
    return Fault("echoed", lambda r: [Piece(0, r.request.frame), *r.right()])


def silent() -> Fault:
    """No reply."""
    return Fault("silent", lambda _: [])


def wrong_unit(unit: int | None = None) -> Fault:
    """The right answer under another unit's name."""

    def bend(reply: Reply) -> list[Piece]:
        name = reply.request.unit % 247 + 1 if unit is None else unit
        return [] if reply.pdu is None else [Piece(0, reply.frame(reply.pdu, unit=name))]

    return Fault("wrong_unit", bend)


def wrong_function() -> Fault:
    """The right answer under another function."""

    def bend(reply: Reply) -> list[Piece]:
        return [] if reply.pdu is None else [Piece(0, reply.frame(bytes([reply.pdu[0] ^ 7]) + reply.pdu[1:]))]

    return Fault("wrong_function", bend)


def exception(code: int) -> Fault:
    """An exception reply of this code."""
    return Fault(f"exception_{code}", lambda r: [Piece(0, r.frame(refusal_pdu(r.request.function, code)))])


def previous() -> Fault:
    """What this unit answered to its last request, as a gateway that is one reply behind; silence if there was none."""
    return Fault("previous", lambda r: [] if r.previous is None else [Piece(0, r.frame(r.previous))])


def wrong_transaction(transaction: int | None = None) -> Fault:
    """The right reply under another number, the last one unless given; in RTU, which has none, nothing is wrong."""

    def bend(reply: Reply) -> list[Piece]:
        number = (reply.request.transaction - 1) & 0xFFFF if transaction is None else transaction
        return [] if reply.pdu is None else [Piece(0, reply.frame(reply.pdu, transaction=number))]

    return Fault("wrong_transaction", bend)


def unsolicited(data: bytes, gap_s: float = 0.0) -> Fault:
    """Bytes that nobody asked for before the right reply, glued to it unless there is a gap."""
    return Fault("unsolicited", lambda r: [Piece(0, data), *(Piece(gap_s, p.data) for p in r.right())])


def other_master(unit: int = 200, function: int = 3, address: int = 0, words: Sequence[int] = (1, 2)) -> Fault:
    """Another master asks another unit and is answered, before the right reply comes."""

    def bend(reply: Reply) -> list[Piece]:
        asked = bytes([function]) + address.to_bytes(2, "big") + len(words).to_bytes(2, "big")
        frames = (reply.frame(asked, unit=unit), reply.frame(reply_pdu(function, words), unit=unit))
        return [*(Piece(reply.gap_s, frame) for frame in frames), *(Piece(reply.gap_s, p.data) for p in reply.right())]

    return Fault("other_master", bend)


def dropped() -> Fault:
    """The connection is closed in place of the reply; on a serial line, which has none, silence."""
    return Fault("dropped", lambda _: [Piece(0, None)])


class Faults:
    """The faults of one unit, or of a whole line. What was put in first comes first: script, next, always, rate.

    Attributes:
        requests: how many were heard; the number of the next, from 0.
        given: how often each fault was given, by its name.
    """

    def __init__(self) -> None:
        self.requests = 0
        self.given: Counter[str] = Counter()
        self.clear()

    def clear(self) -> None:
        """Answer rightly from now on."""
        self._script: Mapping[int, Fault] = {}
        self._next: deque[Fault] = deque()
        self._always: Fault | None = None
        self._rate, self._seed = 0.0, 0
        self._kinds: tuple[Fault, ...] = ()

    def script(self, faults: Mapping[int, Fault]) -> None:
        """Faults by the number of the request, counted from 0 when the line was made."""
        self._script = dict(faults)

    def next(self, fault: Fault, times: int = 1) -> None:
        """The next requests go wrong; those of an earlier call first."""
        self._next.extend([fault] * times)

    def always(self, fault: Fault) -> None:
        """Every request goes wrong until clear."""
        self._always = fault

    def at_rate(self, rate: float, kinds: Sequence[Fault], seed: int) -> None:
        """A share of the requests goes wrong, each in one of the ways; the same requests for the same seed.

        Args:
            rate: 0 to 1.
            kinds: one is drawn for each.
            seed: of the draw.
        """
        self._rate, self._kinds, self._seed = rate, tuple(kinds), seed

    def draw(self) -> tuple[Fault, random.Random] | None:
        """The fault of the request that is heard now and its random numbers; None to answer rightly."""
        number = self.requests
        self.requests += 1
        fault = self._script.get(number)
        if fault is None and self._next:
            fault = self._next.popleft()
        if fault is None:
            fault = self._always
        if fault is None and not self._rate:
            return None
        chance = random.Random(f"{self._seed} {number}")
        if fault is None and chance.random() < self._rate:
            fault = chance.choice(self._kinds)
        if fault is None:
            return None
        self.given[fault.name] += 1
        return fault, chance
