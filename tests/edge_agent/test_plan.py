"""Which requests a profile becomes."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge_agent.plan import Block, plan, split
from wire.fingerprint import Fact
from wire.profile import Group, Identity, Profile, Register, RegisterType, TextType
from wire.profile_files import find, names
from wire.quantities import Quantity

QUANTITIES = list(Quantity)


def register(index: int, function: int, address: int, kind: str, group: str = "fast") -> Register:
    """A register of the index-th quantity."""
    return Register(QUANTITIES[index], function, address, RegisterType(kind), "test", group=Group(group))


def profile(*registers: Register, **changes: object) -> Profile:
    """A profile of these registers."""
    keys = {"name": "p", "vendor": "v", "model": "m", "kind": "electricity_meter", "registers": registers, **changes}
    return Profile(**keys)  # type: ignore[arg-type]  # a test's own words


def f32(*addresses: int, group: str = "fast", first: int = 0) -> tuple[Register, ...]:
    """Two-word registers at these addresses."""
    return tuple(register(first + i, 4, a, "f32", group) for i, a in enumerate(addresses))


CASES = {
    "neighbours are one request": (profile(*f32(0, 2, 4)), [Block(4, 0, 6)], []),
    "a small gap is read across": (profile(*f32(0, 10), gap_registers_max=8), [Block(4, 0, 12)], []),
    "a gap too wide is not": (profile(*f32(0, 2, 13), gap_registers_max=8), [Block(4, 0, 4), Block(4, 13, 2)], []),
    "the meter's longest request": (
        profile(*f32(0, 2, 4, 6, 8), registers_per_request_max=6),
        [Block(4, 0, 6), Block(4, 6, 4)],
        [],
    ),
    "a register is never cut in two": (
        profile(register(0, 3, 0, "u16"), register(1, 3, 1, "u64"), registers_per_request_max=4),
        [Block(3, 0, 1), Block(3, 1, 4)],
        [],
    ),
    "even starts and counts": (
        profile(register(0, 3, 3, "u16"), register(1, 3, 5, "u32"), even_spans=True, gap_registers_max=0),
        [Block(3, 2, 6)],
        [],
    ),
    "functions apart": (
        profile(register(0, 3, 0, "u32"), register(1, 4, 0, "u16")),
        [Block(3, 0, 2), Block(4, 0, 1)],
        [],
    ),
    "bits": (profile(register(0, 2, 0, "bit"), register(1, 2, 3, "bit")), [Block(2, 0, 4)], []),
    "slow apart": (profile(*f32(0), *f32(100, 102, group="slow", first=1)), [Block(4, 0, 2)], [Block(4, 100, 4)]),
    "slow inside a fast request is not asked twice": (
        profile(*f32(0, 4), *f32(2, group="slow", first=2)),
        [Block(4, 0, 6)],
        [],
    ),
    "who it is and how it is set has requests of its own": (
        profile(
            *f32(0),
            Register(Quantity.CT_RATIO, 4, 100, RegisterType.U16, "test", group=Group.SLOW),
            *f32(101, group="slow", first=1),
        ),
        [Block(4, 0, 2)],
        [Block(4, 100, 1), Block(4, 101, 2)],
    ),
    "of equal lengths the rarely asked is cut": (
        profile(*f32(0, 2, 4), *f32(100, 102, 104, group="slow", first=3)),
        [Block(4, 0, 6)],
        [Block(4, 100, 2), Block(4, 102, 4)],
    ),
    "equal lengths are told apart by a cut": (
        profile(*f32(0, 2, 4, 100, 102, 104), gap_registers_max=0),
        [Block(4, 0, 2), Block(4, 2, 4), Block(4, 100, 6)],
        [],
    ),
    "two single registers cannot be told apart": (
        profile(*f32(0, 100), gap_registers_max=0),
        [Block(4, 0, 2), Block(4, 100, 2)],
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_blocks(case: str) -> None:
    """The requests of each case: the fast ones, then those for identity and the slow ones."""
    given_profile, fast, others = CASES[case]
    made = plan(given_profile)
    assert (list(made.fast), list(made.identity + made.slow)) == (fast, others)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Any profile whose registers do not overlap."""
    registers, address = [], {2: 0, 3: 0, 4: 0}
    for index in range(draw(st.integers(1, 20))):
        function = draw(st.sampled_from((2, 3, 4)))
        kind = "bit" if function == 2 else draw(st.sampled_from(("u16", "f32", "u64")))
        at = address[function] + draw(st.integers(0, 12))
        registers.append(register(index, function, at, kind, draw(st.sampled_from(("fast", "slow")))))
        address[function] = registers[-1].span.stop
    return profile(
        *registers,
        even_spans=draw(st.booleans()),
        gap_registers_max=draw(st.integers(0, 10)),
        registers_per_request_max=draw(st.integers(6, 125)),
    )


