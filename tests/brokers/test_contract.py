"""One contract for three brokers, spoken by the agent's and the server's own MQTT clients."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from edge_agent.uplink import Lost, Refused, Subscribed
from server.broker import Broker
from tests.brokers.kinds import ACK_WAIT_S, PROMISES, SPOKEN, Process, process
from tests.brokers.links import Agent, arrived, server
from tests.docs.pages import ROOT, text_of
from tests.edge_agent.broker import until
from wire.clock import SystemClock
from wire.errors import SurroundingsError
from wire.topics import Channel, build

UP = build("a1", Channel.UP)
SOME = [b"%d" % n for n in range(50)]
QUIET_S = 0.2


class LateClock(SystemClock):
    """The system's clock, later by what a test adds."""

    later_ms = 0

    def monotonic_ms(self) -> int:
        """Monotonic time, moved."""
        return super().monotonic_ms() + self.later_ms


@pytest.fixture(params=SPOKEN, ids="-".join)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Process]:
    """Each broker with each version of MQTT that it speaks."""
    one = process(tmp_path / "broker", *request.param)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def ingest(broker: Process, tmp_path: Path) -> Iterator[Broker]:
    """The server's client, connected."""
    one = server(tmp_path / "server", broker)
    one.start()
    yield one
    one.stop()


async def again(folder: Path, broker: Process) -> Broker:
    """The server's client after a restart of the server."""
    one = server(folder, broker)
    await asyncio.to_thread(one.start)
    return one


async def test_the_servers_session_outlives_it(broker: Process, tmp_path: Path) -> None:
    """What agents publish while the server is away is delivered when it is back, in order, once."""
    (await again(tmp_path / "server", broker)).stop()
    agent = await Agent(broker).start()
    await agent.publish(SOME)
    back = await again(tmp_path / "server", broker)
    found = await arrived(back, len(SOME))
    more = await asyncio.to_thread(back.take, 100, QUIET_S)
    back.stop()
    await agent.link.stop()

    assert broker.promises.session_outlives_client == "yes"
    assert [one.message.payload for one in found] == SOME
    assert more == []


async def test_the_agents_session_outlives_it(broker: Process, ingest: Broker) -> None:
    """Receipts that the server sends while the agent is off wait for it."""
    agent = await Agent(broker).start()
    await agent.link.stop()
    await asyncio.sleep(QUIET_S)  # until the broker has seen its end, it may send to the connection that was
    for payload in SOME:
        ingest.publish("a1", Channel.DOWN, payload)
    await asyncio.sleep(QUIET_S)
    back = await Agent(broker).start()
    await until(lambda: len(back.received()) >= len(SOME), "the receipts")
    await back.link.stop()

    assert back.received() == [(build("a1", Channel.DOWN), payload) for payload in SOME]


async def test_a_restart_of_the_broker(broker: Process, tmp_path: Path) -> None:
    """Queue and session outlive an orderly restart where the broker promises it; elsewhere both are gone."""
    (await again(tmp_path / "server", broker)).stop()
    agent = await Agent(broker).start()
    await agent.publish(SOME)
    await agent.link.stop()
    broker.stop()
    broker.start()
    back = await again(tmp_path / "server", broker)
    kept = broker.promises.session_outlives_broker == "yes"
    found = await arrived(back, len(SOME)) if kept else await asyncio.to_thread(back.take, 100, QUIET_S)
    back.stop()

    assert [one.message.payload for one in found if one.message.topic == UP] == (SOME if kept else [])


async def test_order_of_each_agent(broker: Process, ingest: Broker) -> None:
    """Two agents at once: the messages of each arrive in its own order."""
    agents = [await Agent(broker, name).start() for name in ("a1", "a2")]
    await asyncio.gather(*(agent.publish(SOME * 4) for agent in agents))
    found = await arrived(ingest, 8 * len(SOME))
    for agent in agents:
        await agent.link.stop()

    assert broker.promises.order_of_one_agent == "yes"
    for name in ("a1", "a2"):
        mine = [one.message.payload for one in found if one.message.topic == build(name, Channel.UP)]
        assert mine == SOME * 4


async def test_what_the_server_did_not_acknowledge(broker: Process, ingest: Broker) -> None:
    """It comes again: after a reconnect, or on the same connection after the broker's ack_wait; what was is not."""
    agent = await Agent(broker).start()
    await agent.publish([b"committed", b"not"])
    first = await arrived(ingest, 2, acknowledge=False)
    ingest.acknowledge(first[:1])
    unasked = await asyncio.to_thread(ingest.take, 10, 2.5 * ACK_WAIT_S)
    if broker.promises.unacknowledged_comes_again == "after a reconnect":
        assert unasked == []
        await asyncio.to_thread(ingest.reopen)
        unasked = await arrived(ingest, 1)
    ingest.acknowledge(unasked)
    await agent.link.stop()

    assert [one.message.payload for one in first] == [b"committed", b"not"]
    assert {one.message.payload for one in unasked} == {b"not"}


async def test_retained_status(broker: Process, tmp_path: Path) -> None:
    """A server that comes later finds the newest status of each agent, and only that."""
    agent = await Agent(broker).start()
    status = build("a1", Channel.STATUS)
    await agent.publish([b"old", b"online"], status, retain=True)
    late = await again(tmp_path / "server", broker)
    found = await arrived(late, 1)
    late.stop()
    await agent.link.stop()

    assert broker.promises.retained_status == "yes"
    assert [(one.message.topic, one.message.payload) for one in found] == [(status, b"online")]


