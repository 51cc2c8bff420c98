"""The polls of one meter out of stored envelopes: only the columns that curves and minutes need, as arrays.

An envelope was verified and read in full when it was stored; here its columns are unpacked without a row object each,
which is most of the time that a curve takes.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from server.detect.facts import Floats, Times
from wire import columns
from wire import envelope as envelopes
from wire.batch import Batch, Block
from wire.quantities import Quantity
from wire.reading import Reason

Reasons = NDArray[np.object_]

_CACHED_ENVELOPES = 2_048
"""Decoded and kept: a page that is drawn again each few seconds asks for the same two hours."""


class Polls(msgspec.Struct, frozen=True):
    """One quantity over n polls of a meter.

    Attributes:
        t_ms: event times, shape (n,).
        values: in the quantity's unit, shape (n,); NaN where the meter did not say. Of active power the draw |P|.
        reasons: why a value is NaN, shape (n,); empty where it is not.
        period_ms: the nominal time to the next poll, shape (n,).
    """

    t_ms: Times
    values: Floats
    reasons: Reasons
    period_ms: Times

    def __len__(self) -> int:
        """Number of polls."""
        return len(self.t_ms)


@lru_cache(maxsize=_CACHED_ENVELOPES)
def batch(raw: bytes) -> Batch:
    """The body of an envelope; it was verified, and read strictly, when it was stored."""
    return msgspec.json.decode(envelopes.take_apart(raw).body, type=Batch)


@lru_cache(maxsize=4 * _CACHED_ENVELOPES)
def decoded(raw: bytes, meter: str, quantity: Quantity) -> Polls | None:
    """One quantity of one meter in an envelope; None where the envelope has no row of the meter."""
    body = batch(raw)
    parts = [_block(block, body, quantity) for block in body.mtr if block.id == meter]
    return joined(parts) if parts else None


def joined(parts: Iterable[Polls | None]) -> Polls:
    """Polls of one quantity in the order of time; of two at one time the first that was given."""
    found = [part for part in parts if part is not None]
    t_ms = np.concatenate([np.array([], dtype=np.int64), *(p.t_ms for p in found)])
    _, index = np.unique(t_ms, return_index=True)
    return Polls(
        t_ms=t_ms[index],
        values=np.concatenate([np.array([], dtype=np.float64), *(p.values for p in found)])[index],
        reasons=np.concatenate([np.array([], dtype=object), *(p.reasons for p in found)])[index],
        period_ms=np.concatenate([np.array([], dtype=np.int64), *(p.period_ms for p in found)])[index],
    )


def between(polls: Polls, from_ms: int, to_ms: int) -> Polls:
    """The polls of a time, both ends included."""
    here = slice(int(np.searchsorted(polls.t_ms, from_ms)), int(np.searchsorted(polls.t_ms, to_ms, side="right")))
    return Polls(polls.t_ms[here], polls.values[here], polls.reasons[here], polls.period_ms[here])


def told(polls: Polls) -> bool:
    """Whether the quantity was read at least once."""
    return bool(np.any(~np.isnan(polls.values)))


def of_raws(raws: Sequence[bytes], meter: str, quantity: Quantity, from_ms: int, to_ms: int) -> Polls:
    """One quantity of one meter in a time, from envelopes in the order of their numbers."""
    return between(joined(decoded(raw, meter, quantity) for raw in raws), from_ms, to_ms)


def _block(block: Block, body: Batch, quantity: Quantity) -> Polls:
    n, every_ms = block.n, body.per
    values, reasons = _column(block, quantity)
    offsets = np.array(columns.unpack(block.dt, n), dtype=np.int64)
    return Polls(
        t_ms=(body.t0 or 0) + np.arange(n, dtype=np.int64) * every_ms + offsets,
        values=np.abs(values) if quantity is Quantity.ACTIVE_POWER_W else values,
        reasons=reasons,
        period_ms=np.full(n, every_ms, dtype=np.int64),
    )


def _column(block: Block, quantity: Quantity) -> tuple[Floats, Reasons]:
    """Values and reasons of one quantity, as wire.batch.rows gives them row by row."""
    index = next((i for i, (name, *_) in enumerate(block.cols) if name == quantity.value), None)
    reasons = np.full(block.n, Reason.NOT_ASKED.value, dtype=object)
    if index is None:
        return np.full(block.n, np.nan), reasons
    _, power, column = block.cols[index]
    cells = np.array([np.nan if c is None else c for c in columns.unpack(column, block.n)], dtype=np.float64)
    for text, of, first, count in block.why:
        if of == index:
            reasons[first : first + count] = text
    values = cells / float(10**-power) if power < 0 else cells * float(10**power)
    reasons[~np.isnan(values)] = ""
    return values, reasons
