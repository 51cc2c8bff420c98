"""Which requests read a profile: few, within the meter's limits, and hard to take for one another."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum

import msgspec

from wire.profile import Group, Profile, Register
from wire.quantities import Quantity

BITS_PER_REQUEST_MAX = 2000
RATIOS = (Quantity.CT_RATIO, Quantity.PT_RATIO)


class Turn(IntEnum):
    """When something is asked for."""

    FAST = 0
    """With each poll."""
    IDENTITY = 1
    """At the start, right after each absence and every few minutes: which meter it is and how it is set."""
    SLOW = 2
    """In turn, each minute."""


def turn_of(register: Register) -> Turn:
    """When a register is asked for."""
    if register.group is Group.FAST:
        return Turn.FAST
    return Turn.IDENTITY if register.quantity in (Quantity.DEVICE_SERIAL, *RATIOS) else Turn.SLOW


class Block(msgspec.Struct, frozen=True):
    """One request: consecutive words (functions 3, 4) or bits (functions 1, 2)."""

    function: int
    address: int
    count: int

    @property
    def byte_count(self) -> int:
        """What a good reply says in its byte count."""
        return (self.count + 7) // 8 if self.function in (1, 2) else self.count * 2

    @property
    def shape(self) -> tuple[int, int]:
        """All that a reply tells about its request."""
        return self.function, self.byte_count

    @property
    def key(self) -> str:
        """As Reading.raw names it: FC:ADDRESS in hex."""
        return f"{self.function}:{self.address:x}"

    @property
    def first(self) -> tuple[int, int]:
        """Its first word's place in an image."""
        return self.function, self.address

    @property
    def words(self) -> list[tuple[int, int]]:
        """Its words' places in an image."""
        return [(self.function, self.address + i) for i in range(self.count)]

    def holds(self, word: tuple[int, int]) -> bool:
        """Whether it reads this word."""
        return word[0] == self.function and self.address <= word[1] < self.address + self.count


class Span(msgspec.Struct, frozen=True, order=True):
    """Words that one request must read whole: a register, or a part of one.

    Attributes:
        is_alone: by a request that reads nothing else.
    """

    function: int
    start: int
    stop: int
    is_alone: bool = False

    @property
    def first(self) -> tuple[int, int]:
        """Its first word's place in an image."""
        return self.function, self.start

    @property
    def words(self) -> range:
        """Its addresses."""
        return range(self.start, self.stop)


class Plan(msgspec.Struct, frozen=True):
    """How one meter is read.

    Attributes:
        fast, identity, slow: requests of each turn; a later turn asks nothing that an earlier one reads anyway.
        settle: the throw-away request after a reply went missing: a part of a fast request, or else of another one,
            without unverified registers. No request of the plan has its shape where the profile allows that, or no
            fast one, so once it is answered no older reply can come any more.
        spans: what no request may cut in two.
        together: spans of one quantity each that needs several: they are asked in one poll.
        alone: requests whose words mean something else than the same addresses read within a longer one.
        is_even: the meter takes even starts and counts only.
    """

    fast: tuple[Block, ...]
    identity: tuple[Block, ...]
    slow: tuple[Block, ...]
    settle: Block
    spans: tuple[Span, ...]
    together: tuple[tuple[Span, ...], ...]
    alone: frozenset[Block]
    is_even: bool

    @property
    def every(self) -> tuple[Block, ...]:
        """All requests."""
        return self.fast + self.identity + self.slow


def plan(profile: Profile) -> Plan:
    """The requests that read a profile."""
    limits = _limits(profile)
    groups: list[list[Block]] = []
    spans = [_spans(profile, turn) for turn in Turn]
    every = tuple(sorted(set(itertools.chain.from_iterable(spans))))
    alone = frozenset(_block(s, limits) for s in every if s.is_alone)
    for wanted in spans:
        read = [block for group in groups for block in group if block not in alone]
        missing = [s for s in wanted if s.is_alone or not any(_holds(b, s) for b in read)]
        groups.append(_cover(missing, limits))
    fast, identity, slow = _tell_apart(groups, every, alone, limits)
    return Plan(
        fast=fast,
        identity=identity,
        slow=slow,
        settle=_settle((fast, (*identity, *slow)), every, _unverified(profile), limits),
        spans=every,
        together=tuple(s for r in profile.registers if len(s := spans_of(r)) > 1),
        alone=alone,
        is_even=limits.is_even,
    )


def split(block: Block, made: Plan) -> tuple[Block, Block] | None:
    """A refused request as two, as equal as registers allow, without the words between them; None for a single one."""
    if block in made.alone:
        return None
    limits = _Limits(0, 0, made.is_even, ())
    middle = 2 * block.address + block.count
    return min(
        _halves(block, made.spans, limits),
        key=lambda halves: abs(halves[0].address + halves[0].count + halves[1].address - middle),
        default=None,
    )


