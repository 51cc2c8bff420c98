"""Messages in, receipts out: verify, store (accepted or rejected, verbatim), follow the chain, judge. One transaction.

Nothing is acknowledged to the broker and no receipt is signed before the transaction is committed. Everything is
idempotent by agent and sequence number; the MQTT dup flag says nothing and is not looked at.
"""

from collections.abc import Sequence

import msgspec
from sqlmodel import Session, col, or_, select

from server import following, records, violations
from server.detect import silent
from server.detect.coverage import AHEAD_MS
from server.detect.finding import Code
from server.detect.rules import FURNACE
from server.engine import Engine, Judged
from server.facts import WatchedCache
from server.message import Message
from server.store import Store
from server.tables import Agent, Envelope
from server.verify import Accepted, Registered, Why, verify
from server.verify import Rejected as Refusal
from wire import chain, receipt
from wire import envelope as envelopes
from wire.clock import Clock
from wire.keys import PrivateKey, PublicKey, b64url
from wire.limits import MISSING_RANGES_MAX
from wire.receipt import Receipt

RECEIPT_KID = "server#1"
SILENT_AGAIN_MS = 10_000


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
        self._watched = WatchedCache(clock)
        self._told_silent: dict[str, int] = {}

    def take(self, messages: list[Message]) -> Done:
        """Handle messages in one transaction; when this returns they are committed."""
        counts = {"accepted": 0, "duplicates": 0, "rejected": 0}
        touched: dict[str, Agent] = {}
        with self._store.transaction() as session:
            engine = self._engine(session, self._clock.wall_ms())
            for message in messages:
                verdict = verify(
                    message.topic, message.payload, lambda kid: _registered(session, kid), self._deployment
                )
                if isinstance(verdict, Refusal):
                    records.reject(session, message, verdict)
                    counts["rejected"] += 1
                    continue
                agent = touched.setdefault(verdict.agent, session.get_one(Agent, verdict.agent))
                counts[self._take_one(session, engine, agent, message, verdict)] += 1
            engine.save()
            receipts = {agent.id: self._receipt(session, agent) for agent in touched.values()}
        return Done(receipts, engine.judged, **counts)

    def set_aside(self, message: Message) -> None:
        """Keep a message as rejected because a mistake of ours cannot take it; its agent gets no receipt."""
        with self._store.transaction() as session:
            records.reject(session, message, Refusal(None, Why.OUR_MISTAKE, "see the server's log; report it"))

    def tick(self, listening_since_ms: int) -> Judged:
        """What time alone brings: gaps that waited long enough, and silence.

        Args:
            listening_since_ms: since when the server itself could hear; its own deafness is no agent's silence.
        """
        now_ms = self._clock.wall_ms()
        with self._store.transaction() as session:
            engine = self._engine(session, now_ms)
            waited = select(Agent).where(col(Agent.gap_since_ms) <= now_ms - self._gap_wait_ms)
            for agent in session.exec(waited).all():
                following.pass_gap(session, engine, agent)
            engine.catch_up_new_meters()
            self._judge_silence(session, engine, now_ms, listening_since_ms)
            engine.save()
        return engine.judged

    def _engine(self, session: Session, now_ms: int) -> Engine:
        return Engine(session, now_ms, self._watched)

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
            records.reject(session, message, Refusal(agent.id, Why.FORK, verdict.detail))
            return "rejected"
        records.accept(session, message, got)
        agent.heard_ms = message.received_ms
        believable = (row.wall_ms for row in got.rows if row.wall_ms <= message.received_ms + AHEAD_MS)
        agent.last_row_ms = max([agent.last_row_ms or 0, *believable]) or None
        if got.batch.seq <= agent.detected_seq:  # one of the missing, after detection went on without it
            engine.take_late(agent.id, got.rows)
        following.advance(session, engine, agent, got, message.received_ms)
        return "accepted"

    def _judge_silence(self, session: Session, engine: Engine, now_ms: int, listening_since_ms: int) -> None:
        """Ask only about agents that were not heard for long, and those that a finding calls silent."""
        limit_ms = now_ms - self._silent_after_s * 1000
        stale = or_(col(Agent.heard_ms) < limit_ms, col(Agent.last_row_ms) < limit_ms)
        if listening_since_ms < limit_ms:
            for agent in session.exec(select(Agent).where(col(Agent.revoked_ms).is_(None), stale)).all():
                self._judge_quiet(engine, agent, now_ms, listening_since_ms)
        for seal_id, agent in violations.called_silent(session):
            if agent.revoked_ms is not None or _fresh_ms(agent) >= limit_ms:
                over = violations.end(session, seal_id, Code.SILENT, agent.id, agent.last_row_ms or now_ms)
                engine.ended(over)
                engine.judged.seals.add(seal_id)

    def _judge_quiet(self, engine: Engine, agent: Agent, now_ms: int, listening_since_ms: int) -> None:
        """A finding for each seal of the agent; one that goes on is told again each SILENT_AGAIN_MS only."""
        if now_ms - self._told_silent.get(agent.id, 0) < SILENT_AGAIN_MS:
            return
        for place in engine.places(agent):
            sealed = place.seal.from_ms <= now_ms < (place.seal.until_ms or now_ms + 1)
            if place.meter.role != FURNACE or not sealed or agent.last_row_ms is None or agent.heard_ms is None:
                continue
            finding = silent.judge(
                last_row_ms=agent.last_row_ms,
                heard_ms=max(_fresh_ms(agent), listening_since_ms),
                now_ms=now_ms,
                limit_s=self._silent_after_s,
                seq=agent.ack_seq,
                meter=place.meter.name,
            )
            if finding is not None:
                engine.found(agent.id, place, [finding])
                self._told_silent[agent.id] = now_ms

    def _receipt(self, session: Session, agent: Agent) -> bytes:
        beyond = agent.gap_since_ms is not None or agent.detected_seq > agent.ack_seq
        held = _ranges(following.beyond(session, agent, agent.ack_seq)) if beyond else []
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


def _fresh_ms(agent: Agent) -> int:
    """How recent an agent's newest row is, by its own clock and by ours: one that only sends the past is silent too."""
    return min(agent.heard_ms or 0, agent.last_row_ms or 0)


def _registered(session: Session, kid: str) -> Registered | None:
    agent = session.exec(select(Agent).where(Agent.kid == kid)).first()
    if agent is None:
        return None
    return Registered(agent.id, PublicKey.parse(agent.public_key), agent.revoked_ms is not None)


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
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
        if first > following:
            missing.append((following, first - 1))
        following = last + 1
    return missing
