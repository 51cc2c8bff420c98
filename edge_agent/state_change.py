"""What must reach the server at once. Pure: what was last known of a meter, and a new reading."""

from enum import StrEnum

import msgspec

from wire.quantities import Quantity
from wire.reading import Reading, State

ALIVE_VOLTAGE_V = 40.0
"""A phase above is energised: far above what a floating input shows, far below any supply."""
SLEEP_SHARE = 0.8
"""A furnace counts as asleep again below this share of its wake power: no chatter around the level."""

RISE_SHARE = 1.5
"""An awake furnace that rises above so much of its told level (plus its wake power) is told anew: a pledged load first,
then a melt."""

_VOLTAGES = tuple(q for q in Quantity if q.value.startswith("voltage_l"))


class Change(StrEnum):
    """Why a reading leaves at once; also the event's code in the envelope."""

    FIRST = "first_reading"
    POWER_ROSE = "power_rose"
    POWER_FELL = "power_fell"
    CONTACT = "contact_changed"
    COUNT = "contact_counted"
    ANSWERS = "meter_answers"
    SILENT = "meter_silent"
    ALIVE = "voltage_back"
    DEAD = "voltage_lost"


class Known(msgspec.Struct, frozen=True):
    """What was last known of one meter; None: not known yet. A poll that tells nothing changes nothing."""

    state: State | None = None
    awake: bool | None = None
    level_w: float | None = None
    """|P| that was told while awake."""
    alive: bool | None = None
    voltage_v: float | None = None
    """The highest phase voltage told last."""
    contact_open: float | None = None
    contact_count: float | None = None


def step(known: Known, reading: Reading, wake_power_w: float) -> tuple[Known, Change | None]:
    """What is known after a reading, and the change that it shows.

    Args:
        known: before the reading.
        reading: the new one.
        wake_power_w: |active power| from which the furnace counts as awake.
    """
    awake = _awake(known.awake, reading, wake_power_w)
    now = Known(
        state=reading.state,
        awake=awake,
        level_w=_level(known.level_w, reading, wake_power_w) if awake else None,
        alive=_alive(known.alive, reading),
        voltage_v=max(_voltages(reading), default=known.voltage_v),
        contact_open=_latest(known.contact_open, reading, Quantity.CONTACT_OPEN),
        contact_count=_latest(known.contact_count, reading, Quantity.CONTACT_COUNT),
    )
    return now, _change(known, now)


def _change(before: Known, now: Known) -> Change | None:
    """The change that matters most, power first."""
    answers = now.state is State.OK
    power = now.awake != before.awake and (now.awake or before.awake is not None)
    rose = now.level_w is not None and now.level_w != before.level_w
    shown = (
        (power or rose, Change.POWER_ROSE if now.awake else Change.POWER_FELL),
        (before.state is None, Change.FIRST),
        (_moved(before.contact_open, now.contact_open), Change.CONTACT),
        (_moved(before.contact_count, now.contact_count), Change.COUNT),
        (answers != (before.state is State.OK), Change.ANSWERS if answers else Change.SILENT),
        (_moved(before.alive, now.alive), Change.ALIVE if now.alive else Change.DEAD),
    )
    return next((change for is_shown, change in shown if is_shown), None)


def _moved(before: float | None, now: float | None) -> bool:
    """Whether a value that was known is another one now."""
    return before is not None and now != before


def _awake(before: bool | None, reading: Reading, wake_power_w: float) -> bool | None:
    power = reading.values.get(Quantity.ACTIVE_POWER_W)
    if not isinstance(power, float | int):
        return before
    return abs(power) >= (wake_power_w * SLEEP_SHARE if before else wake_power_w)


def _level(before: float | None, reading: Reading, wake_power_w: float) -> float | None:
    """The told level, or the reading's power where that is far above it."""
    power = reading.values.get(Quantity.ACTIVE_POWER_W)
    if not isinstance(power, float | int):
        return before
    return abs(power) if before is None or abs(power) > RISE_SHARE * before + wake_power_w else before


def _alive(before: bool | None, reading: Reading) -> bool | None:
    told = _voltages(reading)
    return any(v >= ALIVE_VOLTAGE_V for v in told) if told else before


def _voltages(reading: Reading) -> list[float]:
    return [v for q in _VOLTAGES if isinstance(v := reading.values.get(q), float | int)]


def _latest(before: float | None, reading: Reading, quantity: Quantity) -> float | None:
    value = reading.values.get(quantity)
    return value if isinstance(value, float | int) else before
