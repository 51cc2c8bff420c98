"""Whether a meter is wired as it should be, as far as its values tell; what they cannot tell is said too."""

import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from edge_agent.plausibility import LOAD_MIN_W, apparent_w, number, phase, power_factor_of_ten
from wire.quantities import Quantity
from wire.reading import Value

Values = Mapping[Quantity, Value]

MISSING_SHARE = 0.2
"""A phase with less of the highest voltage has none."""
SQRT3_TOLERANCE = 0.05
POWER_MIN_W = 5.0
CURRENT_SHARE_MIN = 0.02
"""Below this share of the highest current a phase's power factor means nothing."""
ANGLE_TOLERANCE_DEG = 35.0
"""Phases of a furnace's rectifier differ by less; exchanged ones differ by 120 or 180."""
SHIFTED_DEG = ((95, 175), (-118, -62))
"""Where a lagging load of up to 58 degrees lies when all CTs are moved on by a phase; reversed, it lies elsewhere."""
CLAMP_TOLERANCE = 0.10
"""A clamp meter's 2 to 3 %, an unsteady load and two displays that are not read at once."""
RATIOS = (
    2,
    3,
    4,
    5,
    6,
    8,
    10,
    12,
    15,
    16,
    20,
    25,
    30,
    40,
    50,
    60,
    80,
    100,
    120,
    150,
    160,
    200,
    240,
    250,
    300,
    400,
    500,
)
"""Ratios of usual CTs with 5 A or 1 A secondary, and quotients of two of them."""
_PHASES = (1, 2, 3)
_SQRT3 = math.sqrt(3)


def figures(value: float) -> str:
    """A number to about four figures, never as a power of ten."""
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


class Note(msgspec.Struct, frozen=True):
    """One thing that was looked at.

    Attributes:
        code: which, as commission_words names it.
        level: right, wrong, or unknown: the values cannot tell.
        facts: what goes into the sentence.
    """

    code: str
    level: str
    facts: dict[str, str] = {}


RIGHT, WRONG, UNKNOWN = "right", "wrong", "unknown"


def check(values: Values) -> tuple[Note, ...]:
    """Everything that values of one moment tell of the wiring, import expected.

    Args:
        values: primary values of one poll.
    """
    looks = (_voltages, _system, _sequence, _polarity, _exchanged, _power)
    notes = [note for look in looks for note in look(values)]
    if any(note.code in ("pairing_exchanged", "pairing_shifted") for note in notes):
        notes = [note for note in notes if note.code != "ct_reversed"]  # exchanged phases look reversed too
    return tuple(notes)


def check_load(moments: Sequence[Values]) -> tuple[Note, ...]:
    """check() of several moments under load: the notes of the moment with the most that is wrong, else of the last.

    Args:
        moments: primary values of each poll, at least one.
    """
    checked = [check(values) for values in reversed(moments)]
    return max(checked, key=lambda notes: sum(note.level == WRONG for note in notes))


def clamp(values: Values, index: int, clamp_a: float) -> Note:
    """A clamp meter's current against the meter's.

    Args:
        values: of the moment at which the clamp was read.
        index: the phase, 1 to 3.
        clamp_a: what the clamp meter shows, of the primary conductor.
    """
    shown = phase(values, "current", index, "_a")
    if shown is None:
        return Note("clamp_unreadable", UNKNOWN, {"phase": f"L{index}"})
    facts = {"phase": f"L{index}", "clamp_a": figures(clamp_a), "meter_a": figures(abs(shown))}
    if not clamp_a or not shown:
        return Note("clamp_zero", RIGHT if clamp_a == abs(shown) else WRONG, facts)
    ratio = clamp_a / abs(shown)
    if abs(ratio - 1) <= CLAMP_TOLERANCE:
        return Note("clamp_fits", RIGHT, facts)
    size = max(ratio, 1 / ratio)
    nearest = min(RATIOS, key=lambda r: abs(math.log(size / r)))
    facts |= {"ratio": figures(ratio)}
    if abs(size / nearest - 1) > CLAMP_TOLERANCE:
        return Note("clamp_off", WRONG, facts)
    return Note("clamp_ratio_missing" if ratio > 1 else "clamp_ratio_twice", WRONG, facts | {"nearest": str(nearest)})


def _voltages(values: Values) -> Iterator[Note]:
    volts = {i: phase(values, "voltage", i, "_v") for i in _PHASES}
    read = {i: v for i, v in volts.items() if v is not None}
    if not read:
        yield Note("voltage_unreadable", UNKNOWN)
        return
    highest = max(read.values())
    if highest <= 0:
        yield Note("voltage_dead", UNKNOWN)
        return
    missing = [i for i, v in read.items() if v < MISSING_SHARE * highest]
    for index in missing:
        yield Note("phase_missing", WRONG, {"phase": f"L{index}", "volts": figures(read[index])})
    if not missing:
        yield Note("voltages_there", RIGHT, {"volts": ", ".join(f"L{i} {figures(v)}" for i, v in read.items())})