@given(profiles())
def test_every_register_is_read_whole_within_the_limits(any_profile: Profile) -> None:
    """For any profile: each register lies in one request whole, none is longer or odder than the meter takes."""
    made = plan(any_profile)
    for one in any_profile.registers:
        blocks = made.every if one.group is Group.SLOW else made.fast
        assert any(
            b.function == one.function and b.address <= one.span.start and one.span.stop <= b.address + b.count
            for b in blocks
        )
    for block in (*made.every, made.settle):
        assert block.function == 2 or block.count <= any_profile.registers_per_request_max
        assert not any_profile.even_spans or (block.address % 2, block.count % 2) == (0, 0)


@pytest.mark.parametrize("name", names())
def test_shipped_profiles_settle_with_words_that_are_there(name: str) -> None:
    """A throw-away request asks for nothing unverified that no fast one asks for, and cannot be mistaken for one.

    Four devices of one or two single values have no such request: theirs is the first fast one itself.
    """
    loaded = find(name).profile
    made = plan(loaded)
    facts = {(i.function, a) for i in loaded.identity if i.unverified for a in i.span}
    registers = {(f, a) for r in loaded.registers if r.unverified for f, span in r.spans for a in span}
    of_fast = {word for block in made.fast for word in block.words}
    assert (facts | registers).isdisjoint(set(made.settle.words) - of_fast)
    is_plain = made.settle == made.fast[0]
    assert is_plain == (name in {"advantech_adam6050", "eastron_sdm72", "generic_di", "waveshare_di8"})
    assert is_plain or made.settle.shape not in {block.shape for block in made.fast}


def test_settling_prefers_a_part_of_what_is_read_anyway() -> None:
    """A part of a fast request goes before a slow one, and verified words before others of the same request."""
    part, *_ = f32(0)
    doubtful = Register(QUANTITIES[1], 4, 2, RegisterType.U16, "test", unverified=True)
    more = (register(2, 4, 3, "u64"), register(3, 3, 9, "u64", "slow"))
    assert plan(profile(part, doubtful, *more)).settle == Block(4, 3, 4)
    own = Register(QUANTITIES[0], 4, 0, RegisterType.U16, "test", unverified=True)
    fact = Identity(Fact.FIRMWARE, 3, 0x8000, TextType.U16, "test", unverified=True)
    assert plan(profile(own, identity=(fact,))).settle == Block(4, 0, 1)
    assert plan(profile(own, register(3, 3, 9, "u64", "slow"), identity=(fact,))).settle == Block(3, 9, 4)


@given(profiles())
def test_no_cover_has_fewer_requests(any_profile: Profile) -> None:
    """For any profile the fast requests, before equal ones are cut apart, are as few as any cover's."""
    fast = [r for r in any_profile.registers if r.group is Group.FAST]
    assume(fast)
    wide = profile(*fast, **{k: getattr(any_profile, k) for k in LIMITS})
    assert len(plan(wide).fast) <= sum(_fewest(wide, function) for function in (2, 3, 4)) + _equal_shapes(wide)


LIMITS = ("even_spans", "gap_registers_max", "registers_per_request_max")


def _fewest(one: Profile, function: int) -> int:
    """The length of the shortest cover, by trying every one: best[i] covers the first i registers."""
    spans = sorted((r.span.start, r.span.stop) for r in one.registers if r.function == function)
    longest = 2000 if function == 2 else one.registers_per_request_max
    best = [0] + [len(spans)] * len(spans)
    for last in range(len(spans)):
        for first in range(last + 1):
            starts = [s // 2 * 2 if one.even_spans else s for s, _ in spans[first : last + 1]]
            stops = [(s + 1) // 2 * 2 if one.even_spans else s for _, s in spans[first : last + 1]]
            joined = all(b - a <= one.gap_registers_max for a, b in zip(stops, starts[1:], strict=False))
            if joined and stops[-1] - starts[0] <= longest:
                best[last + 1] = min(best[last + 1], best[first] + 1)
    return best[-1]


def _equal_shapes(one: Profile) -> int:
    """An upper bound of the cuts that equal shapes cost."""
    made = plan(one)
    return len(made.fast) // 2


def test_a_refused_request_is_halved_down_to_its_registers() -> None:
    """Each cut is between registers, near the middle, and leaves out the words between the two; a register stays whole."""
    made = plan(profile(*f32(0, 2, 10, 12), gap_registers_max=8))
    assert made.fast == (Block(4, 0, 14),)
    assert split(Block(4, 0, 14), made) == (Block(4, 0, 4), Block(4, 10, 4))
    assert split(Block(4, 10, 4), made) == (Block(4, 10, 2), Block(4, 12, 2))
    assert split(Block(4, 12, 2), made) is None
