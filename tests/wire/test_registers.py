"""Register words to quantities and back."""

import itertools
import math
import struct
from collections.abc import Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire import profile_files
from wire.profile import Kind, Profile, RatioAppliedBy, Register, RegisterType, Use, WordOrder
from wire.quantities import Quantity
from wire.reading import Reason, Unreadable, Value
from wire.registers import LEAST, Image, decode, encode
from wire.words import bounds

Q = Quantity
SHIPPED = [profile_files.find(name).profile for name in profile_files.names()]
WORDS = st.integers(0, 0xFFFF)
MISSING = st.builds(Unreadable, st.sampled_from(Reason))

_BITS = {"u16": 16, "s16": 16, "u32": 32, "s32": 32, "u64": 53, "s64": 53}


def _profile(register: Register, *others: Register, by: RatioAppliedBy = RatioAppliedBy.METER) -> Profile:
    return Profile(
        name="test",
        vendor="V",
        model="M",
        kind=Kind.ELECTRICITY_METER,
        registers=(register, *others),
        ratio_applied_by=by,
    )


def _register(kind: str, **more: object) -> Register:
    function = 2 if kind == "bit" else 3
    keys: dict[str, object] = {"quantity": Q.ACTIVE_POWER_W, "function": function, "address": 0x10, "type": kind}
    return msgspec.convert(keys | {"source": "test"} | more, Register)


def _raw_numbers(kind: RegisterType) -> st.SearchStrategy[float]:
    """Numbers that a register of this type can hold exactly (64-bit integers as far as a float is exact)."""
    if kind is RegisterType.BIT:
        return st.sampled_from([0.0, 1.0])
    if kind in (RegisterType.F32, RegisterType.F64):
        every = st.floats(allow_nan=False, allow_infinity=False, width=32 if kind is RegisterType.F32 else 64)
        return every.filter(lambda number: number == 0 or abs(number) >= LEAST)
    bits = _BITS[kind.value]
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind.value[0] == "s" else (0, 2**bits - 1)
    return st.integers(low, high).map(float)


_BY: dict[str, object] = {"function": 3, "address": 0x20, "type": "f32", "source": "test"}


@pytest.mark.parametrize("order", WordOrder)
@pytest.mark.parametrize("kind", RegisterType)
@given(data=st.data())
def test_pair_of_every_type_and_order(kind: RegisterType, order: WordOrder, data: st.DataObject) -> None:
    """Decoding what was encoded gives the number, for every type, word order and sentinel beside it."""
    number = data.draw(_raw_numbers(kind))
    sentinels = data.draw(st.sampled_from([[], [2 ** (16 * kind.words) - 1]]))
    profile = _profile(_register(kind.value, order=order.value, sentinels=sentinels))
    image = encode({Q.ACTIVE_POWER_W: number}, profile)
    is_sentinel = bool(sentinels) and _unsigned(image, profile) in sentinels
    expected: Value = Unreadable(Reason.NOT_AVAILABLE) if is_sentinel else number
    assert decode(image, profile)[Q.ACTIVE_POWER_W] == expected


def _unsigned(image: Mapping[tuple[int, int], int], profile: Profile) -> int:
    """The first register's raw unsigned value, read a second way."""
    register = profile.registers[0]
    words = [image[register.function, address] for address in register.span]
    ordered = words if profile.order_of(register) is WordOrder.ABCD else words[::-1]
    return int.from_bytes(struct.pack(f">{len(ordered)}H", *ordered), "big")


def _told(register: Register, number: int, power: int, divisor: int) -> float:
    """A secondary value that one register of a shipped profile can tell.

    Args:
        register: the quantity's.
        number: 0 to 2**20, the raw number where the register can hold and tell that.
        power: of ten, of registers that have one elsewhere.
        divisor: of registers that have one elsewhere.
    """
    low, high = bounds(register.type)
    raw = float(low + number if number % 2 and low < 0 else min(number, high))
    if register.type.is_float:
        raw = (number - 2**19) / 8
    if register.sentinels and raw % 2 ** (16 * register.type.words) in register.sentinels:
        raw -= 1
    value = raw * register.scale
    for factor in register.by:
        value = abs(value) * (-1 if number % 3 == 0 else 1) if factor.use is Use.SIGN else value
        value = value * 10.0**power if factor.use is Use.TEN_TO else value
        value = value / divisor if factor.use is Use.DIVIDE else value
    low = register.scale if register.low is None else register.low
    middle = low if register.high is None else round((low + register.high) / 2 / register.scale) * register.scale
    is_told = (register.low is None or value >= register.low) and (register.high is None or value <= register.high)
    return value if is_told else middle


