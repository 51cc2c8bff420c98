"""The minutes of one quantity of one meter: each minute's smallest and largest value, so that no peak is lost.

Planes are rows of an array of shape (planes, minutes), NaN where nothing was read, never 0:

- every quantity: 0 the smallest value, 1 the largest;
- active_power_w (the draw |P|): 2 why a poll of the minute gave no value, as a place in WHY;
- import_energy_wh: 2 the last value, 3 how many milliseconds into its minute it was read.

A block as it is stored is one Beijing day: the planes of 1,440 minutes one after the other, each value a little-endian
IEEE 754 double, all of it deflated by zlib. Doubles keep an energy exactly as it was read.
"""

import zlib

import msgspec
import numpy as np

from server.detect.facts import Floats, Times
from server.meter_rows import Polls
from wire.quantities import Quantity
from wire.reading import Reason

MINUTE_MS = 60_000
DAY_MINUTES = 1_440
DAY_MS = DAY_MINUTES * MINUTE_MS

_BEIJING_MS = 8 * 3_600_000
"""Days are UTC+8 by definition of the block; a zone's summer times of old would give days of other lengths."""

LOW, HIGH, WHY_PLANE, LAST, LAST_AT = 0, 1, 2, 2, 3

PLANES = {
    Quantity.ACTIVE_POWER_W: 3,
    Quantity.FREQUENCY_HZ: 2,
    Quantity.WATER_FLOW_M3_H: 2,
    Quantity.IMPORT_ENERGY_WH: 4,
}
"""The quantities that have minutes, and how many planes each."""

WHY = (
    Reason.TIMEOUT, Reason.DISCONNECTED, Reason.BUSY, Reason.NOT_AVAILABLE, Reason.NOT_A_NUMBER, Reason.OUT_OF_RANGE,
    Reason.ILLEGAL_ADDRESS, Reason.ILLEGAL_FUNCTION, Reason.DEVICE_FAILURE, Reason.BAD_REPLY, Reason.RATIO_UNKNOWN,
    Reason.NOT_ASKED, Reason.ILLEGAL_VALUE, Reason.ACKNOWLEDGE, Reason.NEGATIVE_ACKNOWLEDGE, Reason.MEMORY_PARITY,
    Reason.GATEWAY_PATH, Reason.GATEWAY_TARGET, Reason.UNKNOWN_EXCEPTION, Reason.WRONG_UNIT, Reason.WRONG_FUNCTION,
    Reason.WRONG_LENGTH, Reason.SHORT_FRAME, Reason.CHECK_SUM,
)  # fmt: skip
"""Stored by place: only ever add at the end. Where a minute has several reasons the first of this list stands."""

_PLACE = {reason.value: float(place) for place, reason in enumerate(WHY)}


class Minutes(msgspec.Struct, frozen=True):
    """Minutes of one quantity, one after the other.

    Attributes:
        from_ms: where the first begins.
        planes: shape (planes, minutes).
    """

    quantity: Quantity
    from_ms: int
    planes: Floats

    @property
    def starts_ms(self) -> Times:
        """Where each minute begins, shape (minutes,)."""
        return self.from_ms + np.arange(self.planes.shape[1], dtype=np.int64) * MINUTE_MS


def day_starts_ms(t_ms: Times) -> Times:
    """The midnights at which the days of some times begin."""
    return (t_ms + _BEIJING_MS) // DAY_MS * DAY_MS - _BEIJING_MS


def empty(quantity: Quantity, count: int) -> Floats:
    """Planes of minutes in which nothing was read."""
    return np.full((PLANES[quantity], count), np.nan)


def of_polls(polls: Polls, quantity: Quantity, from_ms: int, count: int) -> Floats:
    """The planes of `count` minutes from a time on, out of polls in the order of time."""
    planes = empty(quantity, count)
    minute = (polls.t_ms - from_ms) // MINUTE_MS
    here = (minute >= 0) & (minute < count)
    known = here & ~np.isnan(polls.values)
    at, values = minute[known], polls.values[known]
    np.fmin.at(planes[LOW], at, values)
    np.fmax.at(planes[HIGH], at, values)
    if quantity is Quantity.ACTIVE_POWER_W:
        missing = here & np.isnan(polls.values)
        why = np.array([_PLACE[reason] for reason in polls.reasons[missing]], dtype=np.float64)
        np.fmin.at(planes[WHY_PLANE], minute[missing], why)
    if quantity is Quantity.IMPORT_ENERGY_WH:
        planes[LAST, at] = values  # of several in a minute the last assigned stays
        planes[LAST_AT, at] = (polls.t_ms[known] - from_ms) % MINUTE_MS
    return planes


def merge(one: Floats, other: Floats, quantity: Quantity) -> Floats:
    """Both together. In any order and however often the same is merged, the result is the same."""
    merged = np.fmin(one, other)
    merged[HIGH] = np.fmax(one[HIGH], other[HIGH])
    if quantity is Quantity.IMPORT_ENERGY_WH:
        later = np.isnan(one[LAST_AT]) | (other[LAST_AT] > one[LAST_AT])
        same = other[LAST_AT] == one[LAST_AT]
        merged[LAST] = np.where(later, other[LAST], one[LAST])
        merged[LAST] = np.where(same, np.fmax(one[LAST], other[LAST]), merged[LAST])
        merged[LAST_AT] = np.fmax(one[LAST_AT], other[LAST_AT])
    return merged


def pack(planes: Floats) -> bytes:
    """A day's planes as they are stored."""
    return zlib.compress(planes.astype("<f8").tobytes(), 1)


def unpack(block: bytes, quantity: Quantity) -> Floats:
    """A stored day."""
    return np.frombuffer(zlib.decompress(block), dtype="<f8").reshape(PLANES[quantity], DAY_MINUTES)