class _Limits(msgspec.Struct, frozen=True):
    """What the meter allows in one request."""

    words_max: int
    gap_max: int
    is_even: bool
    barriers: tuple[Span, ...]

    def may_join(self, block: Block, start: int, stop: int) -> bool:
        longest = BITS_PER_REQUEST_MAX if block.function in (1, 2) else self.words_max
        end = block.address + block.count
        is_free = all(b.function != block.function or b.stop <= end or start <= b.start for b in self.barriers)
        return is_free and start - end <= self.gap_max and stop - block.address <= longest

    def even(self, start: int, stop: int) -> tuple[int, int]:
        return (start // 2 * 2, (stop + 1) // 2 * 2) if self.is_even else (start, stop)


def _limits(profile: Profile) -> _Limits:
    barriers = tuple(Span(b.function, b.first, b.last + 1) for b in profile.barriers)
    return _Limits(profile.registers_per_request_max, profile.gap_registers_max, profile.even_spans, barriers)


def spans_of(register: Register) -> tuple[Span, ...]:
    """All that a quantity needs: its own register first."""
    own, *others = register.spans
    return (_span(*own, is_alone=register.alone), *(_span(*other) for other in others))


def _span(function: int, addresses: range, *, is_alone: bool = False) -> Span:
    return Span(function, addresses.start, addresses.stop, is_alone)


def _spans(profile: Profile, turn: Turn) -> list[Span]:
    found = [span for r in profile.registers if turn_of(r) is turn for span in spans_of(r)]
    if turn is Turn.IDENTITY:
        found += [_span(one.function, one.span, is_alone=one.alone) for one in profile.identity]
    return found


def _block(span: Span, limits: _Limits) -> Block:
    start, stop = limits.even(span.start, span.stop)
    return Block(span.function, start, stop - start)


def _cover(spans: Iterable[Span], limits: _Limits) -> list[Block]:
    """The fewest requests that together read every span, none in two halves."""
    wanted = sorted(set(spans))
    blocks: list[Block] = []
    for span in wanted:
        if span.is_alone:
            continue
        start, stop = limits.even(span.start, span.stop)
        last = blocks[-1] if blocks else None
        if last and last.function == span.function and limits.may_join(last, start, stop):
            blocks[-1] = Block(last.function, last.address, max(stop, last.address + last.count) - last.address)
        else:
            blocks.append(Block(span.function, start, stop - start))
    return blocks + [_block(span, limits) for span in wanted if span.is_alone]


def _holds(block: Block, span: Span) -> bool:
    return block.function == span.function and block.address <= span.start and span.stop <= block.address + block.count


def _tell_apart(
    groups: Sequence[Sequence[Block]], spans: Sequence[Span], alone: frozenset[Block], limits: _Limits
) -> tuple[tuple[Block, ...], ...]:
    """The blocks with no two of one shape, where cutting one in two allows it; the rarely asked are cut first."""
    result = [list(group) for group in groups]
    for group in reversed(result):
        for block in [b for b in group if b not in alone]:
            every = list(itertools.chain.from_iterable(result))
            if Counter(b.shape for b in every)[block.shape] > 1:
                at = group.index(block)
                group[at : at + 1] = _cut(block, every, spans, limits)
    return tuple(tuple(group) for group in result)


def _cut(block: Block, blocks: Sequence[Block], spans: Sequence[Span], limits: _Limits) -> list[Block]:
    """A block as two of shapes that no other block has; itself where no border between registers gives that."""
    taken = {b.shape for b in blocks}
    for first, second in _halves(block, spans, limits):
        if first.shape != second.shape and first.shape not in taken and second.shape not in taken:
            return [first, second]
    return [block]


def _halves(block: Block, spans: Sequence[Span], limits: _Limits) -> Iterator[tuple[Block, Block]]:
    """Every way to read what a block reads in two requests."""
    stop = block.address
    for span in spans:
        if span.is_alone or not _holds(block, span):
            continue
        start, end = limits.even(span.start, span.stop)
        if block.address < stop <= start:
            yield (
                Block(block.function, block.address, stop - block.address),
                Block(block.function, start, block.address + block.count - start),
            )
        stop = max(stop, end)


def _unverified(profile: Profile) -> frozenset[tuple[int, int]]:
    """Words that only one source names: a meter that has none may be silent when it is asked for them."""
    spans = [span for r in profile.registers if r.unverified for span in spans_of(r)]
    spans += [_span(one.function, one.span) for one in profile.identity if one.unverified]
    return frozenset((span.function, address) for span in spans for address in span.words)


def _settle(
    groups: Sequence[Sequence[Block]], spans: Sequence[Span], unverified: frozenset[tuple[int, int]], limits: _Limits
) -> Block:
    """A part of a block that begins and ends between registers, of a shape that no block has, or no fast one.

    Args:
        groups: the fast blocks, and the others.
        spans: what no request may cut in two.
        unverified: words that are asked for only where a fast request does so anyway.
        limits: the meter's.
    """
    fast, others = groups
    of_fast, rest = _parts(fast, spans, limits), _parts(others, spans, limits)
    sure = [part for part in (*of_fast, *rest) if unverified.isdisjoint(part.words)]
    for parts in (sure, of_fast):
        for taken in ({b.shape for b in (*fast, *others)}, {b.shape for b in fast}):
            for part in parts:
                if part.shape not in taken:
                    return part
    return (*fast, *others)[0]


def _parts(blocks: Sequence[Block], spans: Sequence[Span], limits: _Limits) -> list[Block]:
    """Every run of neighbouring registers of each block."""
    return [
        part
        for block in blocks
        for first in (block, *(first for first, _ in _halves(block, spans, limits)))
        for part in (first, *(second for _, second in _halves(first, spans, limits)))
    ]
