"""One seeded world: the agent's real outbox and signer, a faulty network, the server's real ingest and database.

Nothing here waits: time is stepped, and the seed decides every fault.
"""

import random
from collections import Counter
from pathlib import Path

import msgspec

from edge_agent.delivery import Delivery
from edge_agent.identity import Boot, MeterFacts
from edge_agent.outbox import Outbox
from edge_agent.signer import Author, Draft, Row
from server.message import Message
from tests.server.ingest.plant import DEPLOYMENT, START_MS, Plant, SigningAgent, reading
from wire import chain, envelope, topics
from wire.batch import ClockQuality
from wire.receipt import Receipt

STEPS = 240
RESUMES_AT = 120
FAULTS = ("lost", "doubled", "swapped", "receipt_lost", "server_killed", "agent_killed", "offline")


class World:
    """An agent that takes one row a second, and everything that can go wrong on the way.

    Attributes:
        plant: the server.
        taken: wall time of each row that the agent committed.
        happened: how often each fault came.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._dice = random.Random(seed)
        agent = SigningAgent()
        self.plant = Plant(folder / "server", agent)
        self.taken: list[int] = []
        self.happened: Counter[str] = Counter()
        self._folder = folder / "agent"
        self._folder.mkdir()
        self._author = Author(DEPLOYMENT, agent.name, agent.kid, agent.key)
        self._genesis = chain.genesis(DEPLOYMENT, agent.name, agent.kid, agent.key.public)
        self._runs = 0
        self._now_ms = START_MS
        self._wire: list[bytes] = []
        self._offline_until = 0
        self._open()

    def run(self) -> None:
        """Faults first (safety), then none (liveness)."""
        for second in range(STEPS):
            self._step(second, faulty=True)
        for second in range(STEPS, STEPS + 40):
            self._step(second, faulty=False)
        self._seal(fin=True)
        for _ in range(20):
            self._now_ms += 1_000
            self._send(faulty=False)

    @property
    def waiting(self) -> int:
        """Envelopes that the agent still holds."""
        return self._outbox.standing().waiting

    def _open(self) -> None:
        self._runs += 1
        self._outbox = Outbox(self._folder, self._genesis, 10_000_000)
        meters = {"m1": MeterFacts("eastron_sdm630", "digest", 1)}
        boot = Boot(f"{self._runs:08}-0000-4000-8000-000000000000", 0, "test", "test", 1_000, meters)
        self._boot = self._outbox.begin(boot)
        self._delivery = Delivery(5.0, self._dice)

    def _step(self, second: int, *, faulty: bool) -> None:
        self._now_ms = self.plant.clock.now_ms = START_MS + second * 1_000
        melting = second >= RESUMES_AT
        row = reading(second, 326_000.0 if melting else 0.0, energy_wh=500_000.0 + 90 * max(0, second - RESUMES_AT))
        self._outbox.add(self._boot.id, [Row(row, "wake" if second == RESUMES_AT else "")])
        self.taken.append(row.wall_ms)
        if faulty and self._chance("agent_killed", 0.02):
            self._outbox.close()
            self._open()
        if second % 10 == 9 or RESUMES_AT <= second < RESUMES_AT + 10:
            self._seal()
        if faulty and self._chance("offline", 0.02):
            self._offline_until = second + self._dice.randint(5, 40)
        if not faulty or second >= self._offline_until:
            self._send(faulty=faulty)

    def _seal(self, *, fin: bool = False) -> None:
        self._outbox.seal(self._sign, self._now_ms, fin=fin)

    def _sign(self, draft: Draft) -> bytes:
        return self._author.envelope(draft, ClockQuality(st="U"), {})

    def _send(self, *, faulty: bool) -> None:
        for seq in self._delivery.due(self._now_ms):
            self._leave(seq, dict(self._outbox.peek(seq - 1, 1)).get(seq))
        for seq, raw in self._outbox.peek(self._delivery.after, self._delivery.room):
            self._leave(seq, raw)
        if faulty and len(self._wire) > 1 and self._chance("swapped", 0.2):
            self._dice.shuffle(self._wire)
        arriving, self._wire = self._wire, []
        for raw in arriving:
            if faulty and self._chance("lost", 0.15):
                continue
            copies = 2 if faulty and self._chance("doubled", 0.15) else 1
            for _ in range(copies):
                self._arrive(raw, faulty=faulty)

    def _leave(self, seq: int, raw: bytes | None) -> None:
        if raw is not None:
            self._delivery.left(seq, self._now_ms)
            self._delivery.taken(seq, self._now_ms)
            self._wire.append(raw)

    def _arrive(self, raw: bytes, *, faulty: bool) -> None:
        topic = topics.build(self.plant.agent.name, topics.Channel.UP)
        self.plant.take(Message(topic, raw, self._now_ms))
        if faulty and self._chance("server_killed", 0.05):
            self.plant.restart()
            return  # committed, but its receipt never left
        if faulty and self._chance("receipt_lost", 0.2):
            return
        for signed in self.plant.done.receipts.values():
            sealed = envelope.take_apart(signed)
            envelope.check_signature(sealed, self.plant.server_key.public)
            word = envelope.parse(sealed.body, Receipt)
            self._outbox.receipt(word.ack, word.have, word.miss, word.now)
            self._delivery.receipted(word.ack, word.have, word.miss, self._now_ms)

    def _chance(self, fault: str, probability: float) -> bool:
        came = self._dice.random() < probability
        self.happened[fault] += came
        return came


def shown(happened: Counter[str]) -> str:
    """Faults and how often they came."""
    return msgspec.json.encode(dict(happened)).decode()
