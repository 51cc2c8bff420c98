"""The closed lists of a register map: what a key of firmware_configs/meters/*.yaml may say."""

from enum import StrEnum


class RegisterType(StrEnum):
    """How words make a number."""

    BIT = "bit"
    U16 = "u16"
    S16 = "s16"
    U32 = "u32"
    S32 = "s32"
    U64 = "u64"
    S64 = "s64"
    F32 = "f32"
    F64 = "f64"

    @property
    def words(self) -> int:
        """16-bit words (or, for a bit, bits) that one value takes."""
        return {"bit": 1, "u16": 1, "s16": 1, "u32": 2, "s32": 2, "f32": 2, "u64": 4, "s64": 4, "f64": 4}[self.value]

    @property
    def is_float(self) -> bool:
        """Whether it is a floating-point number."""
        return self in (RegisterType.F32, RegisterType.F64)


class TextType(StrEnum):
    """How words make what a meter tells of itself."""

    U16 = "u16"
    U32 = "u32"
    U64 = "u64"
    ASCII = "ascii"
    """Two characters a word."""
    ASCII_LOW = "ascii_low"
    """One character a word, in its low byte."""
    HEX = "hex"
    """The words as they stand, in hexadecimal digits."""

    @property
    def is_number(self) -> bool:
        """Whether it is a number, whose words the type fixes."""
        return self in (TextType.U16, TextType.U32, TextType.U64)

    def taken(self, words: int | None) -> int:
        """The words that it takes: the type's own, or those that the file gives."""
        return {"u16": 1, "u32": 2, "u64": 4}.get(self.value, words or 1)


class WordOrder(StrEnum):
    """ABCD: most significant word first. CDAB: least significant word first. Bytes in a word are always big-endian."""

    ABCD = "ABCD"
    CDAB = "CDAB"


class Group(StrEnum):
    """How often a register is asked for."""

    FAST = "fast"
    SLOW = "slow"


class RatioAppliedBy(StrEnum):
    """Who turns the meter's secondary values into primary ones."""

    METER = "meter"
    AGENT = "agent"


class Kind(StrEnum):
    """What a profile describes."""

    ELECTRICITY_METER = "electricity_meter"
    WATER_METER = "water_meter"
    DIGITAL_INPUT = "digital_input"
    SEAL_LOOP = "seal_loop"


class Use(StrEnum):
    """What another register's value does to a quantity's."""

    TIMES = "times"
    DIVIDE = "divide"
    TEN_TO = "ten_to"
    SIGN = "sign"


class PartOfWord(StrEnum):
    """Which byte of a word counts."""

    WORD = "word"
    HIGH = "high"
    LOW = "low"


class Coding(StrEnum):
    """A number that is not simply raw * scale."""

    FOUR_QUADRANT_PF = "four_quadrant_pf"
    """Schneider's power factor: above 1 it is 2 - v, below -1 it is -2 - v."""


class Starts(StrEnum):
    """Where a request may begin."""

    ANY = "any"
    REGISTERS = "registers"


class Topic(StrEnum):
    """What a quality card answers for: a closed list."""

    POWER = "power"
    PHASE_POWER = "phase_power"
    VOLTAGE = "voltage"
    CURRENT = "current"
    ENERGY = "energy"
    FREQUENCY = "frequency"
    POWER_FACTOR = "power_factor"
    THD = "thd"
    RATIOS = "ratios"
    IDENTITY = "identity"
    PROBE = "probe"
    SENTINELS = "sentinels"
    LIMITS = "limits"
    TIMING = "timing"
    GOLDEN = "golden"
    TWO_SOURCES = "two_sources"
    TRIED_ON_HARDWARE = "tried_on_hardware"
