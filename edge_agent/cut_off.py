"""The cut-off test: a load before, the cut, zero after. Each stage is measured; what was unreadable is no zero."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from edge_agent.plausibility import number
from wire.clock import Clock, iso
from wire.profile import Profile
from wire.quantities import Quantity, shown
from wire.reading import Reading, Unreadable, Value

Poll = Callable[[], Awaitable[Reading]]

STAGE_READINGS = 3
ZERO_READINGS = 3
"""So many in a row, so that one misread word is no proof."""
STEPS_ALLOWED = 1.5
STEP_USUAL_W = 1.0
"""Of a meter whose step is not known."""
KEPT = tuple(
    Quantity(name)
    for name in (
        "active_power_w",
        *(f"{stem}_l{i}{unit}" for stem, unit in (("voltage", "_v"), ("current", "_a")) for i in (1, 2, 3)),
        "frequency_hz",
        "import_energy_wh",
    )
)
"""What the record keeps of each reading."""

PASSED, FAILED, INCONCLUSIVE = "passed", "failed", "inconclusive"


class Stage(msgspec.Struct, frozen=True):
    """What was measured in one stage.

    Attributes:
        name: before or after.
        readings: in their order.
        state: loaded, zero, not_zero or unreadable.
    """

    name: str
    readings: tuple[Reading, ...]
    state: str

    @property
    def last(self) -> Reading:
        """The newest reading."""
        return self.readings[-1]


class CutOff(msgspec.Struct, frozen=True):
    """The whole test.

    Attributes:
        before, after: the stages.
        cut_ms: wall time at which the inspector said that it is cut.
        zero_w: up to which |P| is zero: the meter's step.
        result: passed, failed or inconclusive.
        why: code of the reason.
    """

    before: Stage
    after: Stage
    cut_ms: int
    zero_w: float
    result: str
    why: str


def zero_w(profile: Profile, reading: Reading) -> float:
    """Up to which |P| a meter's step may still be no draw, in W primary."""
    step = profile.power_step_w or STEP_USUAL_W
    for ratio in (Quantity.CT_RATIO, Quantity.PT_RATIO):
        step *= number(reading.values, ratio) or 1.0
    return STEPS_ALLOWED * step


async def before(poll: Poll, clock: Clock, zero: float, period_s: float = 1.0) -> Stage:
    """Measure the load before the cut."""
    readings = []
    for _ in range(STAGE_READINGS):
        readings.append(await poll())
        await clock.sleep(period_s)
    return Stage("before", tuple(readings), state(readings, zero))


async def after(poll: Poll, clock: Clock, zero: float, wait_s: float, period_s: float = 1.0) -> Stage:
    """Measure until zero stays, or the time is over.

    Args:
        poll: one reading.
        clock: monotonic time.
        zero: as of zero_w().
        wait_s: longest wait for zero.
        period_s: between two readings.
    """
    end_ms = clock.monotonic_ms() + round(wait_s * 1000)
    readings: list[Reading] = []
    while True:
        readings = [*readings, await poll()][-STAGE_READINGS - ZERO_READINGS :]
        newest = readings[-ZERO_READINGS:]
        told = state(newest, zero)
        if (len(newest) == ZERO_READINGS and told == "zero") or clock.monotonic_ms() >= end_ms:
            return Stage("after", tuple(newest), told)
        await clock.sleep(period_s)


def state(readings: Sequence[Reading], zero: float) -> str:
    """What readings say together: one that is unreadable makes all unreadable, one with a draw makes all loaded."""
    powers = [reading.values.get(Quantity.ACTIVE_POWER_W) for reading in readings]
    if any(power is None or isinstance(power, Unreadable) for power in powers):
        return "unreadable"
    draws = [abs(power) > zero for power in powers if isinstance(power, float | int)]
    return "loaded" if all(draws) else "not_zero" if any(draws) else "zero"


def judge(first: Stage, last: Stage, cut_ms: int, zero: float) -> CutOff:
    """What the test says.

    A dead voltage after the cut is said, because a meter behind the break proves nothing by its silence or its zeros.
    """
    if first.state == "unreadable" or last.state == "unreadable":
        result, why = INCONCLUSIVE, f"unreadable_{'before' if first.state == 'unreadable' else 'after'}"
    elif last.state != "zero":
        result, why = FAILED, "still_draws"
    elif first.state != "loaded":
        result, why = INCONCLUSIVE, "no_load_before"
    else:
        result, why = PASSED, "zero_and_live" if _is_live(last.last) else "zero_and_dead"
    return CutOff(first, last, cut_ms, zero, result, why)


def _is_live(reading: Reading) -> bool:
    volts = [number(reading.values, Quantity(f"voltage_l{i}_v")) for i in (1, 2, 3)]
    return any(v is not None and v > 20 for v in volts)


def document(test: CutOff) -> dict[str, object]:
    """The test as the record keeps it: texts, no fractions."""
    return {
        "result": test.result,
        "why": test.why,
        "zero_up_to_w": f"{test.zero_w:.3f}",
        "before": _stage(test.before),
        "cut_at": iso(test.cut_ms),
        "after": _stage(test.after),
    }


def _stage(stage: Stage) -> dict[str, object]:
    return {"state": stage.state, "readings": [reading_document(r, KEPT) for r in stage.readings]}


def reading_document(reading: Reading, kept: Sequence[Quantity] | None = None) -> dict[str, object]:
    """A reading as the record keeps it: the meter's time, state, and each value or its reason."""
    values = {q: v for q, v in reading.values.items() if kept is None or q in kept}
    return {
        "at": iso(reading.wall_ms),
        "state": reading.state.value,
        "values": {q.value: _value(q, v) for q, v in values.items()},
    }


def _value(quantity: Quantity, value: Value) -> str | dict[str, str]:
    """A number as text, to the digit to which it travels in envelopes, or why there is none."""
    if isinstance(value, Unreadable):
        return {"unreadable": value.reason.value}
    return shown(quantity, value).partition(" ")[0]  # the unit is in the quantity's name
