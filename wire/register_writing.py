"""Quantities to register words: what a simulated meter answers. The inverse of `registers.decode`."""

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction

from wire.profile import Factor, Part, PartOfWord, Profile, RatioAppliedBy, Register, Use
from wire.quantities import Quantity
from wire.ratios import times_ratio
from wire.reading import Reason, Unreadable, Value
from wire.words import bits, bounds, number, places, unsigned, words_of

_NOT_A_NUMBER = Unreadable(Reason.NOT_A_NUMBER)
_EXACT = 1e-12
_EXPONENTS = sorted(range(-12, 13), key=abs)
_USUAL = (1, 5, 10, 100, 1000, 10_000, 100_000)


def encode(values: Mapping[Quantity, Value], profile: Profile) -> dict[tuple[int, int], int]:
    """The register words with which a meter of this profile tells the given primary values.

    A quantity that is missing or Unreadable is told as the meter tells "not available": its first sentinel, NaN in a
    float register. Where the meter has no such word the address is left out (a slave answers exception 2 there).
    Exponents, divisors and signs in registers of their own are chosen so that the values fit with the fewest digits
    lost.
    """
    writer = _Writer(profile, _secondary(values, profile))
    for register in profile.registers:
        if not register.by:
            writer.write(register)
    for register in profile.registers:
        for factor in register.by:
            writer.choose(factor)
    for register in profile.registers:
        if register.by:
            writer.write(register)
    return writer.image


def _secondary(values: Mapping[Quantity, Value], profile: Profile) -> dict[Quantity, Value]:
    """What the registers hold, before any ratio that the agent applies."""
    told = {q: values.get(q, Unreadable(Reason.NOT_AVAILABLE)) for q in profile.quantities}
    if profile.ratio_applied_by is RatioAppliedBy.AGENT:
        ct, pt = values.get(Quantity.CT_RATIO, 1.0), values.get(Quantity.PT_RATIO, 1.0)
        told = {q: times_ratio(q, value, ct, pt, -1) for q, value in told.items()}
    return {q: v if isinstance(v, Unreadable) or math.isfinite(v) else _NOT_A_NUMBER for q, v in told.items()}


