"""What the monitor itself was like when something happened: read out of the envelopes of that time, nothing else."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, func, select

from server.meter_rows import batch
from server.tables import Agent, Envelope, Loss
from server.views.violations import Evidence
from wire.batch import Batch
from wire.keys import PublicKey

OPENED_MAX = 24
"""So many envelopes from the first that shows a violation on are opened for what their agent says of itself."""

WAITING = "waiting"
"""The counter of an agent's health that says how many envelopes wait for the server."""


class MeterThen(BaseModel):
    """A meter as the agent named it then.

    Attributes:
        serials, firmwares: what the meter itself told, in the order in which it told it; empty where it tells none.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    profiles: list[str]
    serials: list[str]
    firmwares: list[str]


class ClockThen(BaseModel):
    """The agent's clock as its envelopes tell it.

    Attributes:
        states: quality letters (wire/FORMAT.md) that occur; "S" is synchronised.
        source: what synchronises it; empty where nothing is said.
        offset_ms, error_ms: the largest offset and bound of the error that were told; null where none was.
        steps_ms: sizes of its steps.
    """

    model_config = ConfigDict(extra="forbid")

    states: list[str]
    source: str
    offset_ms: int | None
    error_ms: int | None
    steps_ms: list[int]


class Witness(BaseModel):
    """One agent in the envelopes that hold a violation.

    Attributes:
        algorithm: of its key.
        numbers: how many sequence numbers the range has.
        stored: how many of them are stored; each was checked for signature and chain before it was.
        lost: how many of them the agent itself declared lost.
        boots: runs of its program in the range.
        opened: envelopes from the first on that were opened for what follows; where 0, the rest is empty.
        heard_ms: server time at which the first of them arrived.
        delay_ms: how long after its last row that one arrived; null where it has none.
        waiting: envelopes that waited at the agent then; null where it said nothing.
        release: of its program.
    """

    model_config = ConfigDict(extra="forbid")

    agent_id: str
    algorithm: str
    first_seq: int
    last_seq: int
    numbers: int
    stored: int
    lost: int
    boots: int
    opened: int
    heard_ms: int | None
    delay_ms: int | None
    waiting: int | None
    release: str
    clock: ClockThen
    meters: list[MeterThen]


def witness(session: Session, evidence: Evidence) -> Witness:
    """What one agent was like in a range of its envelopes.

    Args:
        session: the transaction.
        evidence: whose envelopes, from where to where.
    """
    agent_id, first, last = evidence.agent_id, evidence.first_seq, evidence.last_seq
    within = (Envelope.agent_id == agent_id, col(Envelope.seq).between(first, last))
    stored = session.exec(select(func.count()).select_from(Envelope).where(*within)).one()
    kept = session.exec(select(Envelope).where(*within).order_by(col(Envelope.seq)).limit(OPENED_MAX)).all()
    bodies = [batch(envelope.raw) for envelope in kept]
    agent = session.get(Agent, agent_id)
    head = kept[0] if kept else None
    return Witness(
        agent_id=agent_id,
        algorithm="" if agent is None else PublicKey.parse(agent.public_key).alg,
        first_seq=first,
        last_seq=last,
        numbers=last - first + 1,
        stored=stored,
        lost=_lost(session, evidence),
        boots=_boots(session, evidence),
        opened=len(kept),
        heard_ms=None if head is None else head.received_ms,
        delay_ms=None if head is None or head.last_ms is None else head.received_ms - head.last_ms,
        waiting=next((b.hlt[WAITING] for b in bodies if WAITING in b.hlt), None),
        release=bodies[0].sw if bodies else "",
        clock=_clock(bodies),
        meters=_meters(bodies),
    )


def _boots(session: Session, evidence: Evidence) -> int:
    """Runs in the range. A run's id never comes back, so the same at both ends is one run, and nothing is counted."""
    within = (
        Envelope.agent_id == evidence.agent_id,
        col(Envelope.seq).between(evidence.first_seq, evidence.last_seq),
    )
    ends = [
        session.exec(select(Envelope.boot).where(*within).order_by(order).limit(1)).first()
        for order in (col(Envelope.seq), col(Envelope.seq).desc())
    ]
    if ends[0] == ends[1]:
        return 0 if ends[0] is None else 1
    return session.exec(select(func.count(func.distinct(Envelope.boot))).where(*within)).one()


def _lost(session: Session, evidence: Evidence) -> int:
    """Numbers of the range that the agent declared lost."""
    declared = session.exec(
        select(Loss.first_seq, Loss.last_seq)
        .where(Loss.agent_id == evidence.agent_id)
        .where(col(Loss.first_seq) <= evidence.last_seq, col(Loss.last_seq) >= evidence.first_seq)
    ).all()
    return sum(
        min(last, evidence.last_seq) - max(first, evidence.first_seq) + 1
        for first, last in declared
        if first is not None and last is not None
    )


def _clock(bodies: Sequence[Batch]) -> ClockThen:
    told = [b.clk for b in bodies]
    return ClockThen(
        states=list(dict.fromkeys(clock.st for clock in told)),
        source=next((clock.src for clock in told if clock.src), ""),
        offset_ms=max((clock.off for clock in told if clock.off is not None), key=abs, default=None),
        error_ms=max((clock.err for clock in told if clock.err is not None), default=None),
        steps_ms=[clock.step for clock in told if clock.step],
    )


def _meters(bodies: Sequence[Batch]) -> list[MeterThen]:
    blocks = [block for b in bodies for block in b.mtr]
    return [
        MeterThen(
            name=name,
            profiles=list(dict.fromkeys(b.prof for b in blocks if b.id == name)),
            serials=list(dict.fromkeys(b.ser for b in blocks if b.id == name and b.ser)),
            firmwares=list(dict.fromkeys(b.fw for b in blocks if b.id == name and b.fw)),
        )
        for name in dict.fromkeys(block.id for block in blocks)
    ]
