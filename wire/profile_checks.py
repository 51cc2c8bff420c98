"""What is wrong with a register map that has the right shape: parts that contradict each other, or the card."""

import math
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from wire.limits import REGISTERS_PER_REQUEST_MAX
from wire.map_choices import PartOfWord, RatioAppliedBy, RegisterType, Use
from wire.quality import card_complaints
from wire.quantities import Quantity
from wire.register_map import Factor, Identity, Part, Probe, Profile, Register

_ENERGIES = (Quantity.IMPORT_ENERGY_WH, Quantity.EXPORT_ENERGY_WH)


class Complaint(NamedTuple):
    """One mistake: the key that it stands in, and what to do."""

    place: str
    text: str


def complaints(profile: Profile, written: AbstractSet[str]) -> Iterator[Complaint]:
    """What contradicts itself in a profile.

    Args:
        profile: of the right shape.
        written: the keys that the file gives at its top level.
    """
    yield from _limits(profile)
    yield from _overlaps(profile)
    for index, register in enumerate(profile.registers):
        place = f"registers[{index}]"
        where = f"{place} ({register.quantity.value})"
        yield from (Complaint(place, f"{where}: {text}") for text in _register(register))
    yield from _told(profile)
    if profile.ratio_applied_by is RatioAppliedBy.AGENT and Quantity.CT_RATIO not in profile.quantities:
        text = "ratio_applied_by: agent needs a register for ct_ratio; add it or say meter"
        yield Complaint("ratio_applied_by", text)
    for topic, text in card_complaints(profile, written):
        yield Complaint(f"quality.{topic}" if topic else "quality", text)


def _limits(profile: Profile) -> Iterator[Complaint]:
    longest = profile.registers_per_request_max
    if not 1 <= longest <= REGISTERS_PER_REQUEST_MAX:
        text = f"registers_per_request_max: expected 1 to {REGISTERS_PER_REQUEST_MAX}, got {longest}"
        yield Complaint("registers_per_request_max", text)
    for index, barrier in enumerate(profile.barriers):
        place = f"barriers[{index}]"
        if barrier.last < barrier.first:
            yield Complaint(place, f"{place}: last {barrier.last} is below first {barrier.first}; exchange the two")
        shut = range(barrier.first, barrier.last + 1)
        for register in profile.registers:
            if any(f == barrier.function and set(span) & set(shut) for f, span in register.spans):
                yield Complaint(place, f"{place}: {register.quantity.value} lies within; no request could read it")


def _overlaps(profile: Profile) -> Iterator[Complaint]:
    owner: dict[tuple[int, int], Quantity] = {}
    seen: set[Quantity] = set()
    for index, register in enumerate(profile.registers):
        place = f"registers[{index}]"
        where = f"{place} ({register.quantity.value})"
        if register.quantity in seen:
            yield Complaint(place, f"{where}: quantity given twice; remove one")
        seen.add(register.quantity)
        for function, span in register.spans[: 1 + len(register.plus)]:
            taken = {owner.setdefault((function, a), register.quantity): a for a in reversed(span)}
            for other, address in taken.items():
                if other is not register.quantity:
                    yield Complaint(
                        place,
                        f"{where}: address {address:#06x} overlaps {other.value}; "
                        f"expected distinct addresses for function {function}, correct one of the two",
                    )


def _register(register: Register) -> Iterator[str]:
    numbers: tuple[Register | Part | Factor, ...] = (register, *register.plus, *register.by)
    for number in numbers:
        yield from _number(number)
    if register.invert and register.type is not RegisterType.BIT:
        yield f"invert is for bits; got {register.type.value}; give a word a negative scale"
    for sentinel in register.sentinels:
        if not 0 <= sentinel < 1 << 16 * register.type.words:
            yield f"sentinel {sentinel} never occurs; expected the raw unsigned {register.type.value}"
    if register.low is not None and register.high is not None and register.low > register.high:
        yield f"low {register.low:g} is above high {register.high:g}; no value would be left"
    if register.quantity in _ENERGIES and register.type in (RegisterType.U16, RegisterType.S16):
        yield "one word cannot hold an energy total (it would wrap each 65536 steps); expected u32 or wider"
    if register.coding and not register.quantity.value.startswith("power_factor"):
        yield f"coding {register.coding.value} is for power factors; remove it"
    yield from _factors(register)


def _number(number: Register | Part | Factor) -> Iterator[str]:
    if (number.type is RegisterType.BIT) != (number.function in (1, 2)):
        yield f"functions 1 and 2 read bits, 3 and 4 words; got {number.type.value} with {number.function}"
    if number.span.stop > 0x10000:
        yield "ends beyond address 0xffff"
    if number.scale == 0 or not math.isfinite(number.scale):
        yield f"scale {number.scale:g} would make every value the same; give the manual's factor"


def _factors(register: Register) -> Iterator[str]:
    for factor in register.by:
        if factor.part is not PartOfWord.WORD and factor.type is not RegisterType.U16:
            yield f"by: part {factor.part.value} is a byte of one word; expected u16, got {factor.type.value}"
        if factor.use is Use.SIGN and factor.type is not RegisterType.U16:
            yield f"by: a sign is a bit of one word; expected u16, got {factor.type.value}"
        if factor.use is Use.SIGN and factor.part is not PartOfWord.WORD:
            yield "by: a sign's bit counts within the whole word, 0 to 15; remove part"
        if factor.plus and factor.use is not Use.TEN_TO:
            yield "by: plus is for ten_to; remove it"
        if factor.bit and factor.use is not Use.SIGN:
            yield "by: bit is for sign; remove it"
    if sum(factor.use is Use.SIGN for factor in register.by) > 1:
        yield "by: two signs; keep one"


def _told(profile: Profile) -> Iterator[Complaint]:
    """What is wrong with probes and identity."""
    facts = [item.fact for item in profile.identity]
    for index, item in enumerate(profile.identity):
        place = f"identity[{index}]"
        texts = list(_text(item))
        if facts.index(item.fact) != index:
            texts.append("fact given twice; remove one")
        if item.scale <= 0 or not math.isfinite(item.scale) or (item.scale != 1 and not item.type.is_number):
            texts.append(f"scale {item.scale:g}: expected a factor above 0, and for numbers only")
        yield from (Complaint(place, f"{place} ({item.fact.value}): {text}") for text in texts)
    for index, probe in enumerate(profile.probes):
        place = f"probes[{index}]"
        texts = [*_text(probe), *_expected(probe)]
        yield from (Complaint(place, f"{place}: {text}") for text in texts)


def _text(item: Identity | Probe) -> Iterator[str]:
    if item.function in (1, 2):
        yield f"functions 1 and 2 read bits; expected 3 or 4, got {item.function}"
    if item.type.is_number and item.words is not None:
        yield f"words: {item.type.value} fixes them; remove it"
    if not item.type.is_number and item.words is None:
        yield f"words: {item.type.value} needs how many; add it"
    if item.span.stop > 0x10000:
        yield "ends beyond address 0xffff"


def _expected(probe: Probe) -> Iterator[str]:
    wanted = int if probe.type.is_number else str
    if not probe.equals:
        yield "equals: expected at least one value"
    for value in probe.equals:
        if not isinstance(value, wanted):
            yield f"equals: {value!r}: {probe.type.value} is compared with {'numbers' if wanted is int else 'texts'}"
        elif isinstance(value, int) and not 0 <= value < 1 << 16 * len(probe.span):
            yield f"equals: {value} never occurs in {probe.type.value}"
        elif value == "":
            yield "equals: an empty text is the beginning of every text; give the model's"
