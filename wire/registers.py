"""Register words to quantities. `encode` (register_writing) is its tested inverse.

A sentinel, NaN, a busy or silent meter becomes Unreadable(reason). Nothing here makes a 0 that the meter did not say.
Words of a float in the wrong order are such a 0 more often than not: 230.0 V swapped is 2.4e-41 V. No meter means a
number so small, so it is no number; and where the frequency shows that the words are swapped, no float counts.
"""

import math
from collections.abc import Callable, Iterable, Mapping

from wire.profile import (
    Coding,
    Factor,
    Part,
    PartOfWord,
    Profile,
    RatioAppliedBy,
    Register,
    RegisterType,
    Use,
    WordOrder,
)
from wire.quantities import Quantity
from wire.ratios import times_ratio
from wire.reading import Reason, Unreadable, Value
from wire.register_writing import encode
from wire.words import number, places, unpacker

__all__ = ["Decoder", "Image", "decode", "encode"]

Image = Mapping[tuple[int, int], int | Unreadable]
"""(function code, address) to a word (or a bit), or why that address was not read. Absent = not asked."""

_NOT_ASKED = Unreadable(Reason.NOT_ASKED)
_NOT_AVAILABLE = Unreadable(Reason.NOT_AVAILABLE)
_NOT_A_NUMBER = Unreadable(Reason.NOT_A_NUMBER)
_OUT_OF_RANGE = Unreadable(Reason.OUT_OF_RANGE)
_RATIO_UNKNOWN = Unreadable(Reason.RATIO_UNKNOWN)
_EXPONENT_MAX = 30
"""No meter shows more digits; 10 to a garbled exponent would overflow."""
LEAST = 1e-15
"""Of a float register. What is nearer to 0, and not 0, is no measurement but a number with its words swapped."""


def decode(image: Image, profile: Profile) -> dict[Quantity, Value]:
    """The primary values of every quantity of a profile.

    Args:
        image: what was read.
        profile: the meter's register map.
    """
    return Decoder(profile).decode(image)


class Decoder:
    """Decodes many images of one profile."""

    def __init__(self, profile: Profile, wanted: Iterable[Quantity] | None = None) -> None:
        """A decoder of a profile.

        Args:
            profile: the meter's register map.
            wanted: the quantities that are decoded; every one when left out. Where the agent applies ratios, those
                are always among them.
        """
        names = set(profile.quantities if wanted is None else wanted)
        self._applies_ratio = profile.ratio_applied_by is RatioAppliedBy.AGENT
        if self._applies_ratio:
            names |= {Quantity.CT_RATIO, Quantity.PT_RATIO}
        self._values = [(r.quantity, _Value(r, profile)) for r in profile.registers if r.quantity in names]
        self._order = _Order(profile)

    def decode(self, image: Image) -> dict[Quantity, Value]:
        """Primary values of the wanted quantities, in the profile's order."""
        values = self._order.doubted({quantity: value.read(image) for quantity, value in self._values}, image)
        if not self._applies_ratio:
            return values
        ct, pt = values[Quantity.CT_RATIO], values.get(Quantity.PT_RATIO, 1.0)
        return {q: times_ratio(q, v, ct, pt, 1) for q, v in values.items()}


class _Raw:
    """One number in the image, as the unsigned integer of its words."""

    def __init__(self, number_at: Register | Part | Factor, profile: Profile) -> None:
        self._places = places(number_at.function, number_at.span, profile.order_of(number_at))
        self._at = places(number_at.function, number_at.span, profile.word_order.ABCD)
        self.number = _converter(number_at.type)
        self.scale = number_at.scale

    def read(self, image: Image) -> int | Unreadable:
        raw = 0
        for place in self._places:
            word = image.get(place, _NOT_ASKED)
            if isinstance(word, Unreadable):
                return self._why(image)
            raw = raw << 16 | word
        return raw

    def _why(self, image: Image) -> Unreadable:
        """The reason of the first address that was not read."""
        words = (image.get(place, _NOT_ASKED) for place in self._at)
        return next(word for word in words if isinstance(word, Unreadable))


