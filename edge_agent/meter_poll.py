"""One meter's polls: asks, asks again what went missing, decodes, and takes no changed identity on one word."""

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

import msgspec

from edge_agent.asking import REFUSALS, SLOW_PERIOD_MS, Asking
from edge_agent.config import Meter
from edge_agent.decoding import Decoding, Kind, first
from edge_agent.modbus import ReadImage
from edge_agent.plan import RATIOS, Block, Turn, spans_of, split, turn_of
from edge_agent.replies import NO_CONNECTION, SILENT, SPOILT
from wire import telling
from wire.clock import Clock
from wire.fingerprint import COUNTERS, UNKNOWN, Fact, Fingerprint, merged, moved, plain
from wire.limits import INTEGER_MAX
from wire.quantities import Quantity, largest
from wire.reading import Reading, Reason, State, Unreadable, Value

WORTH_ASKING_AGAIN = (*SILENT, *SPOILT, Reason.BUSY, Reason.ACKNOWLEDGE)
LATE_PATIENCE = 2
"""Times the time-out for a unit that was heard to answer late."""
DOUBTS_MAX = 3
"""After so many words about itself that the meter did not repeat, it is asked again a minute later only."""

ORDINARY = 1e9
"""What is nearer to 0 can be sent whatever its quantity is."""

_NOT_ASKED, _OUT_OF_RANGE = Unreadable(Reason.NOT_ASKED), Unreadable(Reason.OUT_OF_RANGE)


class RegisterSource(Protocol):
    """What reads registers: a line with real meters.

    Attributes:
        late_units: units whose answers came after the time-out lately.
    """

    late_units: set[int]

    async def poll(
        self, unit: int, blocks: Sequence[Block], settle: Block, timeout_s: float, pause_s: float = 0.0
    ) -> ReadImage:
        """What a unit said to each request, or why not."""
        ...

    def close(self) -> None:
        """Give the line back."""
        ...


