"""What a meter or an input can tell: a closed list of names, each with its unit last."""

from enum import StrEnum
from functools import cache

from wire.limits import INTEGER_MAX


class Quantity(StrEnum):
    """A measured quantity; the value is its public name."""

    VOLTAGE_L1_V = "voltage_l1_v"
    VOLTAGE_L2_V = "voltage_l2_v"
    VOLTAGE_L3_V = "voltage_l3_v"
    VOLTAGE_L12_V = "voltage_l12_v"
    VOLTAGE_L23_V = "voltage_l23_v"
    VOLTAGE_L31_V = "voltage_l31_v"
    CURRENT_L1_A = "current_l1_a"
    CURRENT_L2_A = "current_l2_a"
    CURRENT_L3_A = "current_l3_a"
    CURRENT_N_A = "current_n_a"
    ACTIVE_POWER_W = "active_power_w"
    ACTIVE_POWER_L1_W = "active_power_l1_w"
    ACTIVE_POWER_L2_W = "active_power_l2_w"
    ACTIVE_POWER_L3_W = "active_power_l3_w"
    REACTIVE_POWER_VAR = "reactive_power_var"
    REACTIVE_POWER_L1_VAR = "reactive_power_l1_var"
    REACTIVE_POWER_L2_VAR = "reactive_power_l2_var"
    REACTIVE_POWER_L3_VAR = "reactive_power_l3_var"
    APPARENT_POWER_VA = "apparent_power_va"
    APPARENT_POWER_L1_VA = "apparent_power_l1_va"
    APPARENT_POWER_L2_VA = "apparent_power_l2_va"
    APPARENT_POWER_L3_VA = "apparent_power_l3_va"
    POWER_FACTOR = "power_factor"
    POWER_FACTOR_L1 = "power_factor_l1"
    POWER_FACTOR_L2 = "power_factor_l2"
    POWER_FACTOR_L3 = "power_factor_l3"
    FREQUENCY_HZ = "frequency_hz"
    IMPORT_ENERGY_WH = "import_energy_wh"
    EXPORT_ENERGY_WH = "export_energy_wh"
    THD_CURRENT_L1_PCT = "thd_current_l1_pct"
    THD_CURRENT_L2_PCT = "thd_current_l2_pct"
    THD_CURRENT_L3_PCT = "thd_current_l3_pct"
    THD_VOLTAGE_L1_PCT = "thd_voltage_l1_pct"
    THD_VOLTAGE_L2_PCT = "thd_voltage_l2_pct"
    THD_VOLTAGE_L3_PCT = "thd_voltage_l3_pct"
    WATER_FLOW_M3_H = "water_flow_m3_h"
    WATER_TEMP_IN_C = "water_temp_in_c"
    WATER_TEMP_OUT_C = "water_temp_out_c"
    SEAL_LOOP_OHM = "seal_loop_ohm"
    CONTACT_OPEN = "contact_open"
    CONTACT_COUNT = "contact_count"
    DEVICE_SERIAL = "device_serial"
    CT_RATIO = "ct_ratio"
    PT_RATIO = "pt_ratio"


_UNITS = {
    "v": ("V", -2), "a": ("A", -3), "w": ("W", -1), "var": ("var", -1), "va": ("VA", -1), "wh": ("Wh", -3),
    "hz": ("Hz", -3), "pct": ("%", -2), "h": ("m³/h", -3), "c": ("°C", -2), "ohm": ("Ω", -1),
}  # fmt: skip

_UNITLESS = {"contact_open": 0, "contact_count": 0, "device_serial": 0, "ct_ratio": -3, "pt_ratio": -3}


def unit(quantity: Quantity) -> str:
    """The unit as people read it; empty for ratios, counts and states."""
    return _UNITS.get(quantity.value.rsplit("_", 1)[-1], ("", 0))[0] if quantity.value not in _UNITLESS else ""


def shown(quantity: Quantity, value: float) -> str:
    """A value with its unit as people read it: in the steps in which it travels, never as a power of ten."""
    digits = f"{value:.{-exponent(quantity)}f}"
    figure = digits.rstrip("0").rstrip(".") if "." in digits else digits
    return f"{'0' if figure == '-0' else figure} {unit(quantity)}".rstrip()


def exponent(quantity: Quantity) -> int:
    """The decimal exponent of the integers that carry this quantity on the wire.

    A value v travels as round(v / 10**exponent). An energy of a float register travels in mWh: above 16 kWh that is
    finer than the register's own step, so the register's word can be found again exactly.
    """
    if quantity.value in _UNITLESS:
        return _UNITLESS[quantity.value]
    if quantity.value.startswith("power_factor"):
        return -4
    return _UNITS[quantity.value.rsplit("_", 1)[-1]][1]


@cache
def largest(quantity: Quantity) -> float:
    """The largest value whose integer every reader of an envelope keeps exactly; no meter measures as much."""
    return (INTEGER_MAX - 1) * 10.0 ** exponent(quantity)
