"""Whether what a register map makes of a meter's words can be true: physics, not names.

Each check is right, wrong or cannot tell. A dead feeder's zeros break no rule and prove nothing, so they weigh nothing.
"""

import math
from collections.abc import Callable, Iterator, Mapping

import msgspec

from wire.profile import Kind, Profile
from wire.quantities import Quantity, shown, unit
from wire.reading import Reason, Unreadable, Value

Values = Mapping[Quantity, Value]

PRIOR = 2.0
"""Weight of not knowing: few checks that hold make no sure map."""
LOAD_MIN_W = 20.0
"""Below, a class 1 meter's own error and its steps hide any factor."""
TOLERANCE = 0.12
_PHASES = (1, 2, 3)
_FACTORS = (10, 100, 1000, 10_000, 100_000, 1_000_000)
_SQRT3 = math.sqrt(3)
_TINY = 1e-6
"""No register counts so little: words of something else, read as a float."""
_VOLTS = ((40, 75), (90, 140), (170, 300), (320, 480), (520, 800), (2_500, 45_000))
"""L-N and L-L of 100 V, 230 V, 400 V and 690 V systems, and primary values of medium voltage."""


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at.

    Attributes:
        is_right: whether it holds.
        weight: what it counts.
        words: what was found.
        breaks_physics: values were read and cannot be true.
    """

    is_right: bool
    weight: float
    words: str
    breaks_physics: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """What the checks say together.

    Attributes:
        score: 0 to 1; no probability, but a measure of how much was looked at and held.
        checks: all of them.
        is_dead: voltages are all 0, so that no power can be judged.
    """

    score: float
    checks: tuple[Check, ...]
    is_dead: bool

    @property
    def complaints(self) -> tuple[str, ...]:
        """What does not hold."""
        return tuple(check.words for check in self.checks if not check.is_right)

    @property
    def is_impossible(self) -> bool:
        """Whether values break physics, as with a wrong scale; what was merely not read does not."""
        return any(check.breaks_physics for check in self.checks)


def judge(values: Values, profile: Profile) -> Verdict:
    """Look at one complete poll.

    Args:
        values: primary values, or why there are none.
        profile: the map that made them.
    """
    checks = list(_readable(values, profile))
    if profile.kind is Kind.ELECTRICITY_METER:
        for look in (_voltages, _frequency, _currents, _power_factors, _energies, _powers, _sums, _line_voltages):
            checks += look(values)
    elif profile.kind is Kind.WATER_METER:
        checks += _water(values)
    right = sum(check.weight for check in checks if check.is_right)
    wrong = sum(check.weight for check in checks if not check.is_right)
    return Verdict(right / (right + wrong + PRIOR), tuple(checks), _is_dead(values))


def power_factor_of_ten(measured: float, expected: float) -> float | None:
    """How many times too big a value is if that is a power of ten (below 1: too small); None for other ratios.

    1.0 is returned where both agree within TOLERANCE.
    """
    if not expected or not measured:
        return None
    ratio = abs(measured / expected)
    for factor in (1.0, *_FACTORS, *(1 / f for f in _FACTORS)):
        if abs(ratio / factor - 1) <= TOLERANCE:
            return factor
    return None


def number(values: Values, quantity: Quantity) -> float | None:
    """A value that was read, or None."""
    value = values.get(quantity)
    return None if value is None or isinstance(value, Unreadable) else value


def phase(values: Values, stem: str, index: int, unit_name: str) -> float | None:
    """A phase's value that was read, or None."""
    return number(values, Quantity(f"{stem}_l{index}{unit_name}"))


def apparent_w(values: Values) -> float | None:
    """The sum of U·I over the phases whose U and I were read; None where a phase lacks one of them."""
    total = 0.0
    seen = 0
    for index in _PHASES:
        u, i = phase(values, "voltage", index, "_v"), phase(values, "current", index, "_a")
        if (u is None) != (i is None):
            return None
        if u is not None and i is not None:
            total, seen = total + abs(u * i), seen + 1
    return total if seen else None


def _right(weight: float, words: str) -> Check:
    return Check(is_right=True, weight=weight, words=words)


def _wrong(weight: float, words: str) -> Check:
    return Check(is_right=False, weight=weight, words=words, breaks_physics=True)


def _lacking(weight: float, words: str) -> Check:
    return Check(is_right=False, weight=weight, words=words)


