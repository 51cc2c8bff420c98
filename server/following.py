"""Along an agent's chain: stored envelopes and declared losses, in the order of their numbers, into detection."""

from collections.abc import Sequence

from sqlmodel import Session, col, func, select

from server import records
from server.engine import Engine, opened
from server.tables import Agent, Envelope, Loss
from server.verify import Accepted
from wire.keys import b64url

AT_ONCE = 1_000
"""Envelopes that one message may bring into detection; the next message goes on."""


def advance(session: Session, engine: Engine, agent: Agent, got: Accepted, received_ms: int) -> None:
    """Follow the chain as far as it reaches now, and judge what it reaches.

    Args:
        session: the transaction.
        engine: the rules.
        agent: whose chain.
        got: the envelope that was just stored.
        received_ms: when it arrived.
    """
    for seq in beyond(session, agent, agent.ack_seq):
        while seq > agent.ack_seq + 1 and _pass_loss(session, agent, seq):
            continue
        if seq != agent.ack_seq + 1 or not _take(session, engine, agent, seq, got, received_ms):
            break
    if agent.detected_seq > agent.ack_seq:
        _judge_onward(session, engine, agent)
    waits = agent.detected_seq < _newest(session, agent, got)
    if waits != (agent.gap_since_ms is not None):
        agent.gap_since_ms = engine.now_ms if waits else None
    session.add(agent)
    session.flush()


def pass_gap(session: Session, engine: Engine, agent: Agent) -> None:
    """Judge what waits beyond a gap: power comes first, the missing is still asked for."""
    for seq in beyond(session, agent, agent.detected_seq):
        _judge(session, engine, agent, seq)
        agent.detected_seq = seq
    agent.gap_since_ms = None
    session.add(agent)


def _judge_onward(session: Session, engine: Engine, agent: Agent) -> None:
    """A gap was passed before: what follows the newest judged envelope need not wait again."""
    for seq in beyond(session, agent, agent.detected_seq):
        if seq != agent.detected_seq + 1:
            return
        _judge(session, engine, agent, seq)
        agent.detected_seq = seq


def _take(session: Session, engine: Engine, agent: Agent, seq: int, got: Accepted, received_ms: int) -> bool:
    """Add the following envelope to the chain and judge it; says whether it really follows."""
    if seq == got.batch.seq:
        sha, batch, taken = got.sha, got.batch, got.rows
    else:
        stored = _get(session, agent, seq)
        sha, received_ms, (batch, taken) = stored.sha, stored.received_ms, opened(stored)
    if agent.ack_sha is not None and batch.prev != b64url(agent.ack_sha):
        records.reject_stored(session, _get(session, agent, seq))
        return False
    agent.ack_seq, agent.ack_sha = seq, sha
    if seq > agent.detected_seq:
        engine.take(agent.id, batch, taken, received_ms)
        agent.detected_seq = seq
    return True


def _judge(session: Session, engine: Engine, agent: Agent, seq: int) -> None:
    stored = _get(session, agent, seq)
    engine.take(agent.id, *opened(stored), stored.received_ms)


def _newest(session: Session, agent: Agent, got: Accepted) -> int:
    """The highest stored number; asked of the database only where something may lie beyond the chain."""
    if agent.gap_since_ms is None and agent.ack_seq >= got.batch.seq:
        return agent.detected_seq
    return session.exec(select(func.max(Envelope.seq)).where(Envelope.agent_id == agent.id)).one() or 0


def beyond(session: Session, agent: Agent, last: int) -> Sequence[int]:
    """Numbers of stored envelopes after one, in order."""
    return session.exec(
        select(Envelope.seq)
        .where(Envelope.agent_id == agent.id, col(Envelope.seq) > last)
        .order_by(col(Envelope.seq))
        .limit(AT_ONCE)
    ).all()


def _get(session: Session, agent: Agent, seq: int) -> Envelope:
    return session.exec(select(Envelope).where(Envelope.agent_id == agent.id, Envelope.seq == seq)).one()


def _pass_loss(session: Session, agent: Agent, stored_seq: int) -> bool:
    """Go on behind a declared loss that holds the following number, but never over a stored envelope."""
    last = session.exec(
        select(Loss.last_seq)
        .where(
            Loss.agent_id == agent.id,
            col(Loss.first_seq) <= agent.ack_seq + 1,
            col(Loss.last_seq) >= agent.ack_seq + 1,
        )
        .order_by(col(Loss.last_seq).desc())
    ).first()
    if last is None:
        return False
    agent.ack_seq, agent.ack_sha = min(last, stored_seq - 1), None
    agent.detected_seq = max(agent.detected_seq, agent.ack_seq)
    return True
