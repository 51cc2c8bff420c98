"""The schema of firmware_configs/meters/*.yaml: a meter's register map as data. `wire.profile` reads and checks it."""

from typing import Annotated, Literal

import msgspec

from wire.fingerprint import Fact
from wire.limits import REGISTERS_PER_REQUEST_MAX
from wire.map_choices import (
    Coding,
    Group,
    Kind,
    PartOfWord,
    RatioAppliedBy,
    RegisterType,
    Starts,
    TextType,
    Topic,
    Use,
    WordOrder,
)
from wire.quantities import Quantity

Spans = tuple[tuple[int, range], ...]
"""Function code and addresses, several times."""


FunctionCode = Annotated[int, msgspec.Meta(ge=1, le=4)]
Address = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
Words = Annotated[int, msgspec.Meta(ge=1, le=REGISTERS_PER_REQUEST_MAX)]


class Factor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another register by which a quantity is scaled.

    Attributes:
        function, address, type: where the other register is, and how its words make a number.
        use: times or divide by it, times ten to the power of it, or the sign by one of its bits.
        source: where the fact comes from.
        part: the byte of a one-word register that counts.
        scale: the other value = raw * scale.
        plus: added to it before ten_to.
        bit: which bit is the sign (0 the lowest; 1 is negative).
    """

    function: FunctionCode
    address: Address
    type: RegisterType
    use: Use
    source: str
    part: PartOfWord = PartOfWord.WORD
    scale: float = 1.0
    plus: int = 0
    bit: Annotated[int, msgspec.Meta(ge=0, le=15)] = 0

    @property
    def span(self) -> range:
        """The addresses that it takes."""
        return range(self.address, self.address + self.type.words)


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another register whose value is added, as a second tariff or what comes after the decimal point.

    Attributes:
        function, address, type: where it is, and how its words make a number.
        source: where the fact comes from.
        scale: value in the quantity's unit = raw * scale.
        order: word order, where it differs from the profile's.
    """

    function: FunctionCode
    address: Address
    type: RegisterType
    source: str
    scale: float = 1.0
    order: WordOrder | None = None

    @property
    def span(self) -> range:
        """The addresses that it takes."""
        return range(self.address, self.address + self.type.words)


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
        plus: other registers that are added.
        by: other registers that scale the sum, or give its sign.
        coding: how the number is meant where it is not raw * scale.
        alone: a request for it must ask for nothing else.
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
    plus: tuple[Part, ...] = ()
    by: tuple[Factor, ...] = ()
    coding: Coding | None = None
    alone: bool = False

    @property
    def span(self) -> range:
        """The addresses that its own value takes."""
        return range(self.address, self.address + self.type.words)

    @property
    def spans(self) -> Spans:
        """All that the quantity needs: its own addresses first, then those of `plus` and `by`."""
        plus = tuple((part.function, part.span) for part in self.plus)
        return ((self.function, self.span), *plus, *((factor.function, factor.span) for factor in self.by))


class Identity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that the meter tells of itself.

    Attributes:
        fact: what it is.
        function, address, type: where it is, and how its words are read.
        source: where the fact comes from.
        words: how many, for the texts.
        scale: of a number: told = raw * scale.
        unverified: the fact has no second source.
        alone: a request for it must ask for nothing else.
    """

    fact: Fact
    function: FunctionCode
    address: Address
    type: TextType
    source: str
    words: Words | None = None
    scale: float = 1.0
    unverified: bool = False
    alone: bool = False

    @property
    def span(self) -> range:
        """The addresses that it takes."""
        return range(self.address, self.address + self.type.taken(self.words))


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A register whose value tells that this is the model; it is asked for by a request of its own.

    Attributes:
        function, address, type: where it is, and how its words are read.
        equals: the values (or beginnings of the text) that tell the model; any one of them.
        source: where the fact comes from.
        words: how many, for the texts.
        unverified: the fact has no second source.
    """

    function: FunctionCode
    address: Address
    equals: tuple[int | str, ...]
    source: str
    type: TextType = TextType.U16
    words: Words | None = None
    unverified: bool = False

    @property
    def span(self) -> range:
        """The addresses that it takes."""
        return range(self.address, self.address + self.type.taken(self.words))


class SerialLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The factory setting of the meter's RS-485 port."""

    baud: Annotated[int, msgspec.Meta(ge=300, le=921_600)] = 9600
    parity: Annotated[str, msgspec.Meta(pattern="^[NEO]$")] = "N"
    stopbits: Annotated[int, msgspec.Meta(ge=1, le=2)] = 1
    unit: Annotated[int, msgspec.Meta(ge=1, le=247)] = 1


class Timing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the meter needs: the longest wait for the beginning of a reply, and the rest between two requests."""

    reply_timeout_s: Annotated[float, msgspec.Meta(ge=0.05, le=30)] = 0.4
    pause_s: Annotated[float, msgspec.Meta(ge=0, le=10)] = 0.0


class Barrier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses, both ends included, that no request may read, nor read across."""

    function: FunctionCode
    first: Address
    last: Address


class NotDone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a topic of the card is not done: still to do, or not to be had with this meter. One of the two."""

    todo: str | None = None
    exempt: str | None = None


Answer = Literal["done"] | NotDone
"""What a card says of a topic."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One meter model.

    Attributes:
        name: <vendor>_<model>, as commands name it.
        registers_per_request_max: the meter's own limit, at most Modbus's 125.
        gap_registers_max: unused registers that a request may read across.
        even_spans: the meter refuses odd starts and odd counts.
        starts: `registers` where a request may begin only where a register of this profile begins.
        barriers: addresses that no request may read across.
        timing: what the meter needs between and after requests.
        power_step_w: the meter's smallest step of active power, primary, at ratio 1.
        starting_current_a: current on the meter's terminals below which it registers 0.
        frequency_resolution_hz: None where the meter has no frequency.
        probes: what tells the model; all must hold.
        identity: what the meter tells of itself.
        quality: the card; empty, or an answer to each topic.
    """

    name: str
    vendor: str
    model: str
    kind: Kind
    registers: tuple[Register, ...]
    registers_per_request_max: int = REGISTERS_PER_REQUEST_MAX
    gap_registers_max: int = 8
    even_spans: bool = False
    starts: Starts = Starts.ANY
    barriers: tuple[Barrier, ...] = ()
    word_order: WordOrder = WordOrder.ABCD
    ratio_applied_by: RatioAppliedBy = RatioAppliedBy.METER
    self_powered: bool = True
    serial_line: SerialLine = SerialLine()
    timing: Timing = Timing()
    frequency_resolution_hz: float | None = None
    power_step_w: float | None = None
    starting_current_a: float | None = None
    probes: tuple[Probe, ...] = ()
    identity: tuple[Identity, ...] = ()
    quality: dict[Topic, Answer] = {}
    caveats: tuple[str, ...] = ()

    def order_of(self, register: Register | Part | Factor) -> WordOrder:
        """The word order of one register."""
        return (None if isinstance(register, Factor) else register.order) or self.word_order

    def register_of(self, quantity: Quantity) -> Register | None:
        """The register that holds a quantity, if the meter has one."""
        return next((r for r in self.registers if r.quantity is quantity), None)

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What the meter can tell, in the file's order."""
        return tuple(r.quantity for r in self.registers)