@pytest.mark.parametrize("profile", SHIPPED, ids=lambda p: p.name)
@settings(max_examples=20)
@given(
    numbers=st.lists(st.integers(0, 2**20), min_size=1, max_size=7),
    power=st.integers(-3, 3),
    divisor=st.sampled_from([1, 5]),
)
def test_pair_of_every_shipped_profile(profile: Profile, numbers: list[int], power: int, divisor: int) -> None:
    """What a simulated meter of each shipped profile is told, the agent reads, within the register's own step."""
    drawn = itertools.cycle(numbers)
    secondary = {r.quantity: _told(r, next(drawn), power, divisor) for r in profile.registers}
    meter = msgspec.structs.replace(profile, ratio_applied_by=RatioAppliedBy.METER)
    primary = decode(encode(secondary, meter), profile)
    again = decode(encode(primary, profile), profile)
    for register in profile.registers:
        first, second = primary[register.quantity], again[register.quantity]
        assert isinstance(first, float), register.quantity
        assert isinstance(second, float), register.quantity
        step = 0.0 if register.type.is_float else abs(register.scale)
        assert math.isclose(first, second, rel_tol=1e-6, abs_tol=step * 1e-6 + 1e-30), register.quantity
    one = primary if profile.ratio_applied_by is RatioAppliedBy.METER else secondary
    for quantity, value in one.items():
        assert value == pytest.approx(secondary[quantity], rel=1e-6, abs=1e-9), quantity


@pytest.mark.parametrize("profile", SHIPPED, ids=lambda p: p.name)
@settings(max_examples=15)
@given(data=st.data())
def test_a_missing_word_is_never_a_number(profile: Profile, data: st.DataObject) -> None:
    """Whatever else was read: a quantity with one word missing is unreadable with that word's reason, never 0."""
    places = sorted({(f, a) for r in profile.registers for f, span in r.spans for a in span})
    drawn = itertools.cycle(data.draw(st.lists(st.just(0) | WORDS, min_size=1, max_size=9)))
    image: dict[tuple[int, int], int | Unreadable] = {place: next(drawn) for place in places}
    reasons = data.draw(st.dictionaries(st.sampled_from(places), MISSING | st.none(), min_size=1))
    for at, reason in reasons.items():
        if reason is None:
            del image[at]
        else:
            image[at] = reason
    values = decode(image, profile)
    for register in profile.registers:
        needed = [(f, a) for f, span in register.spans for a in span]
        lost = {reasons[at] or Unreadable(Reason.NOT_ASKED) for at in needed if at in reasons}
        if lost:
            told = values[register.quantity]
            assert isinstance(told, Unreadable)
            assert told in lost or told.reason in (Reason.NOT_AVAILABLE, Reason.OUT_OF_RANGE, Reason.RATIO_UNKNOWN)


