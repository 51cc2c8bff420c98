"""A meter's register map as data: the schema of firmware_configs/meters/*.yaml, checked when it is loaded."""

import hashlib
import math
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import msgspec
import yaml

from wire import strict_yaml
from wire.errors import ProfileError
from wire.keys import b64url
from wire.limits import REGISTERS_PER_REQUEST_MAX
from wire.quantities import Quantity


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


FunctionCode = Annotated[int, msgspec.Meta(ge=1, le=4)]
Address = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One quantity in the meter's memory.

    Attributes:
        quantity: what it holds.
        function: Modbus function code that reads it (1 to 4).
        address: 0-based address on the wire.
        type: how its words make a number.
        source: domain.md's source key, or the manual that was read.
        scale: physical value in the quantity's unit = raw * scale, before ratios.
        order: word order, where it differs from the profile's.
        group: fast with each poll, slow every few minutes.
        unverified: the fact has no second source.
        sentinels: raw unsigned values that mean "not available".
        low, high: a decoded value outside is out_of_range.
        invert: of a bit: 0 on the wire is 1, as where a closed loop holds an input energised.
    """

    quantity: Quantity
    function: FunctionCode
    address: Address
    type: RegisterType
    source: str
    scale: float = 1.0
    order: WordOrder | None = None
    group: Group = Group.FAST
    unverified: bool = False
    sentinels: tuple[int, ...] = ()
    low: float | None = None
    high: float | None = None
    invert: bool = False

    @property
    def span(self) -> range:
        """The addresses that it takes."""
        return range(self.address, self.address + self.type.words)


class SerialLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The factory setting of the meter's RS-485 port."""

    baud: Annotated[int, msgspec.Meta(ge=300, le=921_600)] = 9600
    parity: Annotated[str, msgspec.Meta(pattern="^[NEO]$")] = "N"
    stopbits: Annotated[int, msgspec.Meta(ge=1, le=2)] = 1
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)] = 1


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A register whose value tells that this is the model."""

    function: FunctionCode
    address: Address
    equals: int
    source: str


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One meter model.

    Attributes:
        name: <vendor>_<model>, as commands name it.
        registers_per_request_max: the meter's own limit, at most Modbus's 125.
        gap_registers_max: unused registers that a request may read across.
        even_spans: the meter refuses odd starts and odd counts.
        power_step_w: the meter's smallest step of active power, primary, at ratio 1.
        starting_current_a: current on the meter's terminals below which it registers 0.
        frequency_resolution_hz: None where the meter has no frequency.
    """

    name: str
    vendor: str
    model: str
    kind: str
    registers: tuple[Register, ...]
    registers_per_request_max: int = REGISTERS_PER_REQUEST_MAX
    gap_registers_max: int = 8
    even_spans: bool = False
    word_order: WordOrder = WordOrder.ABCD
    ratio_applied_by: RatioAppliedBy = RatioAppliedBy.METER
    self_powered: bool = True
    serial_line: SerialLine = SerialLine()
    frequency_resolution_hz: float | None = None
    power_step_w: float | None = None
    starting_current_a: float | None = None
    probe: Probe | None = None
    caveats: tuple[str, ...] = ()

    def order_of(self, register: Register) -> WordOrder:
        """The word order of one register."""
        return register.order or self.word_order

    def register_of(self, quantity: Quantity) -> Register | None:
        """The register that holds a quantity, if the meter has one."""
        return next((r for r in self.registers if r.quantity is quantity), None)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What the meter can tell, in the file's order."""
        return tuple(r.quantity for r in self.registers)


def load(text: str, source: str) -> Profile:
    """The profile in a YAML text.

    Args:
        text: the file's content.
        source: the file's name, for messages.

    Raises:
        ProfileError: not YAML, a key that is unknown, missing or of the wrong type, or registers that contradict
            each other.
    """
    try:
        profile = msgspec.convert(strict_yaml.load(text), Profile)
    except yaml.YAMLError as error:
        raise ProfileError(f"{source}: not YAML: {' '.join(str(error).split())}") from error
    except msgspec.ValidationError as error:
        raise ProfileError(f"{source}: {error}; correct this key") from error
    for complaint in _complaints(profile):
        raise ProfileError(f"{source}: {complaint}")
    return profile


def digest(text: str) -> str:
    """SHA-256 of a profile's text, base64url: travels with each envelope, so that the map in force is known."""
    return b64url(hashlib.sha256(text.encode()).digest())


def _complaints(profile: Profile) -> Iterator[str]:
    if not 1 <= profile.registers_per_request_max <= REGISTERS_PER_REQUEST_MAX:
        yield (
            f"registers_per_request_max: expected 1 to {REGISTERS_PER_REQUEST_MAX}, "
            f"got {profile.registers_per_request_max}"
        )
    owner: dict[tuple[int, int], Quantity] = {}
    seen: set[Quantity] = set()
    for index, register in enumerate(profile.registers):
        where = f"registers[{index}] ({register.quantity.value})"
        yield from _register_complaints(register, where)
        if register.quantity in seen:
            yield f"{where}: quantity given twice; remove one"
        seen.add(register.quantity)
        for address in register.span:
            other = owner.setdefault((register.function, address), register.quantity)
            if other is not register.quantity:
                yield (
                    f"{where}: address {address:#06x} overlaps {other.value}; "
                    f"expected distinct addresses for function {register.function}, correct one of the two"
                )
    if profile.ratio_applied_by is RatioAppliedBy.AGENT and Quantity.CT_RATIO not in seen:
        yield "ratio_applied_by: agent needs a register for ct_ratio; add it or say meter"


def _register_complaints(register: Register, where: str) -> Iterator[str]:
    if (register.type is RegisterType.BIT) != (register.function in (1, 2)):
        yield f"{where}: functions 1 and 2 read bits, 3 and 4 words; got {register.type.value} with {register.function}"
    if register.span.stop > 0x10000:
        yield f"{where}: ends beyond address 0xffff"
    if register.invert and register.type is not RegisterType.BIT:
        yield f"{where}: invert is for bits; got {register.type.value}; give a word a negative scale"
    if register.scale == 0 or not math.isfinite(register.scale):
        yield f"{where}: scale {register.scale:g} would make every value the same; give the manual's factor"
    for sentinel in register.sentinels:
        if not 0 <= sentinel < 1 << 16 * register.type.words:
            yield f"{where}: sentinel {sentinel} never occurs; expected the raw unsigned {register.type.value}"
    if register.quantity is Quantity.IMPORT_ENERGY_WH and register.type in (RegisterType.U16, RegisterType.S16):
        yield f"{where}: one word cannot hold an energy total (it would wrap each 65536 steps); expected u32 or wider"
