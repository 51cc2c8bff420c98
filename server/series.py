"""Rows to numpy arrays: the only place where a value that was not read becomes NaN. Its reason stays beside it."""

from collections.abc import Sequence

import msgspec
import numpy as np

from server.detect.series import Series
from wire.batch import Row
from wire.quantities import Quantity
from wire.reading import Unreadable


class Taken(msgspec.Struct, frozen=True):
    """What holds for all rows of one envelope."""

    period_ms: int
    received_ms: int
    boot: str
    clock_stepped: bool


def series(rows: Sequence[Row], seq: Sequence[int], taken: Taken) -> Series:
    """The rows of one meter as arrays.

    Args:
        rows: at least one row, all of one meter, in the order taken.
        seq: the envelope of each row.
        taken: how they were taken and when they arrived.
    """
    names = {quantity for row in rows for quantity in row.values}
    values = {quantity: np.full(len(rows), np.nan) for quantity in names}
    reasons = np.full(len(rows), "", dtype=object)
    for i, row in enumerate(rows):
        for quantity, value in row.values.items():
            if not isinstance(value, Unreadable):
                values[quantity][i] = value
            elif quantity in (Quantity.ACTIVE_POWER_W, Quantity.CONTACT_OPEN):
                reasons[i] = value.reason.value
    return Series(
        t_ms=np.array([row.wall_ms for row in rows], dtype=np.int64),
        seq=np.array(seq, dtype=np.int64),
        values=values,
        reasons=reasons,
        period_ms=taken.period_ms,
        received_ms=taken.received_ms,
        boot=taken.boot,
        clock_stepped=taken.clock_stepped,
    )
