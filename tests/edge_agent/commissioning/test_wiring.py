"""What values tell of the wiring."""

import math
from collections.abc import Mapping

import pytest

from edge_agent import commission_words as words
from edge_agent import wiring
from tests.edge_agent.commissioning.sites import CUT, DEAD, LOAD, without
from wire.quantities import Quantity
from wire.reading import Value


def at_angles(*degrees: float) -> dict[Quantity, Value]:
    """A load whose currents lie so many degrees behind the voltages that they are paired with."""
    values: dict[Quantity, Value] = dict(LOAD)
    for index, angle in enumerate(degrees, 1):
        values[Quantity(f"active_power_l{index}_w")] = 23000 * math.cos(math.radians(angle))
        values[Quantity(f"reactive_power_l{index}_var")] = 23000 * math.sin(math.radians(angle))
    return values


def codes(values: Mapping[Quantity, Value]) -> dict[str, str]:
    """What was noted, with its level."""
    return {note.code: note.level for note in wiring.check(values)}


LINES = (Quantity.VOLTAGE_L12_V, Quantity.VOLTAGE_L23_V, Quantity.VOLTAGE_L31_V)
PHASES = (Quantity.VOLTAGE_L1_V, Quantity.VOLTAGE_L2_V, Quantity.VOLTAGE_L3_V)


def test_a_right_wiring_has_nothing_wrong() -> None:
    """A melt with all wires right; the phase sequence stays unknown, for the values cannot tell it."""
    found = codes(LOAD)

    assert found == {
        "voltages_there": "right",
        "system_3p4w": "right",
        "sequence_unknown": "unknown",
        "polarity_right": "right",
        "pairing_right": "right",
        "power_fits": "right",
    }


@pytest.mark.parametrize(
    ("values", "code", "level"),
    [
        ({**LOAD, Quantity.VOLTAGE_L2_V: 3.0}, "phase_missing", "wrong"),
        (DEAD, "voltage_dead", "unknown"),
        (without(LOAD, *PHASES), "voltage_unreadable", "unknown"),
        (without(LOAD, *PHASES), "system_3p3w", "right"),
        ({**LOAD, **dict.fromkeys(PHASES, 400.0)}, "system_3p3w_shown_as_phases", "unknown"),
        ({**LOAD, **dict.fromkeys(LINES, 600.0)}, "system_odd", "wrong"),
        (without(LOAD, *LINES), "system_unknown", "unknown"),
        (at_angles(26, 206, 26), "ct_reversed", "wrong"),
        (at_angles(206, 206, 206), "ct_reversed", "wrong"),
        (at_angles(20, 140, -100), "pairing_exchanged", "wrong"),
        (at_angles(-100, 140, 20), "pairing_exchanged", "wrong"),
        (at_angles(146, 146, 146), "pairing_shifted", "wrong"),
        (at_angles(-94, -94, -94), "pairing_shifted", "wrong"),
        (at_angles(10, 70, 30), "pairing_unlike", "unknown"),
        (CUT, "polarity_no_load", "unknown"),
        (CUT, "pairing_unknown", "unknown"),
        (CUT, "power_unknown", "unknown"),
        ({Quantity.ACTIVE_POWER_W: -500.0}, "power_negative", "wrong"),
        ({**LOAD, Quantity.ACTIVE_POWER_W: 62.1}, "power_small", "wrong"),
        ({**LOAD, Quantity.ACTIVE_POWER_W: 621_000.0}, "power_big", "wrong"),
        ({**LOAD, Quantity.ACTIVE_POWER_W: 31_000.0}, "power_odd", "wrong"),
    ],
)
def test_each_fault_of_the_wiring(values: Mapping[Quantity, Value], code: str, level: str) -> None:
    """What is wrong is said to be wrong, what the values cannot tell is said to be unknown."""
    assert codes(values).get(code) == level, codes(values)


def test_exchanged_phases_are_not_called_reversed() -> None:
    """Exchanged CTs make a negative power too; the cause is named, not its shadow."""
    assert "ct_reversed" not in codes(at_angles(20, 140, -100))
    notes = {note.code: note for note in wiring.check(at_angles(20, 140, -100))}
    assert notes["pairing_exchanged"].facts["pair"] == "L2 / L3"


@pytest.mark.parametrize(
    ("clamp_a", "code", "nearest"),
    [
        (100.0, "clamp_fits", None),
        (107.0, "clamp_fits", None),
        (20_000.0, "clamp_ratio_missing", "200"),
        (5_900.0, "clamp_ratio_missing", "60"),
        (0.5, "clamp_ratio_twice", "200"),
        (135.0, "clamp_off", None),
        (0.0, "clamp_zero", None),
    ],
)
def test_clamp_meter(clamp_a: float, code: str, nearest: str | None) -> None:
    """A CT ratio that is missing, or applied twice, is named."""
    note = wiring.clamp(LOAD, 1, clamp_a)

    assert (note.code, note.facts.get("nearest")) == (code, nearest)


def test_an_unreadable_current_is_no_zero() -> None:
    """A clamp meter cannot be compared with what was not read."""
    note = wiring.clamp(without(LOAD, Quantity.CURRENT_L1_A), 1, 100.0)

    assert (note.code, note.level) == ("clamp_unreadable", "unknown")


@pytest.mark.parametrize("code", words.WIRING)
def test_each_code_has_its_words(code: str) -> None:
    """Every note is a sentence in Chinese and in English, with the same facts."""
    zh, en = words.WIRING[code]
    facts = dict.fromkeys(("phase", "volts", "ratio", "watts", "phases", "l1", "l2", "l3", "pair", "should"), "7")
    facts |= dict.fromkeys(("factor", "clamp_a", "meter_a", "nearest", "reason"), "7")
    facts |= dict.fromkeys(("noise", "junk_replies", "other_masters", "last_wrong"), "7")

    assert zh.format(**facts) != en.format(**facts)
    assert any(ord(char) > 0x2E80 for char in zh)
    assert en.isascii() or "·" in en
