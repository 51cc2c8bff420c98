"""The slaves of one line: who answers a request, what, and what goes wrong with it."""

from collections.abc import Mapping
from typing import Protocol

from simulators.faults import Faults, Piece, Reply
from simulators.meter import Refusal
from simulators.modbus_frames import Framing, Request, is_malformed, refusal_pdu, reply_frame, reply_pdu
from wire.clock import Clock, SystemClock


class Slave(Protocol):
    """What answers under one unit; a ServedMeter is one."""

    def answer(self, function: int, address: int, count: int, elapsed_s: float) -> list[int] | Refusal | None:
        """As many words (or bits) as were asked for, a refusal, or None for no answer."""
        ...


class Bank:
    """A slave that holds plain words.

    Attributes:
        words: by function and address; may be changed at any time.
    """

    def __init__(self, words: Mapping[tuple[int, int], int]) -> None:
        self.words = dict(words)

    def answer(self, function: int, address: int, count: int, elapsed_s: float) -> list[int] | Refusal | None:
        """The words; a function without words or an address without a word is refused."""
        del elapsed_s
        found = [self.words.get((function, a)) for a in range(address, address + count)]
        known = [word for word in found if word is not None]
        if found and len(known) == len(found):
            return known
        is_used = any(used == function for used, _ in self.words)
        if not is_used:
            return Refusal.ILLEGAL_FUNCTION
        return Refusal.ILLEGAL_ADDRESS if found else Refusal.ILLEGAL_VALUE


class Slaves:
    """All slaves of a line; the line carries what they send.

    Attributes:
        framing: of the line.
        gap_s: silence that parts two frames.
    """

    def __init__(
        self,
        slaves: Mapping[int, Slave],
        framing: Framing,
        gap_s: float,
        clock: Clock | None = None,
        absent_code: int | None = None,
    ) -> None:
        """Slaves by their unit.

        Args:
            slaves: units without one are silent.
            framing: of the line.
            gap_s: silence that parts two frames.
            clock: its monotonic time runs the slaves, from 0 now.
            absent_code: the exception for a unit that is not there; None for silence.
        """
        self.framing = framing
        self.gap_s = gap_s
        self._slaves = dict(slaves)
        self._clock = clock or SystemClock()
        self._absent_code = absent_code
        self._opened_ms = self._clock.monotonic_ms()
        self._of_line = Faults()
        self._of_unit = {unit: Faults() for unit in self._slaves}
        self._previous: dict[int, bytes] = {}

    def faults(self, unit: int | None = None) -> Faults:
        """The faults of a unit, or those of every unit; a unit's own come first."""
        return self._of_line if unit is None else self._of_unit[unit]

    def replies(self, request: Request) -> list[Piece]:
        """What is sent in answer to a request, in its order."""
        slave = self._slaves.get(request.unit)
        if slave is None:
            absent = self._absent_code
            return self._right(request, None if absent is None else refusal_pdu(request.function, absent))
        pdu, previous = self._pdu(slave, request), self._previous.get(request.unit)
        if pdu is not None:
            self._previous[request.unit] = pdu
        drawn = self._of_unit[request.unit].draw() or self._of_line.draw()
        if drawn is None:
            return self._right(request, pdu)
        fault, chance = drawn
        return fault.bend(Reply(request, pdu, self.framing, self.gap_s, previous, chance))

    def _right(self, request: Request, pdu: bytes | None) -> list[Piece]:
        return [] if pdu is None else [Piece(0, reply_frame(self.framing, request, pdu))]

    def _pdu(self, slave: Slave, request: Request) -> bytes | None:
        address, count = request.span
        if is_malformed(request):
            return refusal_pdu(request.function, Refusal.ILLEGAL_VALUE)
        words = slave.answer(request.function, address, count, (self._clock.monotonic_ms() - self._opened_ms) / 1000)
        if words is None:
            return None
        if isinstance(words, Refusal):
            return refusal_pdu(request.function, words)
        return reply_pdu(request.function, words)