class _Writer:
    """An image that is being written.

    Attributes:
        image: the words so far.
    """

    def __init__(self, profile: Profile, told: Mapping[Quantity, Value]) -> None:
        self.image: dict[tuple[int, int], int] = {}
        self._profile = profile
        self._told = told
        self._chosen: dict[tuple[object, ...], float] = {}

    def write(self, register: Register) -> None:
        """The words of one quantity; those of its factors stand already."""
        value = self._told[register.quantity]
        if isinstance(value, Unreadable):
            self._write_missing(register)
            return
        left = self._unscaled(value, register)
        carriers: tuple[Register | Part, ...] = (register, *register.plus)
        for carrier in carriers:
            raw = left / carrier.scale
            if carrier is not carriers[-1] and not carrier.type.is_float:
                raw = math.trunc(raw + math.copysign(_EXACT, raw))
            word = bits(raw, carrier.type) ^ int(isinstance(carrier, Register) and carrier.invert)
            self._put(carrier, word)
            is_all = carrier.type.is_float or carrier is carriers[-1]
            left = 0.0 if is_all else left - raw * carrier.scale

    def _write_missing(self, register: Register) -> None:
        if register.sentinels:
            self._put(register, register.sentinels[0])
        elif register.type.is_float:
            self._put(register, bits(math.nan, register.type))
        else:
            return
        for part in register.plus:
            self._put(part, 0)

    def choose(self, factor: Factor) -> None:
        """Write the register of a factor as suits all quantities that it scales."""
        if _key(factor) in self._chosen:
            return
        users = [r for r in self._profile.registers if any(_key(f) == _key(factor) for f in r.by)]
        if factor.use is Use.SIGN:
            told = [self._told[r.quantity] for r in users]
            self._chosen[_key(factor)] = 0.0
            self._add(factor, any(not isinstance(v, Unreadable) and v < 0 for v in told) << factor.bit)
        elif all(place in self.image for place in self._places(factor)) and factor.part is PartOfWord.WORD:
            raw = unsigned(self.image[place] for place in self._places(factor))
            self._chosen[_key(factor)] = number(raw, factor.type)
        else:
            chosen = self._best(factor, users)
            self._chosen[_key(factor)] = chosen
            self._add(factor, bits(chosen, factor.type) << 8 * (factor.part is PartOfWord.HIGH))

    def _best(self, factor: Factor, users: list[Register]) -> float:
        """The raw number with which the users lose least; the most usual one of several."""
        best, least = 1.0, math.inf
        for raw in self._candidates(factor, users):
            self._chosen[_key(factor)] = raw
            lost = sum(self._lost(user) for user in users)
            if lost < least:
                best, least = raw, lost
            if least <= _EXACT:
                break
        return best

    def _candidates(self, factor: Factor, users: list[Register]) -> Iterator[float]:
        low, high = (0, 0xFF) if factor.part is not PartOfWord.WORD else bounds(factor.type)
        if factor.use is Use.TEN_TO:
            wanted = [float(e - factor.plus) for e in _EXPONENTS]
        else:
            wanted = [float(number) for number in _USUAL]
            values = [self._told[user.quantity] for user in users]
            wanted += [float(_divisor(v, int(min(high, 1 << 32)))) for v in values if not isinstance(v, Unreadable)]
        for number_wanted in wanted:
            raw = number_wanted / factor.scale
            raw = raw if factor.type.is_float else float(round(raw))
            if low <= raw <= high and (raw or factor.use is Use.TEN_TO):
                yield raw

    def _lost(self, register: Register) -> float:
        """The part of a value that is lost with the factors that are chosen; inf where it does not fit."""
        value = self._told[register.quantity]
        if isinstance(value, Unreadable) or value == 0:
            return 0.0
        raw = self._unscaled(value, register) / register.scale
        low, high = bounds(register.type)
        if not low <= raw <= high:
            return math.inf
        return 0.0 if register.type.is_float or register.plus else abs(round(raw) - raw) / abs(raw)

    def _unscaled(self, value: float, register: Register) -> float:
        """What is left for a quantity's own registers."""
        for factor in register.by:
            if factor.use is Use.SIGN:
                value = abs(value)
                continue
            by = self._chosen.get(_key(factor), 0.0 if factor.use is Use.TEN_TO else 1.0) * factor.scale
            if factor.use is Use.TEN_TO:
                value /= 10.0 ** (by + factor.plus)
            else:
                value = value / by if factor.use is Use.TIMES else value * by
        return value

    def _places(self, factor: Factor) -> tuple[tuple[int, int], ...]:
        return places(factor.function, factor.span, self._profile.order_of(factor))

    def _put(self, register: Register | Part, raw: int) -> None:
        words = words_of(raw, register.type.words, self._profile.order_of(register))
        self.image |= {(register.function, a): word for a, word in zip(register.span, words, strict=True)}

    def _add(self, factor: Factor, raw: int) -> None:
        """Set bits of a word that other factors may share."""
        words = words_of(raw, factor.type.words, self._profile.order_of(factor))
        for address, word in zip(factor.span, words, strict=True):
            self.image[factor.function, address] = self.image.get((factor.function, address), 0) | word


def _key(factor: Factor) -> tuple[object, ...]:
    """Two factors of one key are the same number in the meter."""
    if factor.use is Use.SIGN:
        return factor.function, factor.address, "bit", factor.bit
    return factor.function, factor.address, factor.type, factor.part


def _divisor(value: float, largest: int) -> int:
    """The denominator of the fraction that a value is, such as 3 for 7/3."""
    return Fraction(value).limit_denominator(max(1, largest)).denominator
