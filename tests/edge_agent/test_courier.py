"""Outbox to server through a real broker: nothing is deleted but on the server's signed word."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from edge_agent.config import Settings
from edge_agent.courier import Courier, Pace, open_receipt
from edge_agent.disk import Disk
from edge_agent.health import Fault, Health
from edge_agent.outbox import Outbox
from tests.edge_agent.broker import Mosquitto, Server, until
from tests.edge_agent.conftest import Write
from tests.edge_agent.frames import REPORTS
from tests.edge_agent.store import DEPLOYMENT, KEY, boot, fill, opened, waiting
from wire import receipt as receipts
from wire.clock import SystemClock
from wire.envelope import Kind, sign
from wire.errors import WireError
from wire.keys import PrivateKey
from wire.topics import Channel, build

QUICK = Pace(receipt_wait_s=0.4, hint_after_s=1.0)
FIELD = Pace()


class Delivering:
    """A courier at work."""

    def __init__(self, courier: Courier, outbox: Outbox, health: Health, disk: Disk) -> None:
        self.courier, self.outbox, self.health, self.disk = courier, outbox, health, disk

    async def left(self) -> list[int]:
        """Numbers that the outbox still holds."""
        return [seq for seq, _ in await self.disk(self.outbox.peek, 0, 10_000)]


@asynccontextmanager
async def delivering(
    settings: Settings, outbox: Outbox, executor: ThreadPoolExecutor, pace: Pace = FIELD, boot_id: str = "boot-1"
) -> AsyncIterator[Delivering]:
    """A courier that delivers an outbox until the block ends."""
    health, disk = Health(settings.agent), Disk(executor)
    courier = Courier(settings, boot_id, outbox, disk, SystemClock(), health, pace)
    task = asyncio.create_task(courier.run())
    try:
        yield Delivering(courier, outbox, health, disk)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    """Ten envelopes that wait."""
    made = opened(tmp_path / "box", make=True)
    fill(made, made.begin(boot()).id, range(10))
    yield made
    made.close()


@pytest.fixture
def settings(write: Write, mosquitto: Mosquitto, server: Server) -> Settings:
    """An agent of this broker and server."""
    return write(broker_port=mosquitto.port, server_key=str(server.key.public))


async def test_delivered_in_order_and_deleted(
    settings: Settings, server: Server, outbox: Outbox, executor: ThreadPoolExecutor
) -> None:
    """All that waits arrives byte for byte, in order, once, and is gone after the receipts."""
    raws = waiting(outbox)
    async with delivering(settings, outbox, executor) as at_work:
        await until(at_work.courier.idle.is_set, "everything receipted")
        assert await at_work.left() == []
    assert server.arrivals == list(range(1, 11))
    assert list(server.envelopes.values()) == raws
    await until(lambda: [status["state"] for status in server.statuses] == ["online", "stopped"], "the last status")
    assert {status["boot"] for status in server.statuses} == {"boot-1"}


async def test_a_brokers_word_deletes_nothing(
    settings: Settings, server: Server, outbox: Outbox, executor: ThreadPoolExecutor
) -> None:
    """Report m01: the broker acknowledges everything and the server says nothing: all stays, and the hint appears."""
    expected = (REPORTS / "m01-puback-without-right" / "expected.txt").read_text(encoding="utf-8")
    server.receipting = False
    async with delivering(settings, outbox, executor, QUICK) as at_work:
        await until(lambda: Fault.NO_RECEIPT in at_work.health.faults, "the hint")
        hint = at_work.health.faults[Fault.NO_RECEIPT]
        assert "the broker takes our messages but the server never receipts them: check topic" in hint
        assert "the broker takes our messages but the server never receipts them: check topic" in expected
        assert await at_work.left() == list(range(1, 11))
        await until(lambda: server.arrivals.count(1) >= 2, "a second copy")
        server.receipting = True
        server.send(server.receipt())
        await until(at_work.courier.idle.is_set, "everything receipted")
        assert at_work.health.faults == {}
    assert set(server.envelopes) == set(range(1, 11))


async def test_an_access_list_that_denies_our_topic(
    write: Write, tmp_path: Path, outbox: Outbox, executor: ThreadPoolExecutor
) -> None:
    """Report m01 with MQTT 5: the refusal is read and named, nothing is deleted; once corrected all arrives, none twice."""
    acl = tmp_path / "acl"
    right = f"user a1\ntopic write {build('a1', Channel.UP)}\n"
    common = f"user a1\ntopic write {build('a1', Channel.STATUS)}\ntopic read {build('a1', Channel.DOWN)}\n"
    common += "user server\ntopic readwrite coldseal/#\n"
    acl.write_text(common + right.replace("/a1/", "/a01/"), encoding="utf-8")
    broker = Mosquitto(tmp_path / "broker", f"acl_file {acl}\n")
    broker.start()
    server = Server(broker.port, DEPLOYMENT, "a1", username="server")
    server.start()
    settings = write(broker_port=broker.port, server_key=str(server.key.public))
    async with delivering(settings, outbox, executor, QUICK) as at_work:
        await until(lambda: Fault.PUBLISH_REFUSED in at_work.health.faults, "the refusal")
        assert "Not authorized" in at_work.health.faults[Fault.PUBLISH_REFUSED]
        assert "correct the broker's access list" in at_work.health.faults[Fault.PUBLISH_REFUSED]
        assert at_work.health.numbers()["publish_refused"] == 1
        assert server.envelopes == {}
        acl.write_text(common + right, encoding="utf-8")
        broker.stop()
        broker.start()
        await until(at_work.courier.idle.is_set, "everything receipted")
        assert await at_work.left() == []
        assert Fault.PUBLISH_REFUSED not in at_work.health.faults
    assert set(server.envelopes) == set(range(1, 11))
    server.stop()
    broker.stop()


async def test_nobody_subscribes(
    write: Write, mosquitto: Mosquitto, outbox: Outbox, executor: ThreadPoolExecutor
) -> None:
    """Without any server the broker takes everything: all stays, and the hint asks whether the server runs."""
    async with delivering(write(broker_port=mosquitto.port), outbox, executor, QUICK) as at_work:
        await until(lambda: Fault.NO_RECEIPT in at_work.health.faults, "the hint")
        assert "nobody subscribes: is the server running?" in at_work.health.faults[Fault.NO_RECEIPT]
        assert await at_work.left() == list(range(1, 11))


FORGED = {
    "another key": lambda s: s.send(s.receipt(10), PrivateKey.generate()),
    "another agent": lambda s: s.send(s.receipt(10, agt="a2")),
    "another deployment": lambda s: s.send(s.receipt(10, dep="other")),
    "no envelope": lambda s: s._client.publish(build("a1", Channel.DOWN), b'{"ack":10}', qos=1),
    "an envelope of ours": lambda s: s._client.publish(build("a1", Channel.DOWN), s.envelopes[10], qos=1),
    "the server's key on another kind": lambda s: s._client.publish(
        build("a1", Channel.DOWN), sign(receipts.encode(s.receipt(10)), Kind.BATCH, "server#1", s.key), qos=1
    ),
}


@pytest.mark.parametrize("case", FORGED)
async def test_a_forged_receipt_deletes_nothing(
    case: str, settings: Settings, server: Server, outbox: Outbox, executor: ThreadPoolExecutor
) -> None:
    """What is not this server's receipt for this agent is counted, told, and deletes nothing."""
    server.receipting = False
    async with delivering(settings, outbox, executor) as at_work:
        await until(lambda: len(server.envelopes) == 10, "all envelopes")
        FORGED[case](server)
        await until(lambda: at_work.health.counters["bad_receipts"], "the refusal")
        assert await at_work.left() == list(range(1, 11))
        assert "correct server_key in" in at_work.health.faults[Fault.RECEIPT_REFUSED]
        server.send(server.receipt())
        await until(at_work.courier.idle.is_set, "everything receipted")
        assert at_work.health.faults == {}


