"""Quantities that several registers make: exponents, divisors, signs, parts that are added, and coded numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.profile import Profile, load
from wire.quantities import Quantity
from wire.reading import Reason, Unreadable, Value
from wire.registers import Decoder, decode, encode

Q = Quantity
HEAD = "name: own\nvendor: V\nmodel: M\nkind: electricity_meter\nregisters:\n"

PANEL = load(
    HEAD
    + """
  - {quantity: voltage_l1_v, function: 3, address: 0x25, type: u16, source: s, by: [&dpt {function: 3, address: 0x23, type: u16, part: high, use: ten_to, plus: -4, source: s}]}
  - {quantity: current_l1_a, function: 3, address: 0x2B, type: u16, source: s, by: [{function: 3, address: 0x23, type: u16, part: low, use: ten_to, plus: -4, source: s}]}
  - {quantity: active_power_l1_w, function: 3, address: 0x2E, type: u16, source: s, by: [&dpq {function: 3, address: 0x24, type: u16, part: high, use: ten_to, plus: -4, source: s}, {function: 3, address: 0x24, type: u16, use: sign, bit: 0, source: s}]}
  - {quantity: active_power_w, function: 3, address: 0x31, type: u16, source: s, by: [*dpq, {function: 3, address: 0x24, type: u16, use: sign, bit: 3, source: s}]}
""",
    "panel.yaml",
)
RATIO = load(
    HEAD
    + """
  - {quantity: ct_ratio, function: 3, address: 1, type: u32, low: 1, source: s, by: [{function: 3, address: 3, type: u32, use: divide, source: s}]}
  - {quantity: pt_ratio, function: 3, address: 5, type: f32, source: s, by: [{function: 3, address: 7, type: u16, scale: 0.1, use: times, source: s}]}
""",
    "ratio.yaml",
)
SUM = load(
    HEAD
    + """
  - {quantity: import_energy_wh, function: 3, address: 0, type: u32, scale: 1000, source: s, plus: [{function: 3, address: 2, type: f32, scale: 1000, source: s}]}
  - {quantity: export_energy_wh, function: 3, address: 8, type: f64, source: s, plus: [{function: 3, address: 12, type: f64, source: s}]}
  - {quantity: power_factor, function: 3, address: 20, type: f32, coding: four_quadrant_pf, low: -1.01, high: 1.01, source: s}
""",
    "sum.yaml",
)


def _image(words: dict[int, int | Unreadable]) -> dict[tuple[int, int], int | Unreadable]:
    return {(3, address): word for address, word in words.items()}


def test_a_panel_meters_frame() -> None:
    """A captured frame of a panel meter: exponents 3, 3 and 6 give 228.1 V, 184.8 A and 97.2 kW."""
    words: dict[int, int | Unreadable] = {0x23: 0x0303, 0x24: 0x0600, 0x25: 0x08E9, 0x2B: 0x0738, 0x31: 0x03CC}
    told = decode(_image(words), PANEL)
    assert told[Q.VOLTAGE_L1_V] == pytest.approx(228.1)
    assert told[Q.CURRENT_L1_A] == pytest.approx(184.8)
    assert told[Q.ACTIVE_POWER_W] == pytest.approx(97_200.0)


def test_the_sign_is_a_bit_elsewhere() -> None:
    """The magnitude is negative where the quantity's own bit is 1, and only there."""
    words: dict[int, int | Unreadable] = {0x24: 0x0608, 0x2E: 10, 0x31: 10}
    told = decode(_image(words), PANEL)
    assert (told[Q.ACTIVE_POWER_L1_W], told[Q.ACTIVE_POWER_W]) == (1000.0, -1000.0)


GONE: list[tuple[Profile, Quantity, dict[int, int | Unreadable], Reason]] = [
    (PANEL, Q.VOLTAGE_L1_V, {0x25: 2281}, Reason.NOT_ASKED),
    (PANEL, Q.VOLTAGE_L1_V, {0x25: 2281, 0x23: Unreadable(Reason.TIMEOUT)}, Reason.TIMEOUT),
    (PANEL, Q.VOLTAGE_L1_V, {0x25: 2281, 0x23: 0xFF03}, Reason.OUT_OF_RANGE),
    (RATIO, Q.CT_RATIO, {1: 0, 2: 1000, 3: 0, 4: 0}, Reason.RATIO_UNKNOWN),
    (RATIO, Q.PT_RATIO, {5: 0x3F80, 6: 0, 7: 0}, Reason.RATIO_UNKNOWN),
    (SUM, Q.IMPORT_ENERGY_WH, {0: 0, 1: 7, 2: 0x3F00}, Reason.NOT_ASKED),
    (SUM, Q.IMPORT_ENERGY_WH, {0: 0, 1: 7, 2: 0x7FC0, 3: 0}, Reason.NOT_A_NUMBER),
    (SUM, Q.IMPORT_ENERGY_WH, {0: 0, 1: 7, 2: Unreadable(Reason.BUSY), 3: 0}, Reason.BUSY),
    (SUM, Q.POWER_FACTOR, {20: 0x4080, 21: 0}, Reason.OUT_OF_RANGE),
]


