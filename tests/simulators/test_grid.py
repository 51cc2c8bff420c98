"""The grid against the measured day of domain.md §2.4 and the ranges of §2.3."""

import numpy as np
import numpy.typing as npt
import pytest

from simulators.grid import frequency_hz, mains, thd_voltage_pct, voltage_v

INCREMENT_SD_MHZ = {1: 1.35, 2: 2.49, 5: 5.02, 10: 7.77, 30: 11.7, 60: 13.8, 300: 21.9}  # §2.4 [calvan]
AUTOCORRELATION = {1: 0.9976, 5: 0.966, 10: 0.920, 30: 0.816, 60: 0.744, 120: 0.626, 300: 0.349}  # §2.4 [calvan]
MEASURED_SD_MHZ = 19.39  # §2.4 [calvan]


@pytest.fixture(scope="module")
def long_run_mhz() -> npt.NDArray[np.float64]:
    """Some 23 days of frequency deviation with the measured day's spread."""
    return 1000 * (frequency_hz(2_000_000, np.random.default_rng(2), sd_mhz=MEASURED_SD_MHZ) - 50)


@pytest.mark.parametrize(("lag_s", "sd_mhz"), INCREMENT_SD_MHZ.items())
def test_increments_as_measured(long_run_mhz: npt.NDArray[np.float64], lag_s: int, sd_mhz: float) -> None:
    """The frequency's change over 1 to 300 s has the measured spread within a tenth."""
    assert np.std(long_run_mhz[lag_s:] - long_run_mhz[:-lag_s]) == pytest.approx(sd_mhz, rel=0.10)


@pytest.mark.parametrize(("lag_s", "correlation"), AUTOCORRELATION.items())
def test_autocorrelation_as_measured(long_run_mhz: npt.NDArray[np.float64], lag_s: int, correlation: float) -> None:
    """The frequency's autocorrelation from 1 to 300 s is the measured one within a tenth."""
    found = np.corrcoef(long_run_mhz[lag_s:], long_run_mhz[:-lag_s])[0, 1]
    assert found == pytest.approx(correlation, rel=0.10)


@pytest.mark.parametrize("sd_mhz", [10.0, MEASURED_SD_MHZ, 25.0])
def test_spread_is_the_parameter(sd_mhz: float) -> None:
    """The spread asked for is the process's, and a short series is not stretched to it."""
    long = frequency_hz(500_000, np.random.default_rng(4), sd_mhz=sd_mhz)
    short = [np.std(frequency_hz(60, np.random.default_rng(seed), sd_mhz=sd_mhz)) for seed in range(20)]
    assert 1000 * np.std(long) == pytest.approx(sd_mhz, rel=0.05)
    assert 1000 * np.max(short) < sd_mhz


def test_speed_moves_the_frequency_faster() -> None:
    """At twice the speed 20 s look like Wuhan's (§2.4: 10-21 mHz), beyond Europe's in 10 s."""
    fast = 1000 * frequency_hz(300_000, np.random.default_rng(5), sd_mhz=23, speed=2)
    slow = 1000 * frequency_hz(300_000, np.random.default_rng(5), sd_mhz=23)
    assert 10 < np.std(fast[20:] - fast[:-20]) < 21
    assert np.std(fast[20:] - fast[:-20]) == pytest.approx(np.std(slow[40:] - slow[:-40]), rel=0.05)


def test_voltages_are_alive_and_alike() -> None:
    """§2.3 [K]: 220-240 V, 1 s noise of sd 0.2-0.8 V, correlation of two phases 0.8-0.95."""
    voltage = voltage_v(20_000, np.random.default_rng(1))
    noise = np.std(np.diff(voltage, axis=0), axis=0) / np.sqrt(2)
    pairs = np.asarray(np.corrcoef(voltage.T))[np.triu_indices(3, 1)]
    assert voltage.shape == (20_000, 3)
    assert ((voltage > 220) & (voltage < 240)).all()
    assert ((noise > 0.2) & (noise < 0.8)).all()
    assert ((pairs > 0.8) & (pairs < 0.95)).all()


def test_background_distortion() -> None:
    """§2.3 [K]: THD-U 1-3 % with sd 0.1-0.3."""
    distortion = thd_voltage_pct(20_000, np.random.default_rng(1))
    spread = np.std(distortion, axis=0)
    assert ((distortion >= 1) & (distortion <= 3)).all()
    assert ((spread > 0.1) & (spread < 0.3)).all()


def test_same_seed_same_grid() -> None:
    """A seed gives one supply, another seed another."""
    one, same, other = (mains(100, np.random.default_rng(seed)) for seed in (7, 7, 8))
    assert one.frequency_hz.tobytes() == same.frequency_hz.tobytes()
    assert one.voltage_v.tobytes() == same.voltage_v.tobytes()
    assert one.frequency_hz.tobytes() != other.frequency_hz.tobytes()
