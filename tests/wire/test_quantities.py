import pytest

from wire.quantities import Quantity, exponent, unit

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