@pytest.mark.parametrize(
    ("kind", "words", "more", "expected"),
    [
        ("u16", [0xFFFF], {}, 65535.0),
        ("s16", [0xFFFF], {}, -1.0),
        ("s16", [0x8000], {"sentinels": [0x8000]}, Reason.NOT_AVAILABLE),
        ("u32", [0x0001, 0x0000], {}, 65536.0),
        ("u32", [0x0001, 0x0000], {"order": "CDAB"}, 1.0),
        ("s32", [0xFFFF, 0xFFFE], {"scale": 0.1}, -0.2),
        ("u32", [0xFFFF, 0xFFFF], {"sentinels": [0xFFFFFFFF]}, Reason.NOT_AVAILABLE),
        ("u64", [0, 0, 0, 7], {}, 7.0),
        ("s64", [0xFFFF, 0xFFFF, 0xFFFF, 0xFFF9], {}, -7.0),
        ("f32", [0x449A, 0x8000], {}, 1236.0),
        ("f32", [0x8000, 0x449A], {"order": "CDAB"}, 1236.0),
        ("f32", [0x7FC0, 0x0000], {}, Reason.NOT_A_NUMBER),
        ("f32", [0x7F80, 0x0000], {}, Reason.NOT_A_NUMBER),
        ("f32", [0xFF80, 0x0000], {}, Reason.NOT_A_NUMBER),
        ("f32", [0x0000, 0x4366], {}, Reason.NOT_A_NUMBER),
        ("f32", [0x8000, 0x0001], {}, Reason.NOT_A_NUMBER),
        ("f32", [0x007F, 0xFFFF], {}, Reason.NOT_A_NUMBER),
        ("f32", [0x0000, 0x4580], {"scale": 1000.0}, Reason.NOT_A_NUMBER),
        ("f32", [0x2700, 0x0000], {}, 2.0**-49),
        ("f32", [0x0000, 0x0000], {}, 0.0),
        ("f32", [0x8000, 0x0000], {}, 0.0),
        ("f64", [0, 0, 0, 0x406C], {}, Reason.NOT_A_NUMBER),
        ("f64", [0x3FF0, 0, 0, 0], {}, 1.0),
        ("f64", [0x7FEF, 0xFFFF, 0xFFFF, 0xFFFF], {"scale": 10.0}, Reason.NOT_A_NUMBER),
        ("f32", [0x4248, 0x0000], {"low": 40.0, "high": 70.0}, 50.0),
        ("f32", [0x0000, 0x0000], {"low": 40.0, "high": 70.0}, Reason.OUT_OF_RANGE),
        ("u16", [71], {"low": 40.0, "high": 70.0}, Reason.OUT_OF_RANGE),
        ("bit", [1], {}, 1.0),
        ("bit", [0], {}, 0.0),
        ("bit", [1], {"invert": True}, 0.0),
        ("bit", [0], {"invert": True}, 1.0),
    ],
)
def test_decode(kind: str, words: list[int], more: dict[str, object], expected: float | Reason) -> None:
    """Words written out by hand decode to the value, or to the reason why there is none."""
    register = _register(kind, **more)
    image = {(register.function, 0x10 + i): word for i, word in enumerate(words)}
    value = decode(image, _profile(register))[Q.ACTIVE_POWER_W]
    assert value == (Unreadable(expected) if isinstance(expected, Reason) else expected)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"plus": [{"function": 3, "address": 0x20, "type": "f32", "source": "test"}]}, Reason.NOT_A_NUMBER),
        ({"by": [_BY | {"use": "times"}]}, Reason.NOT_A_NUMBER),
        ({"by": [_BY | {"use": "divide"}]}, Reason.NOT_A_NUMBER),
        ({"by": [_BY | {"use": "ten_to"}]}, Reason.NOT_A_NUMBER),
    ],
)
def test_a_part_with_its_words_swapped_is_no_number(more: dict[str, object], expected: Reason) -> None:
    """What is added, or what scales, makes the whole quantity unreadable where it is no number."""
    image = {(3, 0x10): 0x449A, (3, 0x11): 0x8000, (3, 0x20): 0x0000, (3, 0x21): 0x4120}
    assert decode(image, _profile(_register("f32", **more)))[Q.ACTIVE_POWER_W] == Unreadable(expected)


_1234_W_SWAPPED = {(3, 0x10): 0x4000, (3, 0x11): 0x449A}


