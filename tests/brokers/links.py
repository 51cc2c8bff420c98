"""Our two clients, as a test of a broker holds them."""

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import TypeVar

from edge_agent.config import Broker as Line
from edge_agent.uplink import Acknowledged, Connected, Event, Message, Subscribed, Uplink, Will
from server.broker import Arrived, Broker
from server.settings import Settings
from tests.brokers.kinds import PASSWORD, Process
from tests.edge_agent.broker import until
from wire.clock import Clock, SystemClock
from wire.topics import Channel, build

E = TypeVar("E")
DEPLOYMENT = "test.coldseal/2026"
WAIT_S = 30.0
open_links: list[Uplink] = []


def server(folder: Path, broker: Process, protocol: str | None = None, clock: Clock | None = None) -> Broker:
    """The server's client."""
    folder.mkdir(exist_ok=True)
    (folder / "broker.password").write_text(PASSWORD, encoding="utf-8")
    settings = Settings(
        data=folder,
        broker_port=broker.port,
        broker_protocol=protocol or broker.protocol,  # type: ignore[arg-type]  # one of the two
        broker_password_file=str(folder / "broker.password"),
        deployment=DEPLOYMENT,
    )
    return Broker(settings, clock or SystemClock())


async def arrived(broker: Broker, count: int, *, acknowledge: bool = True) -> list[Arrived]:
    """The next messages of the server, each lot acknowledged as after a commit; waited for within a generous bound."""
    found: list[Arrived] = []
    end = time.monotonic() + WAIT_S
    while len(found) < count:
        assert time.monotonic() < end, f"waited {WAIT_S} s for {count} messages, got {len(found)}"
        lot = await asyncio.to_thread(broker.take, 10_000, 0.1)
        if acknowledge:
            broker.acknowledge(lot)
        found += lot
    return found


class Agent:
    """The agent's client with what it was told."""

    def __init__(self, broker: Process, name: str = "a1", protocol: str | None = None) -> None:
        self.name = name
        self.line = Line(
            host="127.0.0.1",
            port=broker.port,
            username=name,
            password=PASSWORD,
            keepalive_s=20,
            reconnect_spread_s=1.0,
            protocol=protocol or broker.protocol,  # type: ignore[arg-type]  # one of the two
        )
        self.events: list[Event] = []
        self.use(self.line)

    def use(self, line: Line, client_id: str = "") -> None:
        """Go by another line, before the start; as whoever the client id says."""
        self.line = line
        self.link = Uplink(client_id or self.name, line, Will(build(self.name, Channel.STATUS), b"gone"), SystemClock())
        open_links.append(self.link)

    async def start(self) -> "Agent":
        """Connect and subscribe as the courier does."""
        self.link.start()
        await self.told(Connected)
        self.link.subscribe((build(self.name, Channel.DOWN), build(self.name, Channel.HIGH_WATER_MARK)))
        await self.told(Subscribed)
        return self

    async def told(self, kind: type[E], count: int = 1) -> list[E]:
        """Wait for events of a kind; all of them so far."""
        await until(lambda: len(self.told_of(kind)) >= count, f"{count} {kind.__name__}", WAIT_S)
        return self.told_of(kind)

    async def publish(self, payloads: list[bytes], topic: str = "", *, retain: bool = False) -> list[Acknowledged]:
        """Publish and wait for the broker's word on each."""
        before = len(self.told_of(Acknowledged))
        hand_over = partial(self.link.publish, topic or build(self.name, Channel.UP), retain=retain)
        for payload in payloads:  # None: its own queue is full, as the courier meets it
            await until(partial(lambda one: hand_over(one) is not None, payload), "room in the queue", WAIT_S)
        return (await self.told(Acknowledged, before + len(payloads)))[before:]

    def received(self) -> list[tuple[str, bytes]]:
        """What was sent to it."""
        return [(message.topic, message.payload) for message in self.told_of(Message)]

    def told_of(self, kind: type[E]) -> list[E]:
        """The events of a kind so far."""
        while not self.link.events.empty():
            self.events.append(self.link.events.get_nowait())
        return [event for event in self.events if isinstance(event, kind)]
