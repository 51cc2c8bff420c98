import pytest

from wire.quantities import Quantity, exponent, shown, unit

UNITS = {
    "_v": ("V", -2),
    "_a": ("A", -3),
    "_w": ("W", -1),
    "_var": ("var", -1),
    "_va": ("VA", -1),
    "_wh": ("Wh", -3),
    "_hz": ("Hz", -3),
    "_pct": ("%", -2),
    "_m3_h": ("m³/h", -3),
    "_c": ("°C", -2),
    "_ohm": ("Ω", -1),
}
UNITLESS = {
    "power_factor": -4,
    "power_factor_l1": -4,
    "power_factor_l2": -4,
    "power_factor_l3": -4,
    "contact_open": 0,
    "contact_count": 0,
    "device_serial": 0,
    "ct_ratio": -3,
    "pt_ratio": -3,
}


@pytest.mark.parametrize("quantity", Quantity)
def test_unit_and_exponent(quantity: Quantity) -> None:
    """Each name ends in its unit, and unit and exponent follow from it; the few without a unit are listed."""
    endings = [end for end in UNITS if quantity.value.endswith(end) and quantity.value not in UNITLESS]
    expected = UNITS[max(endings, key=len)] if endings else ("", UNITLESS[quantity.value])
    assert (unit(quantity), exponent(quantity)) == expected


@pytest.mark.parametrize("quantity", Quantity)
def test_member_is_named_as_its_value(quantity: Quantity) -> None:
    """A quantity is found in the source by its public name."""
    assert quantity.name == quantity.value.upper()


def test_public_names() -> None:
    """The names that corpus files and settings use keep their spelling."""
    assert set(Quantity) >= {
        "voltage_l1_v", "current_l1_a", "active_power_w", "active_power_l1_w", "reactive_power_var",
        "apparent_power_va", "power_factor", "frequency_hz", "import_energy_wh", "export_energy_wh",
        "thd_current_l1_pct", "thd_voltage_l1_pct", "current_n_a", "water_flow_m3_h", "water_temp_in_c",
        "water_temp_out_c", "seal_loop_ohm", "contact_open", "contact_count", "device_serial", "ct_ratio", "pt_ratio",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("quantity", "value", "expected"),
    [
        (Quantity.IMPORT_ENERGY_WH, 49_860_000.0, "49860000 Wh"),
        (Quantity.IMPORT_ENERGY_WH, 1.25e12, "1250000000000 Wh"),
        (Quantity.DEVICE_SERIAL, 74_528_613.0, "74528613"),
        (Quantity.VOLTAGE_L1_V, 231.1093, "231.11 V"),
        (Quantity.ACTIVE_POWER_W, -0.04, "0 W"),
        (Quantity.POWER_FACTOR, -0.95, "-0.95"),
        (Quantity.CT_RATIO, 200.0, "200"),
    ],
)
def test_value_is_shown_in_plain_figures(quantity: Quantity, value: float, expected: str) -> None:
    """Nobody has to read a power of ten, and no digit is shown that the wire does not carry."""
    assert shown(quantity, value) == expected