@pytest.mark.parametrize(
    ("frequency", "more", "is_doubted"),
    [
        ([0x0000, 0x4248], {}, True),  # 50.0 Hz swapped
        ([0xEB85, 0x4247], {}, True),  # 49.98 Hz swapped
        ([0x4248, 0x0000], {}, False),
        ([0x0000, 0x0000], {}, False),  # a dead feeder, the meter has auxiliary power
        ([0x8000, 0x0000], {}, False),
        ([0x7FC0, 0x0000], {}, False),
        ([0x7F80, 0x0000], {}, False),
        ([0x4EB7, 0x1B00], {"sentinels": [0x4EB71B00]}, False),
        ([0x4248, 0x0000], {"order": "CDAB"}, False),  # of another order: says nothing of the power's
        ([], {}, False),
    ],
)
def test_a_frequency_in_the_wrong_order_doubts_every_float(
    frequency: list[int], more: dict[str, object], is_doubted: bool
) -> None:
    """A swapped 1234 W reads 2.004 W: it counts for nothing while the frequency shows that the words are swapped."""
    hz = _register("f32", quantity=Q.FREQUENCY_HZ, address=0x20, low=40.0, high=70.0, **more)
    count = _register("u16", quantity=Q.CONTACT_COUNT, address=0x30)
    image: dict[tuple[int, int], int] = _1234_W_SWAPPED | {(3, 0x20 + i): word for i, word in enumerate(frequency)}
    values = decode(image | {(3, 0x30): 7}, _profile(_register("f32"), hz, count))
    power = values[Q.ACTIVE_POWER_W]
    assert power == (Unreadable(Reason.NOT_A_NUMBER) if is_doubted else pytest.approx(2.004, abs=0.001))
    assert values[Q.CONTACT_COUNT] == 7.0


@pytest.mark.parametrize("hz", [12.5, 39.5, 71.0, 150.2])
def test_a_strange_frequency_blinds_nobody(hz: float) -> None:
    """A generator's or a distorted feeder's frequency is out of range itself; power and voltage count as before."""
    words = struct.unpack(">2H", struct.pack(">f", hz))
    register = _register("f32", quantity=Q.FREQUENCY_HZ, address=0x20, low=40.0, high=70.0)
    image = {(3, 0x10): 0x449A, (3, 0x11): 0x8000, (3, 0x20): words[0], (3, 0x21): words[1]}
    values = decode(image, _profile(_register("f32"), register))
    assert values[Q.ACTIVE_POWER_W] == 1236.0
    assert values[Q.FREQUENCY_HZ] == Unreadable(Reason.OUT_OF_RANGE)


@pytest.mark.parametrize("hz_words", [[0x0000, 0x0000], [0x7FC0, 0x0000], [0x4140, 0x0000], [0x0000, 0x4248]])
def test_a_dead_feeder_keeps_its_true_zeros(hz_words: list[int]) -> None:
    """A power of 0 is what the meter said whatever its frequency is: swapped or not, its words are the same."""
    hz = _register("f32", quantity=Q.FREQUENCY_HZ, address=0x20, low=40.0, high=70.0)
    image = {(3, 0x10): 0, (3, 0x11): 0, (3, 0x20): hz_words[0], (3, 0x21): hz_words[1]}
    assert decode(image, _profile(_register("f32"), hz))[Q.ACTIVE_POWER_W] == 0.0


@pytest.mark.parametrize(
    ("kind", "more", "words"),
    [
        ("f32", {}, [0x7FC0, 0x0000]),
        ("f64", {}, [0x7FF8, 0, 0, 0]),
        ("u32", {"sentinels": [0xFFFFFFFF, 0x7FFFFFFF]}, [0xFFFF, 0xFFFF]),
        ("s16", {"sentinels": [0x8000]}, [0x8000]),
        ("u32", {}, []),
        ("bit", {}, []),
        ("bit", {"invert": True}, []),
    ],
)
@pytest.mark.parametrize("value", [Unreadable(Reason.NOT_AVAILABLE), math.nan, None])
def test_encode_not_available(kind: str, more: dict[str, object], words: list[int], value: Value | None) -> None:
    """A value that the meter does not have is told as sentinel or NaN, or its address does not answer; never as 0."""
    values = {} if value is None else {Q.ACTIVE_POWER_W: value}
    image = encode(values, _profile(_register(kind, **more)))
    assert list(image.values()) == words


def test_an_integer_register_wraps() -> None:
    """A counter of 32 bits goes on after its end as the meter's does."""
    assert encode({Q.IMPORT_ENERGY_WH: 2.0**32 + 5}, _profile(_register("u32", quantity=Q.IMPORT_ENERGY_WH))) == {
        (3, 0x10): 0,
        (3, 0x11): 5,
    }


