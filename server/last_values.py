"""What a meter said last, out of the newest envelopes of its agent."""

from collections.abc import Sequence

import msgspec
import numpy as np
from sqlmodel import Session, col, func, select

from server.meter_rows import decoded
from server.tables import Agent, Envelope
from wire.quantities import Quantity

LOOK_BACK = 10
"""Envelopes of an agent that are searched for a last value."""


class Last(msgspec.Struct, frozen=True):
    """The newest value that was read.

    Attributes:
        t_ms: event time.
        value: in the quantity's unit; of active power |P|.
        period_ms: the nominal time to the next poll.
        seq: the number of the envelope that holds it.
    """

    t_ms: int
    value: float
    period_ms: int
    seq: int


def last_values(session: Session, meters: Sequence[tuple[str, str]], quantity: Quantity) -> dict[tuple[str, str], Last]:
    """The newest value of each (agent, meter), where there is one.

    Looks at each agent's newest envelope, and only where that has no value at the LOOK_BACK before it.
    """
    newest = select(func.max(Envelope.seq)).where(Envelope.agent_id == Agent.id).correlate(Agent).scalar_subquery()
    wanted = {agent for agent, _ in meters}
    found = session.exec(
        select(Envelope.agent_id, Envelope.seq, Envelope.raw)
        .join(Agent, col(Agent.id) == col(Envelope.agent_id))
        .where(Envelope.seq == newest, col(Agent.id).in_(wanted))
    ).all()
    raws = {agent: (seq, raw) for agent, seq, raw in found}
    values: dict[tuple[str, str], Last] = {}
    for agent, meter in meters:
        if agent not in raws:
            continue
        last = _last([raws[agent]], meter, quantity) or _last(_before(session, agent), meter, quantity)
        if last is not None:
            values[agent, meter] = last
    return values


def _last(envelopes: Sequence[tuple[int, bytes]], meter: str, quantity: Quantity) -> Last | None:
    for seq, raw in envelopes:
        polls = decoded(raw, meter, quantity)
        if polls is None:
            continue
        known = np.flatnonzero(~np.isnan(polls.values))
        if len(known):
            at = known[-1]
            return Last(int(polls.t_ms[at]), float(polls.values[at]), int(polls.period_ms[at]), seq)
    return None


def _before(session: Session, agent: str) -> Sequence[tuple[int, bytes]]:
    return session.exec(
        select(Envelope.seq, Envelope.raw)
        .where(Envelope.agent_id == agent)
        .order_by(col(Envelope.seq).desc())
        .limit(LOOK_BACK + 1)
    ).all()