class _Order:
    """Whether the words of floats stand in the order that the profile says, as far as the frequency shows it.

    A meter that is set to the other order tells a frequency beyond its limits that, when its words are exchanged, lies
    within them or is the "no number" of a meter that measures none. Any other frequency doubts nothing but itself: a
    generator's, or 0 of a feeder without voltage. A 0 has no order, so it is never doubted.
    """

    def __init__(self, profile: Profile) -> None:
        told = profile.register_of(Quantity.FREQUENCY_HZ)
        self._frequency = told if told is not None and told.type is RegisterType.F32 else None
        self._doubtful: frozenset[Quantity] = frozenset()
        if self._frequency is not None:
            self._raw, order = _Raw(self._frequency, profile), profile.order_of(self._frequency)
            self._doubtful = frozenset(r.quantity for r in profile.registers if _has_floats(r, profile, order))

    def doubted(self, values: dict[Quantity, Value], image: Image) -> dict[Quantity, Value]:
        """The values; of the same order no float counts while the frequency contradicts it."""
        if not self._is_swapped(image):
            return values
        wrong = {q for q, v in values.items() if q in self._doubtful and isinstance(v, float) and v != 0}
        return values | dict.fromkeys(wrong, _NOT_A_NUMBER)

    def _is_swapped(self, image: Image) -> bool:
        told = self._frequency
        raw = _NOT_ASKED if told is None else self._raw.read(image)
        if told is None or isinstance(raw, Unreadable) or raw in told.sentinels:
            return False
        low, high = _limits(told)
        as_told, exchanged = (number(bits, told.type) * told.scale for bits in (raw, raw >> 16 | (raw & 0xFFFF) << 16))
        is_wild = math.isfinite(as_told) and as_told != 0 and not low <= as_told <= high
        return is_wild and (low <= exchanged <= high or not math.isfinite(exchanged))


def _has_floats(register: Register, profile: Profile, order: WordOrder) -> bool:
    numbers: tuple[Register | Part | Factor, ...] = (register, *register.plus, *register.by)
    return any(n.type is RegisterType.F32 and profile.order_of(n) is order for n in numbers)


def _limits(register: Register) -> tuple[float, float]:
    low = -math.inf if register.low is None else register.low
    return low, math.inf if register.high is None else register.high


class _Value:
    """Reads one quantity."""

    def __init__(self, register: Register, profile: Profile) -> None:
        self._raw = _Raw(register, profile)
        self._sentinels = register.sentinels
        self._flip = int(register.invert)
        self._low, self._high = _limits(register)
        self._parts = [_Raw(part, profile) for part in register.plus]
        self._factors = [(factor, _Raw(factor, profile)) for factor in register.by]
        self._coding = register.coding

    def read(self, image: Image) -> Value:
        raw = self._raw.read(image)
        if isinstance(raw, Unreadable):
            return raw
        if raw in self._sentinels:
            return _NOT_AVAILABLE
        value = self._raw.number(raw ^ self._flip) * self._raw.scale
        if self._parts or self._factors:
            told = self._composed(image, value)
            if isinstance(told, Unreadable):
                return told
            value = told
        if not math.isfinite(value):
            return _NOT_A_NUMBER
        if self._coding is Coding.FOUR_QUADRANT_PF and abs(value) > 1:
            value = math.copysign(2.0, value) - value
        return value if self._low <= value <= self._high else _OUT_OF_RANGE

    def _composed(self, image: Image, value: float) -> Value:
        """The value with its parts added, times its factors; unreadable as soon as one of them is."""
        for part in self._parts:
            raw = part.read(image)
            if isinstance(raw, Unreadable):
                return raw
            value += part.number(raw) * part.scale
        for factor, other in self._factors:
            raw = other.read(image)
            told = raw if isinstance(raw, Unreadable) else _scaled(value, factor, raw, other)
            if isinstance(told, Unreadable):
                return told
            value = told
        return value


def _scaled(value: float, factor: Factor, raw: int, other: _Raw) -> Value:
    if factor.use is Use.SIGN:
        return -value if raw >> factor.bit & 1 else value
    if factor.part is not PartOfWord.WORD:
        raw = raw >> 8 if factor.part is PartOfWord.HIGH else raw & 0xFF
    by = other.number(raw) * factor.scale
    if math.isnan(by):
        return _NOT_A_NUMBER
    if factor.use is Use.TEN_TO:
        power = by + factor.plus
        return value * 10.0**power if abs(power) <= _EXPONENT_MAX else _OUT_OF_RANGE
    if not math.isfinite(by) or by == 0:
        return _RATIO_UNKNOWN
    return value * by if factor.use is Use.TIMES else value / by


def _converter(kind: RegisterType) -> Callable[[int], float]:
    """From a register's bits to its number, made once: a poll decodes some dozens."""
    if kind in (RegisterType.BIT, RegisterType.U16, RegisterType.U32, RegisterType.U64):
        return float
    unpack, size = unpacker(kind), 2 * kind.words
    if not kind.is_float:
        return lambda raw: float(unpack(raw.to_bytes(size, "big"))[0])

    def told(raw: int) -> float:
        value = float(unpack(raw.to_bytes(size, "big"))[0])
        return math.nan if 0 < abs(value) < LEAST else value

    return told
