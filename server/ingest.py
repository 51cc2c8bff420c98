"""Messages in, receipts out: verify, store (accepted or rejected, verbatim), follow the chain, judge. One transaction.

Nothing is acknowledged to the broker and no receipt is signed before the transaction is committed. Everything is
idempotent by agent and sequence number; the MQTT dup flag says nothing and is not looked at.
"""

import msgspec
from sqlmodel import Session, col, select

from server import violations
from server.detect import silent
from server.detect.finding import Code
from server.engine import Engine, Judged, opened
from server.store import Store
from server.tables import Agent, Envelope, Loss, Rejected
from server.verify import Accepted, Registered, Why, verify
from server.verify import Rejected as Refusal
from wire import chain, receipt
from wire import envelope as envelopes
from wire.clock import Clock
from wire.keys import PrivateKey, PublicKey, b64url
from wire.limits import MISSING_RANGES_MAX
from wire.receipt import Receipt

RECEIPT_KID = "server#1"


class Message(msgspec.Struct, frozen=True):
    """A message as the broker gave it."""

    topic: str
    payload: bytes
    received_ms: int


class Done(msgspec.Struct, frozen=True):
    """What one committed transaction leads to.

    Attributes:
        receipts: agent to signed receipt.
        judged: what changed.
        accepted, duplicates, rejected: messages by what became of them.
    """

    receipts: dict[str, bytes]
    judged: Judged
    accepted: int
    duplicates: int
    rejected: int


class Ingest:
    """The path of a message through the server; owns no thread and no connection."""

    def __init__(
        self, store: Store, deployment: str, key: PrivateKey, clock: Clock, *, silent_after_s: float, gap_wait_s: float
    ) -> None:
        self._store, self._deployment, self._key, self._clock = store, deployment, key, clock
        self._silent_after_s, self._gap_wait_ms = silent_after_s, gap_wait_s * 1000

    def take(self, messages: list[Message]) -> Done:
        """Handle messages in one transaction; when this returns they are committed."""
        counts = {"accepted": 0, "duplicates": 0, "rejected": 0}
        touched: dict[str, Agent] = {}
        with self._store.transaction() as session:
            engine = Engine(session, self._clock.wall_ms())
            for message in messages:
                verdict = verify(
                    message.topic, message.payload, lambda kid: _registered(session, kid), self._deployment
                )
                if isinstance(verdict, Refusal):
                    _store_rejected(session, message, verdict)
                    counts["rejected"] += 1
                    continue
                agent = touched.setdefault(verdict.agent, session.get_one(Agent, verdict.agent))
                counts[self._take_one(session, engine, agent, message, verdict)] += 1
            engine.save()
            receipts = {agent.id: self._receipt(session, agent) for agent in touched.values()}
        return Done(receipts, engine.judged, **counts)

    def tick(self, listening_since_ms: int) -> Judged:
        """What time alone brings: gaps that waited long enough, and silence.

        Args:
            listening_since_ms: since when the server itself could hear; its own deafness is no agent's silence.
        """
        now_ms = self._clock.wall_ms()
        with self._store.transaction() as session:
            engine = Engine(session, now_ms)
            for agent in session.exec(select(Agent).where(col(Agent.revoked_ms).is_(None))).all():
                if agent.gap_since_ms is not None and now_ms - agent.gap_since_ms >= self._gap_wait_ms:
                    self._pass_gap(session, engine, agent)
                self._judge_silence(session, engine, agent, now_ms, listening_since_ms)
            engine.save()
        return engine.judged

    def _take_one(self, session: Session, engine: Engine, agent: Agent, message: Message, got: Accepted) -> str:
        last = chain.Link(agent.ack_seq, agent.ack_sha or b"")
        stored = session.exec(
            select(Envelope.sha).where(Envelope.agent_id == agent.id, Envelope.seq == got.batch.seq)
        ).first()
        prev = got.batch.prev if agent.ack_sha is not None else b64url(last.sha)  # unknown after a declared loss
        verdict = chain.check(last, got.batch.seq, prev, got.sha, stored)
        if isinstance(verdict, chain.Duplicate):
            return "duplicates"
        if isinstance(verdict, chain.Fork):
            _store_rejected(session, message, Refusal(agent.id, Why.FORK, verdict.detail))
            return "rejected"
        _store_accepted(session, message, got)
        agent.heard_ms = message.received_ms
        agent.last_row_ms = max([agent.last_row_ms or 0, *(row.wall_ms for row in got.rows)]) or None
        if got.batch.seq < agent.detected_seq:  # one of the missing, after detection went on without it
            engine.take_late(agent.id, got.batch, got.rows)
        self._advance(session, engine, agent, got)
        return "accepted"

    def _advance(self, session: Session, engine: Engine, agent: Agent, got: Accepted) -> None:
        """Follow the chain through stored envelopes and declared losses, and judge what it reaches."""
        while True:
            following = agent.ack_seq + 1
            skip = _loss_covering(session, agent.id, following)
            if skip is not None:
                agent.ack_seq, agent.ack_sha = skip, None
                agent.detected_seq = max(agent.detected_seq, skip)
                continue
            stored = session.exec(
                select(Envelope).where(Envelope.agent_id == agent.id, Envelope.seq == following)
            ).first()
            if stored is None:
                break
            batch, taken = (got.batch, got.rows) if got.batch.seq == following else opened(stored)
            if agent.ack_sha is not None and batch.prev != b64url(agent.ack_sha):
                _reject_stored(session, stored)
                break
            agent.ack_seq, agent.ack_sha = following, stored.sha
            if following > agent.detected_seq:
                engine.take(agent.id, batch, taken)
                agent.detected_seq = following
        if agent.detected_seq > agent.ack_seq:
            self._judge_beyond(session, engine, agent)
        self._note_gap(session, agent)

    def _judge_beyond(self, session: Session, engine: Engine, agent: Agent) -> None:
        """A gap was passed before: what follows the newest judged envelope need not wait again."""
        while True:
            stored = session.exec(
                select(Envelope).where(Envelope.agent_id == agent.id, Envelope.seq == agent.detected_seq + 1)
            ).first()
            if stored is None:
                return
            engine.take(agent.id, *opened(stored))
            agent.detected_seq = stored.seq

    def _note_gap(self, session: Session, agent: Agent) -> None:
        beyond = session.exec(
            select(Envelope.id).where(Envelope.agent_id == agent.id, col(Envelope.seq) > agent.detected_seq)
        ).first()
        waits = beyond is not None
        if waits != (agent.gap_since_ms is not None):
            agent.gap_since_ms = self._clock.wall_ms() if waits else None
        session.add(agent)
        session.flush()

    def _pass_gap(self, session: Session, engine: Engine, agent: Agent) -> None:
        """Judge what waits beyond a gap: power comes first, the missing is still asked for."""
        waiting = session.exec(
            select(Envelope)
            .where(Envelope.agent_id == agent.id, col(Envelope.seq) > agent.detected_seq)
            .order_by(col(Envelope.seq))
        ).all()
        for stored in waiting:
            engine.take(agent.id, *opened(stored))
            agent.detected_seq = stored.seq
        agent.gap_since_ms = None
        session.add(agent)

    def _judge_silence(
        self, session: Session, engine: Engine, agent: Agent, now_ms: int, listening_since_ms: int
    ) -> None:
        if agent.heard_ms is None or agent.last_row_ms is None:
            return
        for place in engine.places(agent):
            if place.meter.role != "furnace" or not place.seal.from_ms <= now_ms < (place.seal.until_ms or now_ms + 1):
                continue
            finding = silent.judge(
                last_row_ms=agent.last_row_ms,
                heard_ms=max(agent.heard_ms, listening_since_ms),
                now_ms=now_ms,
                limit_s=self._silent_after_s,
                seq=agent.ack_seq,
                meter=place.meter.name,
            )
            if finding is not None:
                engine.found(agent.id, place, [finding])
            elif violations.end(session, place.seal_id, Code.SILENT, place.meter.name, agent.last_row_ms):
                engine.judged.seals.add(place.seal_id)

    def _receipt(self, session: Session, agent: Agent) -> bytes:
        have = session.exec(
            select(Envelope.seq)
            .where(Envelope.agent_id == agent.id, col(Envelope.seq) > agent.ack_seq)
            .order_by(col(Envelope.seq))
        ).all()
        held = _ranges(list(have))
        body = Receipt(
            dep=self._deployment,
            agt=agent.id,
            ack=agent.ack_seq,
            sha=b64url(agent.ack_sha) if agent.ack_sha and agent.ack_seq else "",
            now=self._clock.wall_ms(),
            have=held[:MISSING_RANGES_MAX],
            miss=_between(agent.ack_seq, held)[:MISSING_RANGES_MAX],
        )
        return envelopes.sign(receipt.encode(body), envelopes.Kind.RECEIPT, RECEIPT_KID, self._key)


