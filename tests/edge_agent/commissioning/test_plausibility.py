"""What physics says of a poll."""

from collections.abc import Mapping

import pytest

from edge_agent.plausibility import judge, power_factor_of_ten
from tests.edge_agent.commissioning.sites import CUT, DEAD, LOAD
from wire import profile_files
from wire.quantities import Quantity
from wire.reading import Reason, Unreadable, Value

SDM630 = profile_files.find("eastron_sdm630").profile
PHASES = (1, 2, 3)


def of(values: Mapping[Quantity, Value]) -> dict[Quantity, Value]:
    """The SDM630's quantities among some values."""
    return {q: values.get(q, Unreadable(Reason.NOT_AVAILABLE)) for q in SDM630.quantities}


def scaled(stem: str, factor: float) -> dict[Quantity, float]:
    """A melt whose quantities of one kind come in another unit."""
    return {q: v * factor if q.value.startswith(stem) else v for q, v in LOAD.items()}


def test_a_right_map_of_a_melt_has_no_complaint() -> None:
    """Values that fit one another score high and are not called impossible."""
    verdict = judge(of(LOAD), SDM630)

    assert not verdict.is_impossible
    assert verdict.score > 0.85


@pytest.mark.parametrize("values", [CUT, DEAD], ids=["cut_downstream", "dead_feeder"])
def test_true_zeros_break_nothing(values: Mapping[Quantity, Value]) -> None:
    """A cut or a dead feeder is no complaint, and counts for less than a melt that fits."""
    verdict = judge(of(values), SDM630)

    assert not verdict.is_impossible
    assert verdict.score < judge(of(LOAD), SDM630).score
    assert verdict.is_dead == (values is DEAD)


@pytest.mark.parametrize(
    ("stem", "factor", "words"),
    [
        ("active_power", 0.001, "P is 1000 times too small for U, I and PF"),
        ("active_power", 0.1, "P is 10 times too small for U, I and PF"),
        ("active_power", 10.0, "P is 10 times too big for U, I and PF"),
        ("active_power", 1000.0, "P is 1000 times too big for U, I and PF"),
        ("current", 1000.0, "P is 1000 times too small for U, I and PF"),
        ("active_power", 0.5, "P does not fit U, I and PF"),
        ("voltage_l1_v", 0.01, "does not fit"),
        ("frequency", 10.0, "frequency 500.2 Hz is not within 45 to 65 Hz"),
        ("power_factor", 1000.0, "power_factor 900 is not within -1 to 1"),
        ("voltage_l12", 10.0, "times U L-N, 1.732 expected with a neutral"),
        ("active_power_l1_w", -1.0, "P of the phases adds up to"),
    ],
)
def test_a_wrong_scale_is_named(stem: str, factor: float, words: str) -> None:
    """A unit or scale that is wrong breaks physics, and the factor is told."""
    verdict = judge(of(scaled(stem, factor)), SDM630)

    assert verdict.is_impossible
    assert any(words in complaint for complaint in verdict.complaints), verdict.complaints


def test_without_power_factor_power_is_bound_by_ui() -> None:
    """Report g03: 1.38 W with 6 A at 230 V is refused, whether the meter has a power factor or not."""
    values: dict[Quantity, Value] = {
        Quantity.VOLTAGE_L1_V: 230.0,
        Quantity.CURRENT_L1_A: 6.0,
        Quantity.ACTIVE_POWER_W: 1.38,
    }

    assert judge(values, SDM630).is_impossible
    assert judge({**values, Quantity.POWER_FACTOR: 1.0}, SDM630).is_impossible
    assert not judge({**values, Quantity.ACTIVE_POWER_W: 1380.0}, SDM630).is_impossible


def test_refused_registers_lower_the_score_and_break_nothing() -> None:
    """What the meter does not have speaks against a map, but is no impossible value."""
    refused: dict[Quantity, Value] = {
        **of(LOAD),
        **dict.fromkeys(SDM630.quantities[:20], Unreadable(Reason.ILLEGAL_ADDRESS)),
    }

    verdict = judge(refused, SDM630)

    assert not verdict.is_impossible
    assert verdict.score < judge(of(LOAD), SDM630).score
    assert any("refuses 20 registers" in words for words in verdict.complaints)


@pytest.mark.parametrize(
    ("measured", "expected", "factor"),
    [(1380, 1380, 1.0), (1.38, 1380, 0.001), (36000, 3600, 10), (1000, 1290, None), (0, 5, None), (5, 0, None)],
)
def test_powers_of_ten(measured: float, expected: float, factor: float | None) -> None:
    """Only a power of ten is called a scale."""
    assert power_factor_of_ten(measured, expected) == factor
