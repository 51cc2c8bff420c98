"""Messages as they are kept: accepted or rejected, verbatim."""

from sqlmodel import Session, select

from server.message import Message
from server.tables import Envelope, Loss, Rejected
from server.verify import Accepted, Why
from server.verify import Rejected as Refusal
from wire import envelope as envelopes


def accept(session: Session, message: Message, got: Accepted) -> None:
    """Keep an accepted envelope, and what it declares lost."""
    times = [row.wall_ms for row in got.rows]
    session.add(
        Envelope(
            agent_id=got.agent,
            seq=got.batch.seq,
            boot=got.batch.boot,
            sha=got.sha,
            first_ms=min(times, default=None),
            last_ms=max(times, default=None),
            received_ms=message.received_ms,
            raw=message.payload,
        )
    )
    for first, last, count, reason in got.batch.loss:
        session.add(
            Loss(
                agent_id=got.agent, first_seq=first, last_seq=last, rows=count, reason=reason,
                declared_in_seq=got.batch.seq,
            )
        )  # fmt: skip
    session.flush()


def reject(session: Session, message: Message, refusal: Refusal) -> None:
    """Keep a message that is not believed, once, with the reason."""
    sha = envelopes.digest(message.topic.encode() + b"\n" + message.payload)
    if session.exec(select(Rejected.id).where(Rejected.sha == sha)).first() is not None:
        return  # the same message again: once is enough to keep
    session.add(
        Rejected(
            received_ms=message.received_ms,
            topic=message.topic[:200],
            agent_id=refusal.agent,
            reason=refusal.why.value,
            detail=refusal.detail[:500],
            sha=sha,
            raw=message.payload,
        )
    )
    session.flush()


def reject_stored(session: Session, stored: Envelope) -> None:
    """An envelope that waited beyond a gap turns out to follow another history: keep it as rejected."""
    refusal = Refusal(stored.agent_id, Why.FORK, f"number {stored.seq} follows another envelope than the stored one")
    reject(session, Message(f"(stored) {stored.agent_id}", stored.raw, stored.received_ms), refusal)
    session.delete(stored)  # the database lets it go only now that `rejected` holds its bytes
    session.flush()
