"""Which requests a meter refuses, and with which exception: limits, starts and addresses of its register map.

Requests are judged as Modbus application protocol V1.1b3 §6 orders it: function, then quantity, then address.
"""

import itertools
from collections.abc import Iterable, Iterator
from enum import IntEnum

from wire.profile import Identity, Probe, Profile, Register, Starts

_BITS_PER_REQUEST_MAX = 2000  # Modbus application protocol V1.1b3 §6.1, §6.2
_BIT_FUNCTIONS = (1, 2)

_Place = tuple[int, int]


class Refusal(IntEnum):
    """A Modbus exception code."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_ADDRESS = 2
    ILLEGAL_VALUE = 3


class RequestRules:
    """What one model answers at all.

    Attributes:
        told: function and addresses of what the meter tells of itself. It is told to a request for just that, and
            may lie where the map has another register: then a longer request gets the register.
        unused: function and address of registers without a meaning that a request may read across.
    """

    def __init__(self, profile: Profile) -> None:
        """The rules of a register map."""
        self._profile = profile
        told: tuple[Identity | Probe, ...] = (*profile.identity, *profile.probes)
        self.told = {(item.function, item.span) for item in told}
        entries = [spans for register in profile.registers for spans in register.spans] + list(self.told)
        self._known = {(function, a) for function, span in entries for a in span}
        self._starts = {(function, span[0]) for function, span in entries}
        self._functions = {function for function, _ in self._known}
        self._barred = {(b.function, a) for b in profile.barriers for a in range(b.first, b.last + 1)}
        self.unused = set(_between(self._known, profile.gap_registers_max)) - self._barred
        lone: tuple[Identity | Register, ...] = (*profile.identity, *profile.registers)
        of_registers = {(r.function, a) for r in profile.registers if not r.alone for a in r.span}
        alone = {(item.function, a): item.span for item in lone if item.alone for a in item.span}
        self._alone = {place: span for place, span in alone.items() if place not in of_registers}

    def refuses(self, function: int, address: int, count: int) -> Refusal | None:
        """Why a request is refused; None if it is answered."""
        if function not in self._functions:
            return Refusal.ILLEGAL_FUNCTION
        span = range(address, address + count)
        if self._refuses_count(function, span):
            return Refusal.ILLEGAL_VALUE
        return Refusal.ILLEGAL_ADDRESS if self._refuses_address(function, span) else None

    def _refuses_count(self, function: int, span: range) -> bool:
        if function in _BIT_FUNCTIONS:
            return not 1 <= len(span) <= _BITS_PER_REQUEST_MAX
        if not 1 <= len(span) <= self._profile.registers_per_request_max:
            return True
        return self._wants_even(function, span) and len(span) % 2 == 1

    def _refuses_address(self, function: int, span: range) -> bool:
        places = {(function, a) for a in span}
        return (
            not {(function, span[0]), (function, span[-1])} <= self._known
            or (self._wants_even(function, span) and span[0] % 2 == 1)
            or (self._profile.starts is Starts.REGISTERS and (function, span[0]) not in self._starts)
            or not places <= self._known | self.unused
            or ((function, span) not in self.told and not places.isdisjoint(self._barred))
            or any(self._alone.get(place, span) != span for place in places)
        )

    def _wants_even(self, function: int, span: range) -> bool:
        is_word = function not in _BIT_FUNCTIONS
        return is_word and self._profile.even_spans and (function, span) not in self.told


def _between(known: Iterable[_Place], longest: int) -> Iterator[_Place]:
    """The stretches between registers of one function that a request may read across."""
    for (function, address), (next_function, next_address) in itertools.pairwise(sorted(known)):
        if function == next_function and next_address - address - 1 <= longest:
            yield from ((function, a) for a in range(address + 1, next_address))
