"""Register words to quantities and back: a tested pair.

A sentinel, NaN, a busy or silent meter becomes Unreadable(reason). Nothing here makes a 0 that the meter did not say.
"""

import math
import struct
from collections.abc import Mapping

from wire.profile import Profile, RatioAppliedBy, Register, RegisterType, WordOrder
from wire.quantities import Quantity
from wire.reading import Reason, Unreadable, Value

Image = Mapping[tuple[int, int], int | Unreadable]
"""(function code, address) to a word (or a bit), or why that address was not read. Absent = not asked."""

_FORMATS = {"u16": ">H", "s16": ">h", "u32": ">I", "s32": ">i", "u64": ">Q", "s64": ">q", "f32": ">f", "f64": ">d"}
_FLOATS = (RegisterType.F32, RegisterType.F64)

_CT_AND_PT = ("_w", "_var", "_va", "_wh")


def decode(image: Image, profile: Profile) -> dict[Quantity, Value]:
    """The primary values of every quantity of a profile.

    Args:
        image: what was read.
        profile: the meter's register map.
    """
    values = {r.quantity: _decode_register(image, r, profile.order_of(r)) for r in profile.registers}
    if profile.ratio_applied_by is RatioAppliedBy.METER:
        return values
    ct, pt = values[Quantity.CT_RATIO], values.get(Quantity.PT_RATIO, 1.0)
    return {q: _times_ratio(q, v, ct, pt, 1) for q, v in values.items()}


def encode(values: Mapping[Quantity, Value], profile: Profile) -> dict[tuple[int, int], int]:
    """The register words with which a meter of this profile tells the given primary values.

    A quantity that is missing or Unreadable is told as the meter tells "not available": its first sentinel, NaN in a
    float register. Where the meter has no such word the address is left out (a slave answers exception 2 there).
    """
    ct, pt = values.get(Quantity.CT_RATIO, 1.0), values.get(Quantity.PT_RATIO, 1.0)
    image: dict[tuple[int, int], int] = {}
    for register in profile.registers:
        value = values.get(register.quantity, Unreadable(Reason.NOT_AVAILABLE))
        if profile.ratio_applied_by is RatioAppliedBy.AGENT:
            value = _times_ratio(register.quantity, value, ct, pt, -1)
        words = _encode_register(value, register, profile.order_of(register))
        image.update(((register.function, register.address + i), word) for i, word in enumerate(words))
    return image


def _times_ratio(quantity: Quantity, value: Value, ct: Value, pt: Value, power: int) -> Value:
    """A value times CT and PT ratio (power 1: secondary to primary; -1: back)."""
    name = quantity.value
    uses_ct, uses_pt = name.startswith("current_"), name.startswith("voltage_")
    if name.endswith(_CT_AND_PT):
        uses_ct = uses_pt = True
    if isinstance(value, Unreadable) or not (uses_ct or uses_pt):
        return value
    factor = 1.0
    for used, ratio in ((uses_ct, ct), (uses_pt, pt)):
        if not used:
            continue
        if isinstance(ratio, Unreadable) or ratio <= 0:
            return Unreadable(Reason.RATIO_UNKNOWN)
        factor *= ratio
    return value * factor**power


def _decode_register(image: Image, register: Register, order: WordOrder) -> Value:
    words: list[int] = []
    for address in register.span:
        word = image.get((register.function, address), Unreadable(Reason.NOT_ASKED))
        if isinstance(word, Unreadable):
            return word
        words.append(word)
    raw = _unsigned(words, order)
    if raw in register.sentinels:
        return Unreadable(Reason.NOT_AVAILABLE)
    value = _number(raw ^ register.invert, register.type) * register.scale
    if not math.isfinite(value):
        return Unreadable(Reason.NOT_A_NUMBER)
    if (register.low is not None and value < register.low) or (register.high is not None and value > register.high):
        return Unreadable(Reason.OUT_OF_RANGE)
    return value


def _encode_register(value: Value, register: Register, order: WordOrder) -> list[int]:
    if isinstance(value, Unreadable) or not math.isfinite(value):
        if register.sentinels:
            return _words(register.sentinels[0], register.type, order)
        if register.type in _FLOATS:
            return _words(_bits(math.nan, register.type), register.type, order)
        return []
    raw = _bits(value / register.scale, register.type) ^ register.invert
    return _words(raw, register.type, order)


def _number(raw: int, kind: RegisterType) -> float:
    if kind is RegisterType.BIT:
        return float(raw)
    size = struct.calcsize(_FORMATS[kind.value])
    return float(struct.unpack(_FORMATS[kind.value], raw.to_bytes(size, "big"))[0])


def _bits(number: float, kind: RegisterType) -> int:
    """The unsigned integer with the register's bits; an integer register wraps as the meter's counter does."""
    if kind is RegisterType.BIT:
        return int(number != 0)
    if kind in _FLOATS:
        return int.from_bytes(struct.pack(_FORMATS[kind.value], number), "big")
    return round(number) % (1 << 16 * kind.words)


def _unsigned(words: list[int], order: WordOrder) -> int:
    raw = 0
    for word in words if order is WordOrder.ABCD else reversed(words):
        raw = raw << 16 | word
    return raw


def _words(raw: int, kind: RegisterType, order: WordOrder) -> list[int]:
    words = [raw >> 16 * i & 0xFFFF for i in reversed(range(kind.words))]
    return words if order is WordOrder.ABCD else words[::-1]
