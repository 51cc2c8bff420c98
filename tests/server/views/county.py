"""A county of sealed furnaces for tests of pages: registered rows, agents that sign real envelopes, the real ingest."""

from collections.abc import Callable

from server.ingest import Ingest
from server.message import Message
from server.store import Store
from server.tables import Agent, Enterprise, Furnace, Meter, Pledge, Seal, Site
from tests.server.ingest.plant import DEPLOYMENT, START_MS, SigningAgent, SteppedClock, reading
from wire import chain
from wire.keys import PrivateKey
from wire.reading import Reading

DAY_S = 86_400
ENVELOPE_S = 60

Draw = Callable[[int], float | None]
"""Second of the day to W; None: the meter does not answer."""


class Furnished:
    """One sealed furnace and the agent that watches it."""

    def __init__(self, seal_id: str, agent: SigningAgent) -> None:
        self.seal_id, self.agent = seal_id, agent
        self.energy_wh = 500_000.0


class County:
    """Sealed furnaces on one store.

    Args:
        store: a real one.
        clock: moved on to the newest envelope.
    """

    def __init__(self, store: Store, clock: SteppedClock) -> None:
        self.store, self.clock = store, clock
        self._ingest = Ingest(store, DEPLOYMENT, PrivateKey.generate(), clock, silent_after_s=180.0, gap_wait_s=0.0)

    def seal(  # noqa: D417 - the rest is said by its name
        self,
        number: int,
        enterprise: str,
        furnace: str = "1 号炉",
        *,
        from_s: int = -DAY_S,
        until_s: int | None = None,
        allowed_kw: float = 0.0,
        rated_kw: float = 350.0,
    ) -> Furnished:
        """Register a furnace under seal with its pledge, meter and agent.

        Args:
            number: of the seal, and of its agent.
        """
        agent = SigningAgent(f"a{number}")
        seal_id = f"FZ-MH-2026-{number:04d}"
        with self.store.transaction() as session:
            owner = Enterprise(name=enterprise)
            session.add(owner)
            session.flush()
            site = Site(enterprise_id=owner.id or 0, name=f"{number} 号厂区", county_code="350121")
            session.add(site)
            session.flush()
            equipment = Furnace(  # noqa: S604 - a furnace has a shell
                site_id=site.id or 0, name=furnace, kind="mf_coreless", shell="aluminium", yoke=False, tonnes=0.5,
                rated_kw=rated_kw, melts_scrap=True,
            )  # fmt: skip
            session.add(equipment)
            session.flush()
            session.add(
                Seal(
                    id=seal_id, furnace_id=equipment.id or 0, break_position="downstream",
                    from_ms=START_MS + from_s * 1000, until_ms=None if until_s is None else START_MS + until_s * 1000,
                    dismantle_by_ms=START_MS + 104 * DAY_S * 1000,
                )
            )  # fmt: skip
            session.flush()
            signed_ms = START_MS + from_s * 1000
            session.add(Pledge(seal_id=seal_id, allowed_kw=allowed_kw, signatory="张三", signed_ms=signed_ms))
            session.add(
                Meter(seal_id=seal_id, agent_id=agent.name, name="m1", role="furnace", profile="eastron_sdm630")
            )
            session.add(
                Agent(
                    id=agent.name, kid=agent.kid, public_key=str(agent.key.public), added_ms=signed_ms,
                    ack_sha=chain.genesis(DEPLOYMENT, agent.name, agent.kid, agent.key.public),
                )
            )  # fmt: skip
        return Furnished(seal_id, agent)

    def feed(self, furnished: Furnished, from_s: int, to_s: int, draw: Draw = lambda _second: 0.0) -> None:
        """Let the agent send what its meter says from one second of the day up to another, an envelope a minute."""
        for first in range(from_s, to_s, ENVELOPE_S):
            rows = [self._row(furnished, second, draw) for second in range(first, min(first + ENVELOPE_S, to_s))]
            self.take(furnished.agent.envelope(rows))

    def take(self, message: Message) -> None:
        """Let the server have a message."""
        self.clock.now_ms = max(self.clock.now_ms, message.received_ms)
        self._ingest.take([message])

    def tick(self, now_s: int) -> None:
        """Let time pass without a message."""
        self.clock.now_ms = START_MS + now_s * 1000
        self._ingest.tick(START_MS - DAY_S * 1000)

    def _row(self, furnished: Furnished, second: int, draw: Draw) -> Reading:
        watts = draw(second)
        furnished.energy_wh += (watts or 0.0) / 3600
        return reading(second, watts, energy_wh=furnished.energy_wh)
