"""Which requests a profile becomes."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.plan import Block, plan
from wire.profile import Group, Profile, RatioAppliedBy, Register, RegisterType
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
    """The requests of each case, fast and slow."""
    given_profile, fast, slow = CASES[case]
    made = plan(given_profile)
    assert (list(made.fast), list(made.slow)) == (fast, slow)


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
        blocks = made.blocks(slow=True) if one.group is Group.SLOW else made.fast
        assert any(
            b.function == one.function and b.address <= one.span.start and one.span.stop <= b.address + b.count
            for b in blocks
        )
    for block in (*made.fast, *made.slow, made.settle):
        assert block.function == 2 or block.count <= any_profile.registers_per_request_max
        assert not any_profile.even_spans or (block.address % 2, block.count % 2) == (0, 0)


@pytest.mark.parametrize("name", names())
def test_shipped_profiles_settle_with_a_shape_of_its_own(name: str) -> None:
    """A throw-away request cannot be mistaken, except where a profile has one register only."""
    loaded = find(name).profile
    made = plan(loaded)
    shapes = Counter(block.shape for block in made.blocks(slow=True))
    assert shapes[made.settle.shape] == 0 or len(loaded.registers) == 1


def test_ratios_are_decoded_in_each_poll_where_the_agent_applies_them() -> None:
    """A fast poll still decodes CT and PT from the kept words; other slow registers are not decoded then."""
    fast = plan(find("chint_dtsu666").profile).fast_profile
    assert fast.ratio_applied_by is RatioAppliedBy.AGENT
    assert Quantity.CT_RATIO in fast.quantities
    assert Quantity.VOLTAGE_L12_V not in fast.quantities