def _either(weight: float, words: str, *, is_right: bool) -> Check:
    return Check(is_right=is_right, weight=weight, words=words, breaks_physics=not is_right)


def _readable(values: Values, profile: Profile) -> Iterator[Check]:
    refused = (Reason.ILLEGAL_ADDRESS, Reason.ILLEGAL_FUNCTION, Reason.ILLEGAL_VALUE)
    asked = {q: v for q, v in values.items() if not (isinstance(v, Unreadable) and v.reason is Reason.NOT_ASKED)}
    read = [q for q, v in asked.items() if not isinstance(v, Unreadable)]
    no = [q for q, v in asked.items() if isinstance(v, Unreadable) and v.reason in refused]
    wild = [q for q, v in asked.items() if isinstance(v, Unreadable) and v.reason is Reason.OUT_OF_RANGE]
    known = (*refused, Reason.OUT_OF_RANGE)
    other = {v.reason.value for v in asked.values() if isinstance(v, Unreadable) and v.reason not in known}
    if read:
        yield _right(2 * len(read) / len(profile.registers), f"{len(read)} of {len(profile.registers)} quantities read")
    if no:
        some = ", ".join(no[:4])
        yield _lacking(6 * len(no) / len(profile.registers), f"the meter refuses {len(no)} registers: {some}")
    for quantity in wild:
        yield _wrong(1, f"{quantity} is outside of what this model can tell")
    if other:
        count = len(asked) - len(read) - len(no) - len(wild)
        yield _lacking(3 * count / len(profile.registers), f"{count} quantities unreadable: {', '.join(sorted(other))}")


def _all(values: Values, stem: str, unit_name: str) -> list[tuple[Quantity, float]]:
    every = [Quantity(f"{stem}_l{i}{unit_name}") for i in _PHASES]
    return [(q, v) for q in every if (v := number(values, q)) is not None]


def _is_dead(values: Values) -> bool:
    volts = _all(values, "voltage", "_v")
    return bool(volts) and all(v == 0 for _, v in volts)


def _voltages(values: Values) -> Iterator[Check]:
    read = _all(values, "voltage", "_v")
    live = [v for _, v in read if v >= _VOLTS[0][0]]
    for quantity, value in read:
        if value == 0:
            continue
        is_right = any(low <= value <= high for low, high in _VOLTS) or (bool(live) and 1e-2 < value < max(live))
        yield _either(
            1, f"{quantity} {value:.4g} V {'is' if is_right else 'is not'} a supply's voltage", is_right=is_right
        )


def _frequency(values: Values) -> Iterator[Check]:
    value = number(values, Quantity.FREQUENCY_HZ)
    if value is None or (value == 0 and _is_dead(values)):
        return
    is_right = 45 <= value <= 65
    yield _either(2, f"frequency {value:.5g} Hz {'is' if is_right else 'is not'} within 45 to 65 Hz", is_right=is_right)


def _currents(values: Values) -> Iterator[Check]:
    for quantity, value in _all(values, "current", "_a"):
        if value == 0:
            continue
        is_right = 1e-4 <= abs(value) <= 50_000
        yield _either(0.5, f"{quantity} {value:.4g} A is {'possible' if is_right else 'impossible'}", is_right=is_right)


def _power_factors(values: Values) -> Iterator[Check]:
    every = [("power_factor", number(values, Quantity.POWER_FACTOR))]
    every += [(f"power_factor_l{i}", phase(values, "power_factor", i, "")) for i in _PHASES]
    for name, value in every:
        if value is None or value in (0, 1):
            continue
        is_right = _TINY < abs(value) <= 1.01
        yield _either(0.5, f"{name} {value:.3g} {'is' if is_right else 'is not'} within -1 to 1", is_right=is_right)


def _energies(values: Values) -> Iterator[Check]:
    for quantity in (Quantity.IMPORT_ENERGY_WH, Quantity.EXPORT_ENERGY_WH):
        value = number(values, quantity)
        if value is None or value == 0:
            continue
        is_right = 1e-3 < value < 1e13
        yield _either(
            0.5, f"{quantity} {shown(quantity, value)} is {'possible' if is_right else 'impossible'}", is_right=is_right
        )