class MeterPoll:
    """What one meter is asked, and what must be remembered between two polls.

    Attributes:
        is_there: the meter itself said something in the last poll, if only an exception.
        state: of the last poll.
    """

    def __init__(
        self, meter: Meter, known: Fingerprint = UNKNOWN, spread: float = 0.0, decoding: Decoding | None = None
    ) -> None:
        """A meter that was not asked yet.

        Args:
            meter: as the settings have it.
            known: what an earlier run knew of it.
            spread: its place among its bus-mates, 0 to 1.
            decoding: of its profile, where other meters have it too.
        """
        self.meter = meter
        self.is_there = True
        self.state = State.OK
        self._profile = meter.loaded.profile
        self._decoding = decoding or Decoding(self._profile)
        self._plan = self._decoding.plan
        self._asking = Asking(self._plan, spread)
        self._known = known
        self._full_due_ms = self._doubts = 0
        self._is_full = self._is_confirmed = False
        self._ratio_registers = [r for q in RATIOS if (r := self._profile.register_of(q)) is not None]
        self._missing: dict[Quantity, Value] = {}
        self._ratios: dict[tuple[int, int], int] = {}
        self._asked: list[Block] = []
        self._image: ReadImage = {}
        self._alone: dict[Block, ReadImage] = {}
        self._wall_ms = self._monotonic_ms = 0

    async def read(self, line: RegisterSource, clock: Clock, *, everything: bool = False) -> Reading:
        """One poll, with nothing asked twice.

        Args:
            line: the meter's.
            clock: wall and monotonic time.
            everything: ask for all quantities, whether due or not.
        """
        await self.ask(line, clock, everything=everything)
        return await self.finish(line, clock)

    async def ask(self, line: RegisterSource, clock: Clock, *, everything: bool = False, slow: bool = True) -> None:
        """Ask what is due; finish() has the result.

        Args:
            line: the meter's.
            clock: wall and monotonic time.
            everything: ask for all quantities, whether due or not.
            slow: there is time for a slow request.
        """
        now_ms = clock.monotonic_ms()
        self._asked = self._asking.due(now_ms, everything=everything, slow=slow)
        self._is_full = everything or now_ms >= self._full_due_ms
        self._image, self._alone = {}, {}
        await self._ask(self._asked, line, clock)

    @property
    def is_worth_asking_again(self) -> bool:
        """Whether the poll lacks something that a second try may bring."""
        return bool(self._lost())

    async def ask_again(self, line: RegisterSource, clock: Clock) -> None:
        """Ask once more what the poll lacks."""
        await self._ask(self._lost(), line, clock)

    async def finish(self, line: RegisterSource, clock: Clock) -> Reading:
        """What the poll brought."""
        asked = tuple(self._asked)
        told = await self._identify(line, clock) if self._asking.is_identity and self.state is State.OK else None
        values = self._decode(asked)
        if not self._asking.is_identity:
            for register in self._ratio_registers:
                if turn_of(register) is Turn.IDENTITY:
                    values.pop(register.quantity, None)  # it was not asked in this poll
        raw = {b.key: words for b in asked if (words := self._raw(b))}
        self._learn(told)
        self._missing = (
            {} if self.is_there else {q: v for q, v in values.items() if q in self._decoding.fast_quantities}
        )
        return Reading(self.meter.id, self._wall_ms, self._monotonic_ms, self.state, values, raw, self._word(told))

    def skipped(self, clock: Clock) -> Reading:
        """The reading of a meter that did not answer when it was asked last, and is not asked in this round."""
        return Reading(self.meter.id, clock.wall_ms(), clock.monotonic_ms(), self.state, self._missing, {})

    async def _ask(self, blocks: Sequence[Block], line: RegisterSource, clock: Clock) -> None:
        unit, settle, pause_s = self.meter.unit, self._plan.settle, self._profile.timing.pause_s
        # The line listens for a late answer anyway: in the same time it can be read.
        timeout_s = self.meter.timeout_s * (LATE_PATIENCE if unit in line.late_units else 1)
        joined = [block for block in blocks if block not in self._plan.alone]
        if joined:
            self._image |= await line.poll(unit, joined, settle, timeout_s, pause_s)
        for block in [block for block in blocks if block in self._plan.alone]:
            lost = self._no_answer(joined)
            gone: ReadImage = dict.fromkeys(block.words, lost) if lost else {}
            self._alone[block] = gone or await line.poll(unit, [block], settle, timeout_s, pause_s)
        self._wall_ms, self._monotonic_ms = clock.wall_ms(), clock.monotonic_ms()
        heads = [self._head(block) for block in self._asked]
        self.state, self.is_there = state_of(heads), is_there(heads)

    def _head(self, block: Block) -> int | Unreadable:
        return (self._alone.get(block) or self._image)[block.first]

    def _raw(self, block: Block) -> str:
        """A request's words as they came, in hex; nothing if it was not answered."""
        image = self._alone.get(block, self._image)
        try:
            return struct.pack(f">{block.count}H", *[image[place] for place in self._decoding.words(block)]).hex()
        except struct.error:
            return ""

    def _no_answer(self, blocks: Sequence[Block]) -> Unreadable | None:
        """Why the unit did not answer the last of these requests, if it did not."""
        head = self._head(blocks[-1]) if blocks else 0
        return head if isinstance(head, Unreadable) and head.reason in (*SILENT, *NO_CONNECTION) else None

    def _learn(self, told: Fingerprint | None) -> None:
        if self.is_there:
            heads = {block: self._head(block) for block in self._asked}
            self._asking.heard(heads, self._monotonic_ms)
        else:
            self._asking.away(self._monotonic_ms)
        if told is not None and told.serial is not None:
            self._is_confirmed = True
        if self.state is not State.OK:
            self._is_confirmed = False
            self._asking.ask_identity(0)
            self._ratios = {}  # whoever answers next may be another meter
            self._full_due_ms = 0
            return
        if self._is_full:
            self._full_due_ms = self._monotonic_ms + SLOW_PERIOD_MS
        if self._asking.is_identity:
            self._doubts = 0 if told else self._doubts + 1
            if told is None:
                self._asking.ask_identity(0 if self._doubts < DOUBTS_MAX else self._monotonic_ms + SLOW_PERIOD_MS)

    def _word(self, told: Fingerprint | None) -> Fingerprint | None:
        """What the meter told, with a mark if it answers after an absence and does not say that it is the same one."""
        is_asked = self.state is State.OK and self._asking.is_identity
        if not is_asked or self._is_confirmed or self._known.serial is None:
            return told
        return msgspec.structs.replace(told or UNKNOWN, is_unconfirmed=True)

    async def _identify(self, line: RegisterSource, clock: Clock) -> Fingerprint | None:
        """What the meter tells of itself; what differs from before is taken only if it says so twice."""
        told = self._fingerprint()
        if moved(self._known, told):
            await self._ask([b for b in self._asked if b in self._plan.identity] or self._asked, line, clock)
            if self._fingerprint() != told:
                return None
        self._known = merged(self._known, told)
        keys = [(s.function, a) for r in self._ratio_registers for s in spans_of(r) for a in s.words]
        self._ratios |= {key: word for key in keys if isinstance(word := self._image.get(key), int)}
        return told

    def _decode(self, asked: tuple[Block, ...]) -> dict[Quantity, Value]:
        image, asking = self._image | self._ratios, self._asking
        kind = Kind(asked, asking.fast, self._is_full, asking.is_identity)
        decoder = self._decoding.decoder(kind)
        remembered = asking.remembered(asked)
        values = decoder.decode({**image, **remembered} if remembered else image)
        for block, words in self._alone.items():
            own = decoder.decode(words | self._ratios)
            alone = (r for r in self._profile.registers if r.alone and block.holds(first(r)))
            values |= {r.quantity: own[r.quantity] for r in alone if r.quantity in own}
        wild = [q for q, v in values.items() if isinstance(v, float) and abs(v) > ORDINARY and abs(v) > largest(q)]
        return values | dict.fromkeys(wild, _OUT_OF_RANGE) if wild else values

    def _fingerprint(self) -> Fingerprint:
        """What this poll tells of the meter itself."""
        asked = tuple(self._asked)
        values, told = self._decode(asked), telling.identity(self._image, self._profile)
        for words in self._alone.values():
            told |= {f: t for f, t in telling.identity(words, self._profile).items() if t != _NOT_ASKED}
        facts = {fact: text for fact, text in told.items() if not isinstance(text, Unreadable)}
        text = {fact: str(told) for fact, told in facts.items()}
        serial = values.get(Quantity.DEVICE_SERIAL)
        return plain(
            Fingerprint(
                refused=tuple(sorted({*self._refused_facts(told, serial)} - text.keys())),
                serial=f"{serial:.0f}" if isinstance(serial, float) else text.get(Fact.SERIAL),
                model=text.get(Fact.MODEL),
                firmware=text.get(Fact.FIRMWARE),
                hardware=text.get(Fact.HARDWARE),
                wiring=text.get(Fact.WIRING),
                ct=_thousandths(values.get(Quantity.CT_RATIO)),
                pt=_thousandths(values.get(Quantity.PT_RATIO)),
                counts={f.value: n for f in COUNTERS if f in facts and (n := int(facts[f])) <= INTEGER_MAX},
            )
        )

    def _refused_facts(self, told: Mapping[Fact, object], serial: Value | None) -> Iterator[str]:
        """The facts known before which the meter refuses for good, or gives a blank for; not its counters."""
        places = [(i.fact, told.get(i.fact), (i.function, i.address)) for i in self._profile.identity]
        register = self._profile.register_of(Quantity.DEVICE_SERIAL)
        if register is not None:
            places.append((Fact.SERIAL, serial, first(register)))
        for fact, answer, place in places:
            is_known = fact not in COUNTERS and getattr(self._known, fact.value) is not None
            if is_known and isinstance(answer, Unreadable) and self._is_refused(answer.reason, place):
                yield fact.value

    def _is_refused(self, reason: Reason, place: tuple[int, int]) -> bool:
        """Whether the register itself is refused: a longer request may be so because of its neighbours."""
        if reason in (Reason.NOT_AVAILABLE, Reason.ILLEGAL_FUNCTION):
            return True
        asked = [block for block in self._asked if block.holds(place)]
        return reason in REFUSALS and any(split(block, self._plan) is None for block in asked)

    def _lost(self) -> list[Block]:
        heads = ((block, self._head(block)) for block in self._asked)
        return [b for b, head in heads if isinstance(head, Unreadable) and head.reason in WORTH_ASKING_AGAIN]


def _thousandths(value: Value | None) -> int | None:
    return round(value * 1000) if isinstance(value, float) else None


def state_of(heads: Iterable[int | Unreadable]) -> State:
    """The state of a meter that gave this to its requests: OK as soon as one was answered."""
    reasons = set()
    for head in heads:
        if isinstance(head, int):
            return State.OK
        reasons.add(head.reason)
    if reasons & {*NO_CONNECTION}:
        return State.DISCONNECTED
    return State.TIMEOUT if reasons & {*SILENT} else State.FAILED


def is_there(heads: Iterable[int | Unreadable]) -> bool:
    """Whether the meter itself said something."""
    silent = (*NO_CONNECTION, *SILENT, *SPOILT)
    return any(isinstance(head, int) or head.reason not in silent for head in heads)