async def test_a_receipt_for_other_bytes_stops_sending(
    settings: Settings, server: Server, outbox: Outbox, executor: ThreadPoolExecutor
) -> None:
    """The server holds another envelope under our number: nothing is deleted, sending stops, the cause is named."""
    server.receipting = False
    async with delivering(settings, outbox, executor, QUICK) as at_work:
        await until(lambda: len(server.envelopes) == 10, "all envelopes")
        server.send(server.receipt(10, sha=server.receipt(9).sha))
        await until(lambda: Fault.FORK in at_work.health.faults, "the fork")
        count = len(server.arrivals)
        await asyncio.sleep(1.0)
        assert len(server.arrivals) == count
        assert await at_work.left() == list(range(1, 11))


async def test_an_outbox_restored_from_an_old_copy(
    settings: Settings, server: Server, outbox: Outbox, executor: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    """The retained mark knows later numbers than this outbox: not one envelope is sent, one line says why."""
    server.send(server.receipt(41, sha="x"), channel=Channel.HIGH_WATER_MARK)
    with caplog.at_level(logging.WARNING):
        async with delivering(settings, outbox, executor, QUICK) as at_work:
            await until(lambda: Fault.NUMBER_AHEAD in at_work.health.faults, "the mark")
            await asyncio.sleep(0.8)
    assert server.arrivals == []
    lines = [
        r.getMessage()
        for r in caplog.records
        if "the server knows number 41, this outbox stands at 10" in r.getMessage()
    ]
    assert len(lines) == 1
    assert "register the new key" in lines[0]


async def test_the_retained_mark_alone_deletes(
    settings: Settings, server: Server, outbox: Outbox, executor: ThreadPoolExecutor
) -> None:
    """An agent that missed its receipts learns from the retained mark what is committed, and sends only the rest."""
    raws = dict(enumerate(waiting(outbox), 1))
    server.receipting = False
    server.envelopes.update({seq: raws[seq] for seq in range(1, 8)})
    server.send(server.receipt(), channel=Channel.HIGH_WATER_MARK)
    async with delivering(settings, outbox, executor) as at_work:
        await until(lambda: len(server.arrivals) == 3, "the rest")
        assert await at_work.left() == [8, 9, 10]
    assert server.arrivals == [8, 9, 10]


async def test_what_the_server_misses_is_sent_again(
    settings: Settings, server: Server, outbox: Outbox, executor: ThreadPoolExecutor
) -> None:
    """Numbers in `miss` leave again without waiting for the time-out; those in `have` do not."""
    server.receipting = False
    async with delivering(settings, outbox, executor) as at_work:
        await until(lambda: len(server.envelopes) == 10, "all envelopes")
        await asyncio.sleep(1.1)
        server.send(server.receipt(2, have=[(5, 10)], miss=[(3, 4)]))
        await until(lambda: server.arrivals[10:] == [3, 4], "the two")
        assert at_work.health.counters["resent"] == 2
        assert await at_work.left() == [3, 4]


async def test_receipts_wait_for_an_agent_that_is_off(
    settings: Settings, server: Server, outbox: Outbox, executor: ThreadPoolExecutor
) -> None:
    """The session outlives the connection: a receipt sent meanwhile is there at once, so nothing is sent twice."""
    server.receipting = False
    async with delivering(settings, outbox, executor):
        await until(lambda: len(server.envelopes) == 10, "all envelopes")
    server.send(server.receipt()).wait_for_publish(10)
    async with delivering(settings, outbox, executor) as again:
        await until(again.courier.idle.is_set, "the receipt")
        assert await again.left() == []
    assert server.arrivals == list(range(1, 11))


async def test_broker_restarts_while_we_deliver(
    settings: Settings, mosquitto: Mosquitto, server: Server, outbox: Outbox, executor: ThreadPoolExecutor
) -> None:
    """Report m05: a link that breaks in the middle costs copies, never bytes: each number arrives, each copy equal."""
    async with delivering(settings, outbox, executor, QUICK) as at_work:
        await until(lambda: server.arrivals, "the first")
        mosquitto.stop()
        await until(lambda: Fault.BROKER_UNREACHABLE in at_work.health.faults, "the loss")
        mosquitto.start()
        await until(at_work.courier.idle.is_set, "everything receipted")
        assert Fault.BROKER_UNREACHABLE not in at_work.health.faults
    assert set(server.copies) == set(range(1, 11))
    assert all(len(different) == 1 for different in server.copies.values())


async def test_wrong_password(
    write: Write, tmp_path: Path, outbox: Outbox, executor: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused login is one log line that names the keys and the file, however often it is tried."""
    broker = Mosquitto(tmp_path / "broker", anonymous=False)
    broker.start()
    settings = write(broker_port=broker.port)
    with caplog.at_level(logging.WARNING, logger="edge_agent"):
        async with delivering(settings, outbox, executor) as at_work:
            await until(lambda: broker.log().count("not authorised") >= 2, "two attempts")
            assert Fault.BROKER_REFUSED in at_work.health.faults
    broker.stop()
    lines = [r.getMessage() for r in caplog.records]
    assert len(lines) == 1
    assert "correct broker.username and broker.password_file in" in lines[0]
    assert str(settings.file) in lines[0]


async def test_unreachable_broker(
    write: Write, outbox: Outbox, executor: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    """A port where nobody listens is one line that names the keys; the outbox keeps everything."""
    with caplog.at_level(logging.WARNING, logger="edge_agent"):
        async with delivering(write(broker_port=1), outbox, executor) as at_work:
            await until(lambda: Fault.BROKER_UNREACHABLE in at_work.health.faults, "the fault")
            await asyncio.sleep(2)
            assert await at_work.left() == list(range(1, 11))
    assert ["correct broker.host, broker.port" in r.getMessage() for r in caplog.records] == [True]


async def test_live_leaves_before_the_backlog(
    settings: Settings, server: Server, outbox: Outbox, executor: ThreadPoolExecutor
) -> None:
    """Report m08: after an outage the newest envelope comes first, the backlog behind it in order, each once."""
    fill(outbox, "run-1", range(10, 60))
    async with delivering(settings, outbox, executor) as at_work:
        await until(at_work.courier.idle.is_set, "everything receipted")
        assert await at_work.left() == []
    assert server.arrivals == [60, *range(1, 60)]


async def test_two_agents_with_one_id(
    settings: Settings, outbox: Outbox, executor: ThreadPoolExecutor, tmp_path: Path
) -> None:
    """Report m03: a copied box and its original throw each other out ever more slowly, and each says what it may be."""
    copy = opened(tmp_path / "copy", make=True)
    fill(copy, copy.begin(boot("run-2")).id, range(3))
    with ThreadPoolExecutor(1) as other:
        async with delivering(settings, outbox, executor) as one, delivering(settings, copy, other) as two:
            counts = (one.health.counters, two.health.counters)
            await until(lambda: min(c["connects"] for c in counts) >= 2, "take-over in both directions")
            told = (one.health.faults, two.health.faults)
            await until(
                lambda: any(
                    "two boxes use one identity" in faults.get(Fault.BROKER_UNREACHABLE, "") for faults in told
                ),
                "the cause",
            )
    copy.close()


def test_receipts_are_opened_strictly(server: Server) -> None:
    """A right receipt opens; with any byte of it changed it does not."""
    raw = sign(receipts.encode(server.receipt(3, sha="x")), Kind.RECEIPT, "server#1", server.key)
    receipt = open_receipt(raw, server.key.public, DEPLOYMENT, "a1")
    assert (receipt.ack, msgspec.to_builtins(receipt)["agt"]) == (3, "a1")
    for at in range(0, len(raw), 7):
        bent = bytearray(raw)
        bent[at] ^= 1
        with pytest.raises(WireError, match=r"."):
            open_receipt(bytes(bent), server.key.public, DEPLOYMENT, "a1")


def test_the_servers_word_under_our_key_is_none(server: Server) -> None:
    """A receipt that the agent's own key signed is refused: nobody can receipt himself."""
    raw = sign(receipts.encode(server.receipt(3, sha="x")), Kind.RECEIPT, "a1#1", KEY)
    with pytest.raises(WireError, match="does not fit the bytes"):
        open_receipt(raw, server.key.public, DEPLOYMENT, "a1")