def _powers(values: Values) -> Iterator[Check]:
    """P and S against U and I: the check that finds kW read as W."""
    ui = apparent_w(values)
    pairs: list[tuple[str, float | None, float | None, str]] = []
    factor = number(values, Quantity.POWER_FACTOR)
    expected = None if ui is None or factor is None else ui * abs(factor)
    pairs.append(("P", number(values, Quantity.ACTIVE_POWER_W), expected, "U, I and PF"))
    pairs.append(("S", number(values, Quantity.APPARENT_POWER_VA), ui, "U and I"))
    for index in _PHASES:
        u, i = phase(values, "voltage", index, "_v"), phase(values, "current", index, "_a")
        pf = phase(values, "power_factor", index, "")
        if u is not None and i is not None and pf is not None:
            pairs.append((f"P L{index}", phase(values, "active_power", index, "_w"), abs(u * i * pf), "U, I and PF"))
    for name, measured, should, by in pairs:
        if measured is not None and should is not None:
            yield from _against(name, measured, should, by)
    power = number(values, Quantity.ACTIVE_POWER_W)
    if factor is None and power is not None and ui is not None and ui > LOAD_MIN_W:
        yield from _below(power, ui)


def _against(name: str, measured: float, should: float, by: str) -> Iterator[Check]:
    if max(abs(measured), should) < LOAD_MIN_W:
        return
    factor = power_factor_of_ten(measured, should)
    told = f"{name} {measured:.4g}, {by} make {should:.4g}"
    if factor == 1.0:
        yield _right(3, f"{name} fits {by}: {told}")
    elif factor is not None:
        size = f"{factor:g} times too big" if factor > 1 else f"{1 / factor:g} times too small"
        yield _wrong(6, f"{name} is {size} for {by}: {told}; a unit or scale is wrong (kW read as W?)")
    else:
        yield _wrong(3, f"{name} does not fit {by}: {told}")


def _below(power: float, ui: float) -> Iterator[Check]:
    """Without a power factor: P is at most U·I, and rarely less than a thousandth of it."""
    if abs(power) > ui * (1 + TOLERANCE):
        yield _wrong(4, f"P {power:.4g} W is more than U·I {ui:.4g} VA: a unit or scale is wrong")
    elif ui > 10 * LOAD_MIN_W and 0 < abs(power) < ui / 200:
        yield _wrong(4, f"P {power:.4g} W is {ui / abs(power):.0f} times less than U·I {ui:.4g} VA (kW read as W?)")
    elif power:
        yield _right(2, f"P {power:.4g} W is at most U·I {ui:.4g} VA")


def _sums(values: Values) -> Iterator[Check]:
    parts = [phase(values, "active_power", i, "_w") for i in _PHASES]
    total = number(values, Quantity.ACTIVE_POWER_W)
    known = [p for p in parts if p is not None]
    if total is None or len(known) < len(_PHASES) or max(map(abs, [total, *known])) < LOAD_MIN_W:
        return
    is_right = abs(sum(known) - total) <= TOLERANCE * max(map(abs, [total, *known]))
    yield _either(2, f"P of the phases adds up to {sum(known):.4g} W, total P is {total:.4g} W", is_right=is_right)


def _line_voltages(values: Values) -> Iterator[Check]:
    lines = [number(values, q) for q in (Quantity.VOLTAGE_L12_V, Quantity.VOLTAGE_L23_V, Quantity.VOLTAGE_L31_V)]
    phases = [phase(values, "voltage", i, "_v") for i in _PHASES]
    between, alone = [v for v in lines if v], [v for v in phases if v]
    if len(between) < len(_PHASES) or len(alone) < len(_PHASES):
        return
    ratio = sum(between) / sum(alone)
    is_right = abs(ratio / _SQRT3 - 1) <= 0.05
    yield _either(1, f"U L-L is {ratio:.3f} times U L-N, {_SQRT3:.3f} expected with a neutral", is_right=is_right)


_WATER: Mapping[Quantity, Callable[[float], bool]] = {
    Quantity.WATER_FLOW_M3_H: lambda v: _TINY < abs(v) < 1e5,
    Quantity.WATER_TEMP_IN_C: lambda v: -30 < v < 180 and abs(v) > _TINY,
    Quantity.WATER_TEMP_OUT_C: lambda v: -30 < v < 180 and abs(v) > _TINY,
}


def _water(values: Values) -> Iterator[Check]:
    for quantity, can_be in _WATER.items():
        value = number(values, quantity)
        if value:
            words = "possible" if can_be(value) else "impossible"
            yield _either(1, f"{quantity} {value:.4g} {unit(quantity)} is {words}", is_right=can_be(value))
