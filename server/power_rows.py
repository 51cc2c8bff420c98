"""The draw of a furnace's meter out of stored envelopes: only the one column that pages and curves need."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, func, select

from server.detect.facts import Floats, Times
from server.tables import Agent, Envelope
from wire import batch as batches
from wire import envelope as envelopes
from wire.batch import Batch, Block
from wire.quantities import Quantity
from wire.reading import Unreadable

LOOK_BACK = 10
"""Envelopes of an agent that are searched for a last value."""

_CACHED_ENVELOPES = 4096


class PowerRows(msgspec.Struct, frozen=True):
    """n polls of one meter in the order of time.

    Attributes:
        t_ms: event times, shape (n,).
        draw_w: |P|, shape (n,); NaN where the meter did not say.
        reasons: why draw_w is NaN, shape (n,); empty where it is not.
        period_ms: the nominal time to the next poll, shape (n,).
    """

    t_ms: Times
    draw_w: Floats
    reasons: NDArray[np.object_]
    period_ms: Times

    def __len__(self) -> int:
        """Number of polls."""
        return len(self.t_ms)


@lru_cache(maxsize=_CACHED_ENVELOPES)
def decoded(raw: bytes, meter: str) -> PowerRows:
    """One meter's polls in an envelope that was verified when it was stored."""
    batch = envelopes.parse(envelopes.take_apart(raw).body, Batch)
    blocks = [_power_only(block) for block in batch.mtr if block.id == meter]
    rows = batches.rows(msgspec.structs.replace(batch, mtr=blocks))
    values = [row.values.get(Quantity.ACTIVE_POWER_W) for row in rows]
    return PowerRows(
        t_ms=np.array([row.wall_ms for row in rows], dtype=np.int64),
        draw_w=np.array([abs(v) if isinstance(v, float) else np.nan for v in values], dtype=np.float64),
        reasons=np.array([_reason(v) for v in values], dtype=object),
        period_ms=np.full(len(rows), batch.per, dtype=np.int64),
    )


def joined(raws: Sequence[bytes], meter: str, from_ms: int, to_ms: int) -> PowerRows:
    """One meter's polls in a time (both ends included), from envelopes in any order; of two at one time the first."""
    parts = [decoded(raw, meter) for raw in raws]
    empty = np.array([], dtype=np.int64)
    t_ms = np.concatenate([empty, *(p.t_ms for p in parts)])
    kept, index = np.unique(t_ms, return_index=True)
    index = index[(kept >= from_ms) & (kept <= to_ms)]
    return PowerRows(
        t_ms=t_ms[index],
        draw_w=np.concatenate([np.array([], dtype=np.float64), *(p.draw_w for p in parts)])[index],
        reasons=np.concatenate([np.array([], dtype=object), *(p.reasons for p in parts)])[index],
        period_ms=np.concatenate([empty, *(p.period_ms for p in parts)])[index],
    )


def last_draws(session: Session, meters: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, float]]:
    """The newest draw that was read: (agent, meter) to (event time in ms, |P| in W), where there is one.

    Looks at each agent's newest envelope, and only where that has no value at the LOOK_BACK before it.
    """
    newest = select(func.max(Envelope.seq)).where(Envelope.agent_id == Agent.id).correlate(Agent).scalar_subquery()
    found = session.exec(
        select(Envelope.agent_id, Envelope.raw)
        .join(Agent, col(Agent.id) == col(Envelope.agent_id))
        .where(Envelope.seq == newest)
    ).all()
    raws = dict(found)
    draws: dict[tuple[str, str], tuple[int, float]] = {}
    for agent, meter in meters:
        if agent not in raws:
            continue
        draw = _last([raws[agent]], meter) or _last(_newest(session, agent), meter)
        if draw is not None:
            draws[agent, meter] = draw
    return draws


def _power_only(block: Block) -> Block:
    """The block without its other columns: unpacking them is nearly all of the work."""
    for index, column in enumerate(block.cols):
        if column[0] == Quantity.ACTIVE_POWER_W.value:
            why = [(reason, 0, first, count) for reason, c, first, count in block.why if c == index]
            return msgspec.structs.replace(block, cols=[column], why=why)
    return msgspec.structs.replace(block, cols=[], why=[])


def _reason(value: float | Unreadable | None) -> str:
    if value is None:
        return "not_asked"
    return value.reason.value if isinstance(value, Unreadable) else ""


def _last(raws: Sequence[bytes], meter: str) -> tuple[int, float] | None:
    for raw in raws:
        rows = decoded(raw, meter)
        known = np.flatnonzero(~np.isnan(rows.draw_w))
        if len(known):
            return int(rows.t_ms[known[-1]]), float(rows.draw_w[known[-1]])
    return None


def _newest(session: Session, agent: str) -> Sequence[bytes]:
    return session.exec(
        select(Envelope.raw).where(Envelope.agent_id == agent).order_by(col(Envelope.seq).desc()).limit(LOOK_BACK + 1)
    ).all()
