"""Register words to one number and back, for every type and word order."""

import struct
from collections.abc import Callable, Iterable, Sequence

from wire.map_choices import RegisterType, WordOrder

_FORMATS = {"u16": ">H", "s16": ">h", "u32": ">I", "s32": ">i", "u64": ">Q", "s64": ">q", "f32": ">f", "f64": ">d"}


def number(raw: int, kind: RegisterType) -> float:
    """The number that an unsigned integer with the register's bits stands for."""
    if kind is RegisterType.BIT:
        return float(raw)
    return float(unpacker(kind)(raw.to_bytes(2 * kind.words, "big"))[0])


def unpacker(kind: RegisterType) -> Callable[[bytes], tuple[float, ...]]:
    """What makes the number of a register's bytes, most significant first; for every type but a bit."""
    return struct.Struct(_FORMATS[kind.value]).unpack


def bits(value: float, kind: RegisterType) -> int:
    """The unsigned integer with the register's bits; an integer register wraps as the meter's counter does."""
    if kind is RegisterType.BIT:
        return int(value != 0)
    if kind.is_float:
        return int.from_bytes(struct.pack(_FORMATS[kind.value], value), "big")
    return round(value) % (1 << 16 * kind.words)


def bounds(kind: RegisterType) -> tuple[float, float]:
    """The least and the greatest number that a register holds without wrapping."""
    if kind.is_float:
        return (-3.4e38, 3.4e38) if kind is RegisterType.F32 else (-1.7e308, 1.7e308)
    width = 1 if kind is RegisterType.BIT else 16 * kind.words
    return (-(1 << width - 1), (1 << width - 1) - 1) if kind.value.startswith("s") else (0, (1 << width) - 1)


def unsigned(words: Iterable[int]) -> int:
    """Words as one unsigned integer, most significant first."""
    raw = 0
    for word in words:
        raw = raw << 16 | word
    return raw


def words_of(raw: int, count: int, order: WordOrder = WordOrder.ABCD) -> list[int]:
    """An unsigned integer as words in the order in which they stand at rising addresses."""
    words = [raw >> 16 * i & 0xFFFF for i in reversed(range(count))]
    return words if order is WordOrder.ABCD else words[::-1]


def places(function: int, span: Sequence[int], order: WordOrder) -> tuple[tuple[int, int], ...]:
    """The places of a value's words in an image, most significant first."""
    ordered = span if order is WordOrder.ABCD else span[::-1]
    return tuple((function, address) for address in ordered)