async def test_last_will(broker: Process, ingest: Broker) -> None:
    """An agent whose line breaks without a goodbye is told as gone; one that stops in order is not."""
    orderly = await Agent(broker, "a2").start()
    await orderly.link.stop()
    agent = await Agent(broker).start()
    line = agent.link._client.socket()
    assert isinstance(line, socket.socket)
    line.shutdown(socket.SHUT_RDWR)
    found = await arrived(ingest, 1)
    await agent.link.stop()

    assert broker.promises.last_will == "yes"
    assert [(one.message.topic, one.message.payload) for one in found] == [(build("a1", Channel.STATUS), b"gone")]


async def test_takeover(broker: Process) -> None:
    """Report m03: of two clients with one id the older is ended; whether it is told why is the broker's own."""
    one = await Agent(broker).start()
    two = await Agent(broker).start()
    lost = (await one.told(Lost))[0]
    await one.link.stop()
    await two.link.stop()

    assert broker.promises.takeover_ends_the_older == "yes"
    assert (lost.reason == "Session taken over") == (broker.promises.takeover_is_told == "yes")


async def test_an_agent_writes_anothers_topic(broker: Process, ingest: Broker) -> None:
    """Report m01: with an access list nothing of it arrives, and only some brokers say so; without one it does arrive."""
    agent = await Agent(broker).start()
    told = (await agent.publish([b"foreign"], build("a2", Channel.UP)))[0]
    await agent.publish([b"own"])
    found = await arrived(ingest, 1 if broker.promises.access_list_by_topic == "yes" else 2)
    await agent.link.stop()

    payloads = [one.message.payload for one in found]
    says = broker.promises.refused_publish_is_told
    assert payloads == ([b"own"] if broker.promises.access_list_by_topic == "yes" else [b"foreign", b"own"])
    assert (told.code >= 0x80) == (says == "yes" or (says == "in MQTT 5" and broker.protocol == "5"))


async def test_an_agent_reads_anothers_receipts(broker: Process, ingest: Broker) -> None:
    """With an access list they do not arrive, refused in words or in silence."""
    agent = await Agent(broker).start()
    agent.link.subscribe((build("a2", Channel.DOWN),))
    answer = (await agent.told(Subscribed, 2))[1]
    ingest.publish("a2", Channel.DOWN, b"for a2")
    ingest.publish("a1", Channel.DOWN, b"for a1")
    await until(lambda: (build("a1", Channel.DOWN), b"for a1") in agent.received(), "its own")
    await agent.link.stop()

    listed = broker.promises.access_list_by_topic == "yes"
    assert ((build("a2", Channel.DOWN), b"for a2") in agent.received()) == (not listed)
    assert bool(answer.refused) == (broker.promises.refused_subscription_is_told == "yes")


async def test_the_server_hears_itself(broker: Process, tmp_path: Path) -> None:
    """The start-up check of the access list: with the right to read there is nothing to complain of."""
    clock = LateClock()
    ingest = server(tmp_path / "server", broker, clock=clock)
    await asyncio.to_thread(ingest.start)
    taken = await asyncio.to_thread(ingest.take, 10, QUIET_S)
    clock.later_ms = 60_000
    trouble = ingest.trouble
    ingest.stop()

    assert taken == [], "our own word is nobody's envelope"
    assert trouble is None


def test_the_embedded_broker_has_no_access_list(tmp_path: Path) -> None:
    """So it listens on loopback only, its page says so, and it takes any name without a password."""
    embedded = process(tmp_path / "broker", "embedded", "5")
    embedded.start()
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{embedded.pid}/net/{table}").read_text(encoding="ascii").splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{embedded.port:04X}")
    ]
    embedded.stop()

    assert PROMISES["embedded"].access_list_by_topic == "no"
    assert listening == [f"0100007F:{embedded.port:04X}"]
    assert "listens on loopback only" in text_of(ROOT / "docs" / "brokers.md")


WRONG_PROTOCOL = {
    ("nats", "3.1.1", "5"): (r"does not speak MQTT 5; set broker_protocol: 3\.1\.1", "Unsupported protocol version"),
    ("embedded", "5", "3.1.1"): (r"hung up before it answered: .*MQTT 3\.1\.1 \(broker_protocol\)", ""),
    ("embedded", "3.1.1", "5"): (r"hung up before it answered: .*MQTT 5 \(broker_protocol\)", ""),
}


@pytest.mark.parametrize("case", WRONG_PROTOCOL, ids="-".join)
async def test_a_protocol_that_the_broker_does_not_speak(case: tuple[str, str, str], tmp_path: Path) -> None:
    """Server and agent say which setting to change."""
    name, spoken, tried = case
    words, reason = WRONG_PROTOCOL[case]
    broker = process(tmp_path / "broker", name, spoken)
    broker.start()
    with pytest.raises(SurroundingsError, match=words):
        await asyncio.to_thread(server(tmp_path / "server", broker, protocol=tried).start)
    agent = Agent(broker, protocol=tried)
    agent.link.start()
    heard = [e.reason for e in await agent.told(Refused)] if reason else [e.reason for e in await agent.told(Lost)]
    answered = reason or not (await agent.told(Lost))[0].answered
    await agent.link.stop()
    broker.stop()

    assert not reason or heard[0] == reason
    assert answered


def test_the_page_has_the_table() -> None:
    """docs/brokers.md shows each promise of each broker, and no other."""
    page = text_of(ROOT / "docs" / "brokers.md").partition("\n## What each promises\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("|")]
    promises = [msgspec.structs.asdict(PROMISES[name]) for name in ("embedded", "mosquitto", "nats")]

    assert rows[0][1:] == ["embedded", "Mosquitto", "NATS"]
    assert rows[2:] == [
        [property_.replace("_", " "), *(column[property_] for column in promises)] for property_ in promises[0]
    ]