def _system(values: Values) -> Iterator[Note]:
    """Three or four wires, by L-L against L-N."""
    lines = [number(values, q) for q in (Quantity.VOLTAGE_L12_V, Quantity.VOLTAGE_L23_V, Quantity.VOLTAGE_L31_V)]
    phases = [phase(values, "voltage", i, "_v") for i in _PHASES]
    between, alone = [v for v in lines if v], [v for v in phases if v]
    if len(between) == len(_PHASES) and len(alone) == len(_PHASES):
        ratio = sum(between) / sum(alone)
        facts = {"ratio": f"{ratio:.3f}"}
        if abs(ratio / _SQRT3 - 1) <= SQRT3_TOLERANCE:
            yield Note("system_3p4w", RIGHT, facts)
        elif abs(ratio - 1) <= SQRT3_TOLERANCE:
            yield Note("system_3p3w_shown_as_phases", UNKNOWN, facts)
        else:
            yield Note("system_odd", WRONG, facts)
    elif len(between) >= 2 and not alone:
        yield Note("system_3p3w", RIGHT)
    else:
        yield Note("system_unknown", UNKNOWN)


def _sequence(values: Values) -> Iterator[Note]:
    """RMS values are the same in both sequences: no map here has a register that tells it."""
    del values
    yield Note("sequence_unknown", UNKNOWN)


def _polarity(values: Values) -> Iterator[Note]:
    powers = {i: phase(values, "active_power", i, "_w") for i in _PHASES}
    read = {i: p for i, p in powers.items() if p is not None}
    loaded = {i: p for i, p in read.items() if abs(p) >= POWER_MIN_W}
    if not loaded:
        total = number(values, Quantity.ACTIVE_POWER_W)
        if not read and total is not None and total <= -POWER_MIN_W:
            yield Note("power_negative", WRONG, {"watts": figures(total)})
        else:
            yield Note("polarity_no_load", UNKNOWN)
        return
    reversed_ = {i: p for i, p in loaded.items() if p < 0}
    for index, power in reversed_.items():
        yield Note("ct_reversed", WRONG, {"phase": f"L{index}", "watts": figures(power)})
    if not reversed_:
        yield Note("polarity_right", RIGHT, {"phases": ", ".join(f"L{i}" for i in loaded)})


def _exchanged(values: Values) -> Iterator[Note]:
    """Voltages and currents of different phases paired: the angles between them lie 120 degrees apart."""
    angles = {i: a for i in _PHASES if (a := _angle(values, i)) is not None}
    if len(angles) < len(_PHASES):
        yield Note("pairing_unknown", UNKNOWN)
        return
    facts = {f"l{i}": f"{a:.0f}" for i, a in angles.items()}
    gaps = [_apart(angles[a], angles[b]) for a, b in ((1, 2), (2, 3), (3, 1))]
    if max(gaps) <= ANGLE_TOLERANCE_DEG:
        shift = all(any(low < a < high for low, high in SHIFTED_DEG) for a in angles.values())
        yield Note("pairing_shifted" if shift else "pairing_right", WRONG if shift else RIGHT, facts)
    elif sum(abs(gap - 120) <= ANGLE_TOLERANCE_DEG for gap in gaps) >= 2:
        odd = min(angles, key=lambda i: abs(angles[i]))
        pair = [f"L{i}" for i in _PHASES if i != odd]
        yield Note("pairing_exchanged", WRONG, {**facts, "pair": " / ".join(pair)})
    else:
        yield Note("pairing_unlike", UNKNOWN, facts)


def _angle(values: Values, index: int) -> float | None:
    """The angle of a phase's current behind its voltage in degrees, -180 to 180; None without load or a sign."""
    power, var = phase(values, "active_power", index, "_w"), phase(values, "reactive_power", index, "_var")
    if power is None or var is None or math.hypot(power, var) < POWER_MIN_W:
        return None
    return math.degrees(math.atan2(var, power))


def _apart(one: float, other: float) -> float:
    gap = abs(one - other) % 360
    return min(gap, 360 - gap)


def _power(values: Values) -> Iterator[Note]:
    """Total P against U·I·PF: a factor of ten or a thousand is a scale, not a load."""
    power, factor = number(values, Quantity.ACTIVE_POWER_W), number(values, Quantity.POWER_FACTOR)
    apparent = apparent_w(values)
    if power is None or factor is None or apparent is None or apparent < LOAD_MIN_W:
        yield Note("power_unknown", UNKNOWN)
        return
    should = apparent * abs(factor)
    times = power_factor_of_ten(power, should)
    facts = {"watts": figures(power), "should": figures(should)}
    if times == 1.0:
        yield Note("power_fits", RIGHT, facts)
    elif times is None:
        yield Note("power_odd", WRONG, facts)
    elif times < 1:
        yield Note("power_small", WRONG, facts | {"factor": f"{1 / times:g}"})
    else:
        yield Note("power_big", WRONG, facts | {"factor": f"{times:g}"})
