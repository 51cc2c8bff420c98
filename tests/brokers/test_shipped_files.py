"""The shipped broker files in real brokers: who is let in, who may write what, what waits, and what each mistake is told."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.health import Fault
from edge_agent.uplink import VERSIONS, Connected, Lost
from server.broker import Broker
from tests.brokers.kinds import NATS
from tests.brokers.links import Agent, arrived
from tests.brokers.shipped import FILES, PROTOCOL, Place
from tests.brokers.test_contract import LateClock
from tests.edge_agent.broker import until
from tests.edge_agent.certificates import Authority
from tests.edge_agent.store import boot, fill, opened
from tests.edge_agent.test_courier import delivering
from wire.clock import SystemClock
from wire.errors import SurroundingsError
from wire.keys import PrivateKey
from wire.topics import Channel, build

MANY = 20_000
KEY = PrivateKey.generate()
# When a handshake fails paho leaves the socket to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(params=PROTOCOL)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Each shipped file with its broker at work."""
    one = Place(tmp_path / "place", request.param)
    one.broker.start()
    yield one
    one.broker.stop()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Place]:
    """Mosquitto's file, its broker not started yet."""
    one = Place(tmp_path / "place", "mosquitto")
    yield one
    one.broker.stop()


class SignedAgent(Agent):
    """The agent's client with a certificate of the place, as whoever it says it is."""

    def __init__(self, place: Place, certificate: str, client_id: str = "") -> None:
        super().__init__(place.broker, certificate)
        self.use(place.agent_settings(place.tls(certificate), KEY, certificate).broker, client_id)


async def ingest_of(place: Place, folder: Path, clock: SystemClock | None = None) -> Broker:
    """The server's client, connected."""
    one = Broker(place.server_settings(folder), clock or SystemClock())
    await asyncio.to_thread(one.start)
    return one


