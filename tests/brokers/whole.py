"""The whole way on a real broker: a signed outbox, the agent's courier, the server's worker and its database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from sqlmodel import col, select

from edge_agent.config import Settings
from edge_agent.outbox import Outbox
from server import agents
from server.settings import Settings as ServerSettings
from server.tables import Envelope
from server.worker import Worker
from tests.brokers.kinds import Process
from tests.edge_agent.broker import until
from tests.edge_agent.store import AGENT, DEPLOYMENT, KEY, KID, boot, fill, opened, waiting
from tests.edge_agent.test_courier import QUICK, delivering
from tests.server.stores import a_store
from wire.clock import SystemClock
from wire.keys import PrivateKey


class Ingest:
    """The server's worker on a database in which the agent is registered."""

    def __init__(self, settings: ServerSettings, key: PrivateKey) -> None:
        self.store = a_store(settings.data)
        with self.store.transaction() as session:
            agents.add(session, AGENT, str(KEY.public), KID, deployment=DEPLOYMENT, now_ms=0)
        self.worker = Worker(self.store, settings, key, SystemClock())

    def stored(self) -> dict[int, bytes]:
        """What was committed, by number."""
        with self.store.transaction() as session:
            return {e.seq: e.raw for e in session.exec(select(Envelope).order_by(col(Envelope.seq))).all()}


@contextmanager
def ingesting(settings: ServerSettings, key: PrivateKey) -> Iterator[Ingest]:
    """A worker that runs until the block ends."""
    one = Ingest(settings, key)
    one.worker.start()
    try:
        yield one
    finally:
        one.worker.stop()
        one.store.close()


async def deliver(broker: Process, agent: Settings, server: ServerSettings, key: PrivateKey, folder: Path) -> None:
    """Ten envelopes; ten more while the broker is killed with -9; everything is stored once, byte by byte, then deleted."""
    outbox = opened(folder / "outbox", make=True)
    run = outbox.begin(boot()).id
    fill(outbox, run, range(10))
    signed = waiting(outbox)
    with ingesting(server, key) as ingest, ThreadPoolExecutor(1) as executor:
        async with delivering(agent, outbox, executor, QUICK) as at_work:
            await until(at_work.courier.idle.is_set, "the first receipts")
            broker.kill()
            signed += await at_work.disk(_ten_more, outbox, run)
            at_work.courier.nudge()
            broker.start()
            await until(lambda: len(ingest.stored()) == 20 and at_work.courier.idle.is_set(), "the rest", 60.0)
            left = await at_work.left()
        stored = ingest.stored()
    outbox.close()

    assert left == []
    assert list(stored) == list(range(1, 21))
    assert list(stored.values()) == signed


def _ten_more(outbox: Outbox, run: str) -> list[bytes]:
    fill(outbox, run, range(10, 20))
    return waiting(outbox)