def _registered(session: Session, kid: str) -> Registered | None:
    agent = session.exec(select(Agent).where(Agent.kid == kid)).first()
    if agent is None:
        return None
    return Registered(agent.id, PublicKey.parse(agent.public_key), agent.revoked_ms is not None)


def _store_accepted(session: Session, message: Message, got: Accepted) -> None:
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


def _store_rejected(session: Session, message: Message, refusal: Refusal) -> None:
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


def _reject_stored(session: Session, stored: Envelope) -> None:
    """An envelope that waited beyond a gap turns out to follow another history: keep it as rejected."""
    session.delete(stored)
    refusal = Refusal(stored.agent_id, Why.FORK, f"number {stored.seq} follows another envelope than the stored one")
    _store_rejected(session, Message(f"(stored) {stored.agent_id}", stored.raw, stored.received_ms), refusal)


def _loss_covering(session: Session, agent_id: str, seq: int) -> int | None:
    """The last number of a declared loss that holds this one."""
    return session.exec(
        select(Loss.last_seq)
        .where(Loss.agent_id == agent_id, col(Loss.first_seq) <= seq, col(Loss.last_seq) >= seq)
        .order_by(col(Loss.last_seq).desc())
    ).first()


def _ranges(numbers: list[int]) -> list[tuple[int, int]]:
    """Sorted numbers as first and last of each run."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def _between(ack: int, held: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """What is missing between the chain's end and the ranges beyond it."""
    missing, following = list[tuple[int, int]](), ack + 1
    for first, last in held:
        missing.append((following, first - 1))
        following = last + 1
    return missing
