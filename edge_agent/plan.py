"""Which requests read a profile: few, within the meter's limits, and hard to take for one another."""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from wire.profile import Group, Profile, RatioAppliedBy, Register
from wire.quantities import Quantity

BITS_PER_REQUEST_MAX = 2000
RATIOS = (Quantity.CT_RATIO, Quantity.PT_RATIO)


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


class Plan(msgspec.Struct, frozen=True):
    """How one meter is read.

    Attributes:
        fast: requests of each poll.
        slow: requests of each slow poll, besides the fast ones.
        settle: the throw-away request after a reply went missing. No request of the plan has its shape where the
            profile allows that, so once it is answered no older reply can come any more.
        fast_profile: the registers that a fast poll decodes (with the ratios, where the agent applies them).
    """

    fast: tuple[Block, ...]
    slow: tuple[Block, ...]
    settle: Block
    fast_profile: Profile

    def blocks(self, *, slow: bool) -> tuple[Block, ...]:
        """The requests of one poll."""
        return self.fast + self.slow if slow else self.fast


def plan(profile: Profile) -> Plan:
    """The requests that read a profile."""
    fast = [r for r in profile.registers if r.group is Group.FAST]
    read = _cover(fast, profile)
    covered = {(b.function, a) for b in read for a in range(b.address, b.address + b.count)}
    slow = [
        r for r in profile.registers if r.group is Group.SLOW and not all((r.function, a) in covered for a in r.span)
    ]
    blocks = _tell_apart(read + _cover(slow, profile), profile)
    first = {(r.function, a) for r in fast for a in r.span}
    is_fast = [any((b.function, a) in first for a in range(b.address, b.address + b.count)) for b in blocks]
    return Plan(
        fast=tuple(b for b, f in zip(blocks, is_fast, strict=True) if f),
        slow=tuple(b for b, f in zip(blocks, is_fast, strict=True) if not f),
        settle=_settle(blocks, profile),
        fast_profile=msgspec.structs.replace(profile, registers=_decoded_each_poll(profile)),
    )


def _decoded_each_poll(profile: Profile) -> tuple[Register, ...]:
    by_agent = profile.ratio_applied_by is RatioAppliedBy.AGENT
    return tuple(r for r in profile.registers if r.group is Group.FAST or (by_agent and r.quantity in RATIOS))


def _cover(registers: Iterable[Register], profile: Profile) -> list[Block]:
    """Requests that together read every register, a register never in two halves."""
    blocks: list[Block] = []
    for register in sorted(registers, key=lambda r: (r.function, r.address)):
        start, stop = _even(register.span.start, register.span.stop, profile)
        last = blocks[-1] if blocks else None
        if last and last.function == register.function and _may_join(last, start, stop, profile):
            blocks[-1] = Block(last.function, last.address, max(stop, last.address + last.count) - last.address)
        else:
            blocks.append(Block(register.function, start, stop - start))
    return blocks


def _may_join(block: Block, start: int, stop: int, profile: Profile) -> bool:
    longest = BITS_PER_REQUEST_MAX if block.function in (1, 2) else profile.registers_per_request_max
    gap = start - (block.address + block.count)
    return gap <= profile.gap_registers_max and stop - block.address <= longest


def _even(start: int, stop: int, profile: Profile) -> tuple[int, int]:
    return (start // 2 * 2, (stop + 1) // 2 * 2) if profile.even_spans else (start, stop)


def _tell_apart(blocks: Sequence[Block], profile: Profile) -> list[Block]:
    """The blocks with no two of one shape, where cutting one in two allows it."""
    result = list(blocks)
    for block in blocks:
        if Counter(b.shape for b in result)[block.shape] > 1:
            at = result.index(block)
            result[at : at + 1] = _cut(block, result, profile)
    return result


def _cut(block: Block, blocks: Sequence[Block], profile: Profile) -> list[Block]:
    """A block as two of shapes that no other block has; itself where no border between registers gives that."""
    taken = {b.shape for b in blocks}
    for first, second in _halves(block, profile):
        if first.shape != second.shape and first.shape not in taken and second.shape not in taken:
            return [first, second]
    return [block]


def _halves(block: Block, profile: Profile) -> list[tuple[Block, Block]]:
    inside = [
        r
        for r in sorted(profile.registers, key=lambda r: r.address)
        if r.function == block.function and block.address <= r.address < block.address + block.count
    ]
    result = []
    for left, right in itertools.pairwise(inside):
        _, stop = _even(left.address, left.span.stop, profile)
        start, _ = _even(right.address, right.span.stop, profile)
        if stop <= start:
            result.append(
                (
                    Block(block.function, block.address, stop - block.address),
                    Block(block.function, start, block.address + block.count - start),
                )
            )
    return result


def _settle(blocks: Sequence[Block], profile: Profile) -> Block:
    """The start of a block that ends between registers, of a shape that no block has; else the first block itself."""
    taken = {b.shape for b in blocks}
    starts = [first for block in blocks for first, _ in _halves(block, profile)]
    return next((s for s in starts if s.shape not in taken), blocks[0])