_SECONDARY = _profile(
    _register("f32", quantity=Q.VOLTAGE_L1_V, address=0),
    _register("f32", quantity=Q.CURRENT_L1_A, address=2),
    _register("f32", quantity=Q.ACTIVE_POWER_W, address=4),
    _register("f32", quantity=Q.IMPORT_ENERGY_WH, address=6),
    _register("f32", quantity=Q.FREQUENCY_HZ, address=8),
    _register("u16", quantity=Q.CT_RATIO, address=10, low=1),
    _register("u16", quantity=Q.PT_RATIO, address=11, scale=0.1),
    by=RatioAppliedBy.AGENT,
)
_TWO = {(3, 2 * i + j): word for i in range(5) for j, word in enumerate((0x4000, 0x0000))}
_MEASURED = (Q.VOLTAGE_L1_V, Q.CURRENT_L1_A, Q.ACTIVE_POWER_W, Q.IMPORT_ENERGY_WH, Q.FREQUENCY_HZ)
_NO_RATIO = Unreadable(Reason.RATIO_UNKNOWN)


@pytest.mark.parametrize(
    ("ratios", "expected"),
    [
        ({(3, 10): 200, (3, 11): 10}, [2.0, 400.0, 400.0, 400.0, 2.0]),
        ({(3, 10): 10, (3, 11): 1000}, [200.0, 20.0, 2000.0, 2000.0, 2.0]),
        ({(3, 11): 10}, [2.0, _NO_RATIO, _NO_RATIO, _NO_RATIO, 2.0]),
        ({(3, 10): 200}, [_NO_RATIO, 400.0, _NO_RATIO, _NO_RATIO, 2.0]),
        ({(3, 10): 0, (3, 11): 10}, [2.0, _NO_RATIO, _NO_RATIO, _NO_RATIO, 2.0]),
        ({(3, 10): Unreadable(Reason.TIMEOUT), (3, 11): 0}, [_NO_RATIO] * 4 + [2.0]),
    ],
)
def test_ratio_of_the_agent(ratios: Image, expected: list[Value]) -> None:
    """Secondary values times CT and PT ratio; without a ratio there is no value, and frequency needs none."""
    values = decode({**_TWO, **ratios}, _SECONDARY)
    assert [values[q] for q in _MEASURED] == expected


def test_ratio_pair() -> None:
    """A simulated meter divides by the ratios that the agent multiplies by."""
    primary: dict[Quantity, Value] = dict(zip(_MEASURED, (230.0, 400.0, 1e5, 3e6, 50.0), strict=True))
    primary |= {Q.CT_RATIO: 200.0, Q.PT_RATIO: 1.0}
    values = decode(encode(primary, _SECONDARY), _SECONDARY)
    assert values == pytest.approx(primary)


def test_no_pt_register_means_no_pt() -> None:
    """A meter without a PT register is connected to the voltage itself."""
    profile = msgspec.structs.replace(_SECONDARY, registers=_SECONDARY.registers[:-1])
    assert decode({**_TWO, (3, 10): 200}, profile)[Q.ACTIVE_POWER_W] == 400.0


@pytest.mark.parametrize("profile", [p for p in SHIPPED if p.kind is Kind.ELECTRICITY_METER], ids=lambda p: p.name)
@pytest.mark.parametrize("value", [1000.0, 62_096.0, 230.0, 4096.0, 2.0])
def test_swapped_words_never_become_zero(profile: Profile, value: float) -> None:
    """A float whose words stand in the wrong order is some other number or no number, never one that rounds to 0."""
    for register in profile.registers:
        if register.type not in (RegisterType.F32, RegisterType.F64):
            continue
        words = struct.pack(">f" if register.type is RegisterType.F32 else ">d", value)
        swapped = [int.from_bytes(words[i : i + 2], "big") for i in range(0, len(words), 2)]
        in_order = swapped[::-1] if profile.order_of(register) is WordOrder.ABCD else swapped
        image = {(register.function, a): w for a, w in zip(register.span, in_order, strict=True)}
        alone = msgspec.structs.replace(
            profile,
            registers=(msgspec.structs.replace(register, by=(), plus=()),),
            ratio_applied_by=RatioAppliedBy.METER,
        )
        told = decode(image, alone)[register.quantity]
        assert isinstance(told, Unreadable) or abs(told) >= LEAST * abs(register.scale)