CERTIFICATES = {
    "another agent's": ("{ca: %s/ca.pem, cert: %s/a2.pem, key: %s/a2.key}",
                        ["expected a certificate for 'a1', got one for 'a2'", "not connecting", "a1.yaml"]),
    "another authority's": ("{ca: %s/ca.pem, cert: %s/other/a1.crt, key: %s/other/a1.key}",
                            ["hung up before it answered", "issued to 'a1' by the broker's authority"]),
    "expired": ("{ca: %s/ca.pem, cert: %s/old.crt, key: %s/old.key}", ["hung up", "valid from", "now is"]),
    "none": ("{ca: %s/ca.pem}", ["hung up before it answered", "set broker.tls.cert and broker.tls.key"]),
    "a broker of another authority": ("{ca: %s/other/theirs.pem, cert: %s/a1.pem, key: %s/a1.key}",
                                      ["cannot be reached", "certificate verify failed", "broker.tls"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CERTIFICATES)
async def test_a_wrong_certificate(case: str, place: Place, tmp_path: Path) -> None:
    """The agent says what is wrong and what to correct; nothing leaves the outbox; other agents notice nothing."""
    Authority(place.folder / "other", "theirs").issue("a1")
    place.authority.issue("a1", stem="old", expired=True)
    wrong, words = CERTIFICATES[case]
    other = await SignedAgent(place, "a2").start()
    settings = place.agent_settings(wrong.replace("%s", str(place.folder)), KEY)
    outbox = opened(tmp_path / "outbox", make=True)
    fill(outbox, outbox.begin(boot()).id, range(3))
    with ThreadPoolExecutor(1) as executor:
        async with delivering(settings, outbox, executor) as at_work:
            await until(lambda: at_work.health.faults, "a fault")
            await asyncio.sleep(0.3)
            (told,) = at_work.health.faults.values()
            left = await at_work.left()
    outbox.close()
    still = not other.told_of(Lost)
    await other.link.stop()

    assert [word for word in words if word not in told] == []
    assert Fault.BROKER_REFUSED in at_work.health.faults or Fault.BROKER_UNREACHABLE in at_work.health.faults
    assert left == [1, 2, 3]
    assert still


async def test_each_agent_has_its_own_topics(place: Place, tmp_path: Path) -> None:
    """What an agent writes under another's name does not arrive and is said; its own does; the server reads all."""
    ingest = await ingest_of(place, tmp_path)
    one, two = await SignedAgent(place, "a1").start(), await SignedAgent(place, "a2").start()
    refused = await one.publish([b"foreign"], build("a2", Channel.UP))
    await one.publish([b"of a1"])
    await two.publish([b"of a2"])
    found = await arrived(ingest, 2)
    ingest.publish("a1", Channel.DOWN, b"for a1")
    ingest.publish("a2", Channel.DOWN, b"for a2")
    await until(one.received, "its receipt")
    await until(two.received, "its receipt")
    for end in (one, two):
        await end.link.stop()
    ingest.stop()

    assert sorted(m.message.payload for m in found) == [b"of a1", b"of a2"]
    assert [payload for _, payload in one.received() + two.received()] == [b"for a1", b"for a2"]
    assert (refused[0].code >= 0x80) == (place.broker.promises.refused_publish_is_told == "in MQTT 5")
    assert ("Publish Violation" in place.broker.log()) == (place.broker.name == "nats")


async def test_a_certificate_takes_its_own_session_only(place: Place, tmp_path: Path) -> None:
    """An agent that calls itself `ingest`: Mosquitto goes by the certificate; NATS ends the server's line, gives nothing."""
    ingest = await ingest_of(place, tmp_path)
    thief = SignedAgent(place, "a1", client_id="ingest")
    thief.link.start()
    await thief.told(Connected)
    two = await SignedAgent(place, "a2").start()
    await asyncio.sleep(0.3)
    lost = ingest.connected_since_ms is None
    await two.publish([b"of a2"])
    await thief.link.stop()
    found = await arrived(ingest, 1)
    await two.link.stop()
    ingest.stop()

    assert lost == (place.broker.name == "nats")
    assert thief.received() == []
    assert {m.message.payload for m in found} == {b"of a2"}


async def test_twenty_thousand_wait_for_the_server(place: Place, tmp_path: Path) -> None:
    """All that one agent publishes while the server is away arrives, in order, also through a restart of the broker."""
    (await ingest_of(place, tmp_path)).stop()
    payload = b"x" * 1400
    await asyncio.to_thread(publish_many, place, [b"%d %b" % (n, payload) for n in range(MANY)])
    place.broker.stop()
    place.broker.start()
    ingest = await ingest_of(place, tmp_path)
    found = await arrived(ingest, MANY)
    ingest.stop()

    assert [int(one.message.payload.split()[0]) for one in found] == list(range(MANY))


def publish_many(place: Place, payloads: list[bytes]) -> None:
    """As many agents together would: without the agent's window."""
    protocol = VERSIONS[place.broker.protocol]
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="a1", protocol=protocol)
    client.tls_set(str(place.authority.file), str(place.folder / "a1.pem"), str(place.folder / "a1.key"))
    client.max_inflight_messages_set(1000)
    client.connect("127.0.0.1", place.broker.port)
    client.loop_start()
    for info in [client.publish(build("a1", Channel.UP), payload, qos=1) for payload in payloads]:
        info.wait_for_publish(60.0)
        assert info.is_published()
    client.disconnect()
    client.loop_stop()


SERVERS = {
    "no certificate": ({"broker_cert": None, "broker_key": None}, "hung up before it answered.*broker_cert"),
    "no TLS": ({"broker_ca": None, "broker_cert": None, "broker_key": None}, "hung up before it answered.*broker_ca"),
}


@pytest.mark.parametrize("case", SERVERS)
def test_the_server_is_refused(case: str, place: Place, tmp_path: Path) -> None:
    """The server says which of its settings to look at."""
    changes, words = SERVERS[case]
    settings = place.server_settings(tmp_path)
    members = {field: getattr(settings, field) for field in settings.__struct_fields__} | changes
    with pytest.raises(SurroundingsError, match=words):
        Broker(type(settings)(**members), SystemClock()).start()


async def test_a_server_that_may_not_read(mosquitto: Place, tmp_path: Path) -> None:
    """Mosquitto grants a subscription that its list forbids: the server notices that it does not even hear itself."""
    mosquitto.broker.start()
    mosquitto.broker.stop()
    acl = mosquitto.folder / "acl"
    acl.write_text(acl.read_text(encoding="utf-8").replace("topic read coldseal/v1/+/+/up\n", ""), encoding="utf-8")
    mosquitto.broker.start()
    clock = LateClock()
    ingest = await ingest_of(mosquitto, tmp_path, clock)
    await asyncio.to_thread(ingest.take, 10, 0.5)
    before = ingest.trouble
    clock.later_ms = 20_000
    after = ingest.trouble
    ingest.stop()

    assert before is None
    assert "delivers nothing of it, not even our own word" in str(after)


async def test_a_server_that_may_not_write(mosquitto: Place, tmp_path: Path) -> None:
    """In MQTT 5 a refused receipt has a reason, and the server says so."""
    acl = mosquitto.folder / "acl"
    acl.write_text(acl.read_text(encoding="utf-8").replace("topic write coldseal/v1/+/+/down\n", ""), encoding="utf-8")
    mosquitto.broker.start()
    ingest = await ingest_of(mosquitto, tmp_path)
    ingest.publish("a1", Channel.DOWN, b"receipt")
    await until(lambda: ingest.trouble, "the complaint")
    trouble = ingest.trouble
    ingest.stop()

    assert "refuses what we send to agents (Not authorized)" in str(trouble)


def test_nothing_listens_without_tls(mosquitto: Place) -> None:
    """Mosquitto opens one port, and that speaks TLS 1.2 or newer."""
    mosquitto.broker.start()
    opened_ports = [line for line in mosquitto.broker.log().splitlines() if "listen socket on port" in line]
    hello = ssl.create_default_context(cafile=str(mosquitto.authority.file))
    hello.load_cert_chain(str(mosquitto.folder / "a1.pem"), str(mosquitto.folder / "a1.key"))
    hello.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", mosquitto.broker.port), timeout=10) as plain,
        hello.wrap_socket(plain, server_hostname="127.0.0.1") as line,
    ):
        version = line.version()

    assert len(opened_ports) == 1
    assert version == "TLSv1.2"


def test_nats_checks_its_file(tmp_path: Path) -> None:
    """NATS' own check takes the shipped files; both name the agent that the page names."""
    Place(tmp_path / "place", "nats")
    done = subprocess.run(
        [NATS, "-t", "-c", str(tmp_path / "place" / "nats.conf")], capture_output=True, text=True, check=False
    )
    users = (FILES / "nats_users.conf").read_text(encoding="utf-8")

    assert done.returncode == 0, done.stderr
    assert users.count("fz-mh-0043") == 5


def test_each_line_has_its_reason() -> None:
    """No setting of Mosquitto's file stands without a comment above it."""
    text = (FILES / "mosquitto.conf").read_text(encoding="utf-8")
    blocks = [block.splitlines() for block in text.split("\n\n")]

    assert [b for b in blocks if not b[0].startswith("#") and not b[0].startswith("listener")] == []
