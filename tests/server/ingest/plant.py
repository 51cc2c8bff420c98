"""A small plant for tests of the server: registered seals and agents that sign real envelopes, no broker."""

from collections.abc import Sequence
from pathlib import Path

from server.ingest import Ingest
from server.message import Message
from server.tables import Agent, Enterprise, Furnace, Meter, Pledge, Seal, Site
from tests.server.stores import a_store
from wire import batch, chain, envelope, topics
from wire.batch import Batch, ClockQuality
from wire.keys import PrivateKey, b64url
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable, Value

START_MS = 1_772_294_400_000
DEPLOYMENT = "test.coldseal/1"
SEAL = "FZ-TEST-0001"


class SteppedClock:
    """A clock that a test moves."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms

    def wall_ms(self) -> int:
        """The moment that the test set."""
        return self.now_ms

    def monotonic_ms(self) -> int:
        """The same moment."""
        return self.now_ms

    async def sleep(self, seconds: float) -> None:
        """Nobody sleeps here: moves on at once."""
        self.now_ms += round(seconds * 1000)


class SigningAgent:
    """An agent without a meter: signs the readings that a test gives it."""

    def __init__(self, name: str = "a1") -> None:
        self.name = name
        self.kid = f"{name}#1"
        self.key = PrivateKey.generate()
        self.boot = "00000000-0000-4000-8000-000000000001"
        self.seq = 0
        self.prev = chain.genesis(DEPLOYMENT, name, self.kid, self.key.public)

    def envelope(
        self, readings: Sequence[Reading], *, loss: Sequence[tuple[int | None, int | None, int, str]] = ()
    ) -> Message:
        """The next envelope, as the broker would give it."""
        self.seq += 1
        meters = sorted({r.meter for r in readings})
        t0 = readings[0].wall_ms if readings else None
        body = Batch(
            v=1, dep=DEPLOYMENT, agt=self.name, boot=self.boot, bn=1, seq=self.seq, prev=b64url(self.prev), t0=t0,
            mono=0 if readings else None, clk=ClockQuality(st="U"), per=1000, sw="test", cfg="test",
            mtr=[
                batch.block([r for r in readings if r.meter == m], t0_ms=t0 or 0, period_ms=1000,
                            profile="eastron_sdm630", profile_digest="", unit=1)
                for m in meters
            ],
            loss=[*loss],
        )  # fmt: skip
        raw = envelope.sign(batch.encode(body), envelope.Kind.BATCH, self.kid, self.key)
        self.prev = envelope.digest(raw)
        last_ms = readings[-1].wall_ms if readings else START_MS
        return Message(topics.build(self.name, topics.Channel.UP), raw, last_ms)

    def lose(self, count: int) -> None:
        """Skip numbers as an agent that had to drop envelopes does."""
        for _ in range(count):
            self.envelope([])


def reading(second: float, power_w: float | None, *, meter: str = "m1", energy_wh: float = 500_000.0) -> Reading:
    """A row of a live furnace meter; power None: it did not answer."""
    at = START_MS + round(second * 1000)
    if power_w is None:
        values: dict[Quantity, Value] = {Quantity.ACTIVE_POWER_W: Unreadable(Reason.TIMEOUT)}
        return Reading(meter, at, at, State.TIMEOUT, values, {})
    values = {
        Quantity.ACTIVE_POWER_W: power_w,
        Quantity.VOLTAGE_L1_V: 230.0,
        Quantity.VOLTAGE_L2_V: 230.0,
        Quantity.VOLTAGE_L3_V: 230.0,
        Quantity.FREQUENCY_HZ: 50.0,
        Quantity.IMPORT_ENERGY_WH: energy_wh,
    }
    return Reading(meter, at, at, State.OK, values, {})


class Plant:
    """A store with one registered seal, its agent, and the server's ingest."""

    def __init__(
        self,
        folder: Path,
        agent: SigningAgent | None = None,
        *,
        silent_after_s: float = 180.0,
        gap_wait_s: float = 10.0,
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.clock = SteppedClock()
        self.server_key = PrivateKey.generate()
        self.agent = agent or SigningAgent()
        self._waits = {"silent_after_s": silent_after_s, "gap_wait_s": gap_wait_s}
        self.store = a_store(folder)
        self._register()
        self.ingest = self._make()

    def take(self, *messages: Message) -> None:
        """Give messages to the server, one transaction each."""
        for message in messages:
            self.clock.now_ms = max(self.clock.now_ms, message.received_ms)
            self.done = self.ingest.take([message])

    def restart(self) -> None:
        """The server is killed and started again on the same file."""
        self.store.close()
        self.store = a_store(self.folder)
        self.ingest = self._make()

    def _make(self) -> Ingest:
        return Ingest(self.store, DEPLOYMENT, self.server_key, self.clock, **self._waits)

    def _register(self) -> None:
        agent = self.agent
        genesis = chain.genesis(DEPLOYMENT, agent.name, agent.kid, agent.key.public)
        with self.store.transaction() as session:
            enterprise = Enterprise(name="示例铸造一厂")
            session.add(enterprise)
            session.flush()
            site = Site(enterprise_id=enterprise.id or 0, name="一号车间", county_code="350121")
            session.add(site)
            session.flush()
            furnace = Furnace(  # noqa: S604 - a furnace has a shell
                site_id=site.id or 0, name="1 号炉", kind="mf_coreless", shell="aluminium", yoke=False, tonnes=0.5,
                rated_kw=350.0, melts_scrap=True,
            )  # fmt: skip
            session.add(furnace)
            session.flush()
            session.add(
                Seal(id=SEAL, furnace_id=furnace.id or 0, break_position="downstream", from_ms=START_MS - 60_000)
            )
            session.flush()
            session.add(Pledge(seal_id=SEAL, allowed_kw=0.0, signatory="张三", signed_ms=START_MS - 60_000))
            session.add(Meter(seal_id=SEAL, agent_id=agent.name, name="m1", role="furnace", profile="eastron_sdm630"))
            session.add(
                Agent(
                    id=agent.name, kid=agent.kid, public_key=str(agent.key.public), added_ms=START_MS, ack_sha=genesis
                )
            )