@pytest.mark.parametrize(("profile", "quantity", "words", "reason"), GONE)
def test_without_all_its_registers_there_is_no_number(
    profile: Profile, quantity: Quantity, words: dict[int, int | Unreadable], reason: Reason
) -> None:
    """A factor or a part that is missing or impossible makes the quantity unreadable for that reason, never 0."""
    assert decode(_image(words), profile)[quantity] == Unreadable(reason)


def test_a_ratio_is_one_register_divided_by_another() -> None:
    """1000 A and 5 A are a ratio of 200; half a volt times a scaled factor of 30 is 1.5."""
    told = decode(_image({1: 0, 2: 1000, 3: 0, 4: 5, 5: 0x3F00, 6: 0, 7: 30}), RATIO)
    assert told == {Q.CT_RATIO: 200.0, Q.PT_RATIO: 1.5}


def test_parts_are_added() -> None:
    """7 kWh and half a kWh after the point are 7.5 kWh; two tariffs are one energy."""
    words: dict[int, int | Unreadable] = {0: 0, 1: 7, 2: 0x3F00, 3: 0}
    words |= {8: 0x4059, 9: 0, 10: 0, 11: 0, 12: 0x3FF0, 13: 0, 14: 0, 15: 0}
    told = decode(_image(words), SUM)
    assert (told[Q.IMPORT_ENERGY_WH], told[Q.EXPORT_ENERGY_WH]) == (7500.0, 101.0)


@pytest.mark.parametrize(
    ("word", "expected"), [(0x3F40, 0.75), (0x3FA0, 0.75), (0xBFA0, -0.75), (0xBF40, -0.75), (0x3F80, 1.0)]
)
def test_four_quadrants(word: int, expected: float) -> None:
    """A power factor of 1.25 stands for 0.75 leading, -1.25 for -0.75."""
    assert decode(_image({20: word, 21: 0}), SUM)[Q.POWER_FACTOR] == expected


@given(st.floats(0.125, 60_000, width=32), st.floats(-3e6, 3e6, width=32), st.floats(-9e3, 9e3, width=32))
def test_exponents_and_signs_are_chosen_to_fit(volts: float, watts: float, watts_l1: float) -> None:
    """What is written with exponents and sign bits is read again to three digits of the larger of two that share one."""
    values: dict[Quantity, Value] = {Q.VOLTAGE_L1_V: volts, Q.ACTIVE_POWER_W: watts, Q.ACTIVE_POWER_L1_W: watts_l1}
    told = decode(encode(values, PANEL), PANEL)
    assert told[Q.VOLTAGE_L1_V] == pytest.approx(volts, rel=1e-3, abs=1e-4)
    step = max(abs(watts), abs(watts_l1)) / 6000 + 1e-4
    assert told[Q.ACTIVE_POWER_W] == pytest.approx(watts, abs=step)
    assert told[Q.ACTIVE_POWER_L1_W] == pytest.approx(watts_l1, abs=step)


@given(st.integers(1, 30_000), st.integers(1, 30_000), st.floats(0.25, 1e6, width=32))
def test_quotients_are_told_again(primary: int, secondary: int, pt: float) -> None:
    """Any ratio of two whole numbers is written as two registers that give it again."""
    ratio = max(primary, secondary) / min(primary, secondary)
    told = decode(encode({Q.CT_RATIO: ratio, Q.PT_RATIO: pt}, RATIO), RATIO)
    assert told == pytest.approx({Q.CT_RATIO: ratio, Q.PT_RATIO: pt}, rel=1e-6)


@given(st.integers(0, 2**31), st.integers(0, 7))
def test_sums_are_told_again(kwh: int, eighths: int) -> None:
    """An energy is split at the decimal point, and is the same when it is put together."""
    energy = (kwh + eighths / 8) * 1000.0
    image = encode({Q.IMPORT_ENERGY_WH: energy, Q.EXPORT_ENERGY_WH: energy}, SUM)
    told = decode(image, SUM)
    assert (image[3, 0] << 16) + image[3, 1] == kwh
    assert (told[Q.IMPORT_ENERGY_WH], told[Q.EXPORT_ENERGY_WH]) == (energy, energy)


def test_what_is_missing_is_not_written_as_a_number() -> None:
    """A missing quantity leaves its integer registers out; its float registers are NaN."""
    image = encode({}, PANEL) | encode({}, SUM)
    for profile in (PANEL, SUM):
        assert all(isinstance(value, Unreadable) for value in decode(image, profile).values())


def test_a_decoder_of_some_quantities() -> None:
    """A decoder made for some quantities reads those alone."""
    words: dict[int, int | Unreadable] = {0x23: 0x0303, 0x25: 0x08E9}
    assert Decoder(PANEL, [Q.VOLTAGE_L1_V]).decode(_image(words)) == {Q.VOLTAGE_L1_V: pytest.approx(228.1)}
