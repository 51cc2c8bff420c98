"""Classes of induction furnace as data with their sources; imports nothing but Python, so that help is quick.

Sources are sections of the domain notes on furnaces and their keys: [electroheat], [xmei], [iagar], [yilmaz] were read,
[C] is computed, [K] is engineering knowledge without a second source.
"""

from dataclasses import dataclass
from enum import StrEnum

Range = tuple[float, float]


class FurnaceClass(StrEnum):
    """What the mains meter can tell apart (§1.1): rectifier, coil on the mains, iron-core inductor."""

    MF_CORELESS = "mf_coreless"
    MAINS_CORELESS = "mains_coreless"
    MAINS_CHANNEL = "mains_channel"


@dataclass(frozen=True)
class FurnaceFacts:
    """A class's figures; a range is drawn from once a heat.

    Attributes:
        rated_kw: rated power by nominal tonnes, rising in both.
        energy_kwh_per_t: of one heat without holding, at the meter.
        level: power over rated power in the melt.
        mid_heat_drop: how far the level falls in the middle of the melt.
        charges: times that cold charge is added in a melt.
        test_min, test_level, tap_min, tap_level: testing and slagging, and pouring.
        hold_min, hold_kw_per_t: holding after the heat.
        failed_starts_max: soft starts that do not catch.
        coil_power_factor: at the start and the end of a melt, before compensation; None behind a rectifier.
        thd_current_pct: of the line current under load.
        thd_voltage_added_pct: what it adds to the voltage's distortion at rated power.
    """

    rated_kw: tuple[tuple[float, float], ...]
    energy_kwh_per_t: Range
    level: Range
    mid_heat_drop: Range
    charges: tuple[int, int]
    test_min: Range
    test_level: Range
    tap_min: Range
    tap_level: Range
    hold_min: Range
    hold_kw_per_t: Range
    failed_starts_max: int
    coil_power_factor: Range | None
    thd_current_pct: Range
    thd_voltage_added_pct: Range

    def rated_w(self, tonnes: float) -> float:
        """Rated power of a furnace, between the table's rows in proportion, beyond them by its ends' kW per tonne."""
        (t_low, kw_low), (t_high, kw_high) = self.rated_kw[0], self.rated_kw[-1]
        if tonnes <= t_low:
            return 1000 * kw_low / t_low * tonnes
        for (t0, kw0), (t1, kw1) in zip(self.rated_kw, self.rated_kw[1:], strict=False):
            if tonnes <= t1:
                return 1000 * (kw0 + (kw1 - kw0) * (tonnes - t0) / (t1 - t0))
        return 1000 * kw_high / t_high * tonnes


FACTS = {
    FurnaceClass.MF_CORELESS: FurnaceFacts(
        rated_kw=((0.25, 160), (0.5, 350), (1, 675), (2, 1350), (3, 2025), (5, 3000)),  # §1.2 [K], middle of the range
        energy_kwh_per_t=(620, 680),  # §1.6 steel 600-680 [electroheat]
        level=(0.93, 0.98),  # §1.6 [K]: 85-100 %
        mid_heat_drop=(0.10, 0.20),  # §1.6 [K]: a parallel inverter falls to 60-85 % as the impedance changes
        charges=(4, 7),  # §1.6 [K]: dips of 5-40 % for 10-120 s
        test_min=(5, 10),  # §1.6 [xmei]
        test_level=(0.10, 0.30),  # §1.6 [K]: 10-50 %
        tap_min=(3, 10),  # §1.6 [K]
        tap_level=(0.0, 0.10),  # §1.6 [K]: 0-20 %
        hold_min=(10, 20),
        hold_kw_per_t=(60, 80),  # §1.6 [K]: 60-100 kW at 1 t
        failed_starts_max=3,  # §1.6 [K]: parallel inverters may fail to catch
        coil_power_factor=None,
        thd_current_pct=(23, 30),  # §1.4 [K]: six pulses with choke 22-32; twelve pulses: TWELVE_PULSE below
        thd_voltage_added_pct=(3.5, 6.0),  # §1.4 [K]: 4-10 % on the bus of a running furnace
    ),
    FurnaceClass.MAINS_CORELESS: FurnaceFacts(
        rated_kw=((1, 325), (2, 550), (3, 750), (5, 1300), (12.5, 2250)),  # §1.2 [K], middle of the range
        energy_kwh_per_t=(640, 740),  # §1.6 [C]: steel 600-850
        level=(0.92, 0.98),
        mid_heat_drop=(0.02, 0.06),
        charges=(6, 10),
        test_min=(5, 10),
        test_level=(0.10, 0.30),
        tap_min=(4, 10),
        tap_level=(0.0, 0.10),
        hold_min=(15, 30),
        hold_kw_per_t=(40, 60),  # §1.6 [K]: 30-50 kW/t at 5 t
        failed_starts_max=0,
        coil_power_factor=(0.16, 0.21),  # §1.1 [K]: coil alone 0.1-0.25
        thd_current_pct=(3, 7),  # §1.1: low to moderate [iagar]
        thd_voltage_added_pct=(0.3, 1.0),
    ),
    FurnaceClass.MAINS_CHANNEL: FurnaceFacts(
        rated_kw=((1, 200), (10, 2000)),  # §1.2 [K]: low end of 200-350 kW/t of mains-frequency furnaces
        energy_kwh_per_t=(610, 660),
        level=(0.94, 0.98),  # §1.1: steady
        mid_heat_drop=(0.0, 0.01),
        charges=(2, 4),
        test_min=(5, 10),
        test_level=(0.20, 0.30),
        tap_min=(5, 10),
        tap_level=(0.08, 0.12),  # its channel stays liquid under power
        hold_min=(40, 60),  # §1.1 [K]: mostly holding duty
        hold_kw_per_t=(10, 25),  # §1.6 [K]
        failed_starts_max=0,
        coil_power_factor=(0.62, 0.68),  # §1.1 [K]: 0.5-0.8 before compensation
        thd_current_pct=(2, 4),  # §1.1 [K]: low
        thd_voltage_added_pct=(0.2, 0.6),
    ),
}

TWELVE_PULSE_FROM_T = 3.0
"""§1.2 [K]: two secondaries 30 degrees apart from 3 t on."""

TWELVE_PULSE_THD_CURRENT_PCT: Range = (9.0, 14.0)
"""§1.4 [K]: 8-15 %."""

TWELVE_PULSE_THD_VOLTAGE_ADDED_PCT: Range = (1.5, 2.5)
"""[K]: in the proportion of the currents' distortion."""
