"""The embedded broker as a process of its own, met by real MQTT clients."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from coldseal.embedded_broker import HOST, PAYLOAD_BYTES_MAX, broker_command
from coldseal.processes import ProcessGroup

WAIT_S = 30.0  # a bound, not an expectation: the machine may be busy
QUIET_S = 0.5
V5, V3 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311


class Station:
    """An MQTT client with a session that outlives its connection; it subscribes again at each connect."""

    def __init__(
        self,
        port: int,
        client_id: str,
        *topics: str,
        version: MQTTProtocolVersion = V5,
        will: tuple[str, bytes] | None = None,
        manual_ack: bool = False,
    ) -> None:
        clean_session = False if version == V3 else None  # MQTT 5 says it in CONNECT
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=clean_session,
            protocol=version,
            manual_ack=manual_ack,
        )
        self.received: queue.Queue[MQTTMessage] = queue.Queue()
        self.sessions: queue.Queue[bool] = queue.Queue()
        self.losses: queue.Queue[str] = queue.Queue()
        self.subscribed = threading.Event()
        self._topics = topics
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = lambda _client, _data, message: self.received.put(message)
        self.client.reconnect_delay_set(min_delay=1, max_delay=1)
        if will:
            self.client.will_set(*will, qos=1, retain=True)
        self._connect(port, version)

    def _connect(self, port: int, version: MQTTProtocolVersion) -> None:
        if version == V5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has no type here
            properties.SessionExpiryInterval = 3600
            self.client.connect(HOST, port, clean_start=False, properties=properties)
        else:
            self.client.connect(HOST, port)
        self.client.loop_start()

    def _on_connect(
        self, _client: Client, _data: object, flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        assert not reason.is_failure
        for topic in self._topics:
            self.client.subscribe(topic, qos=1)
        self.sessions.put(flags.session_present)

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self.losses.put(str(reason))

    def session_present(self) -> bool:
        """Wait for a connect; whether the broker remembered us."""
        present = self.sessions.get(timeout=WAIT_S)
        if self._topics:
            assert self.subscribed.wait(WAIT_S)
        return present

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1."""
        self.client.publish(topic, payload, qos=1, retain=retain)

    def published(self, topic: str, payloads: list[bytes]) -> None:
        """Publish at QoS 1 and wait for every acknowledgement."""
        for info in [self.client.publish(topic, payload, qos=1) for payload in payloads]:
            info.wait_for_publish(WAIT_S)
            assert info.is_published()

    def messages(self, count: int) -> list[MQTTMessage]:
        """Wait for so many messages, and a little longer for one too many."""
        messages = [self.received.get(timeout=WAIT_S) for _ in range(count)]
        with pytest.raises(queue.Empty, match=r"^$"):
            self.received.get(timeout=QUIET_S)
        return messages

    def payloads(self, count: int) -> list[bytes]:
        """The payloads of `messages`."""
        return [bytes(message.payload) for message in self.messages(count)]

    def lose(self) -> None:
        """The line breaks: no DISCONNECT is sent."""
        self.client.loop_stop()
        line = self.client.socket()
        if line:
            assert isinstance(line, socket.socket)
            line.close()

    def leave(self) -> None:
        """Disconnect in order."""
        self.client.disconnect()
        self.client.loop_stop()


Connect = Callable[..., Station]


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


class Broker:
    """A broker process of the test's own."""

    def __init__(self, group: ProcessGroup, mqtt: str) -> None:
        self.group = group
        self.port = free_port()
        group.start("broker", broker_command(self.port, mqtt))
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until it accepts."""
        assert self.group.wait_ready("broker", "ready", WAIT_S) == f"ready {HOST}:{self.port}"


@pytest.fixture(params=["5", "3.1.1"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """A running broker, for each protocol version, that ends with the test and must not have died before."""
    with ProcessGroup(tmp_path / "logs") as group:
        yield Broker(group, request.param)
        assert [str(ended) for ended in group.check()] == []


@pytest.fixture
def connect(request: pytest.FixtureRequest, broker: Broker) -> Iterator[Connect]:
    """Connects stations and lets them go at the end of the test."""
    stations: list[Station] = []
    version = V5 if request.node.callspec.params["broker"] == "5" else V3

    def connect(*arguments: Any, **options: Any) -> Station:  # noqa: ANN401  what Station takes
        stations.append(Station(broker.port, *arguments, version=version, **options))
        return stations[-1]

    yield connect
    for station in stations:
        station.leave()


@pytest.mark.parametrize("count", [200, 5_000])
def test_offline_session_gets_its_queue_in_order(connect: Connect, count: int) -> None:
    """What is published at QoS 1 while a persistent session is offline arrives at its return, in order, once."""
    server = connect("server", "coldseal/v1/3f/+/up")
    assert server.session_present() is False
    server.leave()
    agent = connect("a1")
    sent = [b"%d" % number for number in range(count)]
    agent.published("coldseal/v1/3f/a1/up", sent)
    server = connect("server")
    assert server.session_present() is True
    assert server.payloads(count) == sent


def test_retained_message_reaches_later_subscriber(connect: Connect) -> None:
    """A new subscriber is told the last retained message, marked as such."""
    agent = connect("a1")
    agent.publish("status", b"old", retain=True)
    agent.publish("status", b"new", retain=True)
    agent.published("other", [b"barrier"])
    (message,) = connect("server", "status").messages(1)
    assert (message.payload, message.retain) == (b"new", True)


def test_last_will_is_published_when_the_line_breaks(connect: Connect) -> None:
    """A broken line publishes the retained will; an orderly DISCONNECT does not."""
    server = connect("server", "+/status")
    server.session_present()
    orderly = connect("a1", will=("a1/status", b"lost"))
    orderly.session_present()
    orderly.leave()
    broken = connect("a2", will=("a2/status", b"lost"))
    broken.session_present()
    broken.lose()
    assert [(message.topic, message.payload) for message in server.messages(1)] == [("a2/status", b"lost")]
    assert connect("later", "+/status").messages(1)[0].retain is True


def test_unacknowledged_messages_come_again(connect: Connect) -> None:
    """A server that dies before it acknowledged is given the same messages again."""
    server = connect("server", "up", manual_ack=True)
    server.session_present()
    connect("a1").published("up", [b"1", b"2", b"3"])
    first = server.messages(3)[0]
    server.client.ack(first.mid, first.qos)
    connect("other", "up").session_present()  # the broker has worked off the acknowledgement before this
    server.lose()
    assert connect("server", manual_ack=True).payloads(2) == [b"2", b"3"]


def test_second_client_of_one_id_closes_the_first(connect: Connect) -> None:
    """Two boxes with one identity: the older one is put out, the session goes on with the newer."""
    older = connect("a1", "down")
    older.session_present()
    older.client.reconnect_delay_set(min_delay=600, max_delay=600)
    newer = connect("a1", "down")
    assert newer.session_present() is True
    assert older.losses.get(timeout=WAIT_S) == "Unspecified error"
    connect("server").published("down", [b"receipt"])
    assert newer.payloads(1) == [b"receipt"]


def test_large_payload_passes_and_too_large_is_refused(connect: Connect) -> None:
    """The largest allowed payload arrives whole; a larger one closes that connection and nobody else's."""
    server = connect("server", "up")
    server.session_present()
    largest = os.urandom(PAYLOAD_BYTES_MAX)
    connect("a1").published("up", [largest])
    assert server.payloads(1) == [largest]
    greedy = connect("a2")
    greedy.session_present()
    greedy.publish("up", largest + bytes(4096))
    assert greedy.losses.get(timeout=WAIT_S) == "Unspecified error"
    greedy.lose()
    assert server.payloads(0) == []
    assert server.losses.empty()


def test_killed_broker_forgets_sessions_but_clients_find_back(broker: Broker, connect: Connect) -> None:
    """After kill -9 and a restart sessions are gone; clients reconnect and, subscribing at each connect, go on."""
    server, agent = connect("server", "up"), connect("a1")
    assert server.session_present() is False
    broker.group.kill("broker")
    assert server.losses.get(timeout=WAIT_S) == "Unspecified error"
    agent.publish("up", b"written while it was down")
    server.subscribed.clear()
    broker.group.restart("broker")
    broker.wait_ready()
    assert server.session_present() is False
    agent.publish("up", b"written after")
    assert b"written after" in iter(lambda: server.received.get(timeout=WAIT_S).payload, b"")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The broker's command, for cases in which it ends by itself."""
    command = [sys.executable, "-m", "coldseal.embedded_broker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)


def test_port_in_use_is_one_line_and_exit_code_3() -> None:
    """A taken port is found before the start; the one line names it and says what to do."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--port", str(port))
    assert (result.returncode, result.stdout) == (3, "")
    assert result.stderr == (
        f"embedded broker: cannot serve MQTT on {HOST}:{port}: expected a free port, got 'Address already in use'. "
        f"End the program that holds it (`ss -ltnp 'sport = :{port}'` names it), or choose another with --port.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: --port"),
        (["--port", "0"], "argument --port: expected a port from 1 to 65535, got 0"),
        (["--port", "65536"], "argument --port: expected a port from 1 to 65535, got 65536"),
        (["--port", "here"], "argument --port: expected a port from 1 to 65535, got here"),
    ],
)
def test_wrong_use_is_exit_code_2(arguments: list[str], message: str) -> None:
    """A wrong argument is named, without a traceback."""
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stderr.endswith(f"embedded_broker: error: {message}\n")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_with_code_0_and_no_leftover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signum: signal.Signals
) -> None:
    """With a client connected it ends at once, silently, and leaves no file behind."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    port = free_port()
    with subprocess.Popen(broker_command(port), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == f"ready {HOST}:{port}\n"
        station = Station(port, "a1")
        station.session_present()
        process.send_signal(signum)
        assert process.communicate(timeout=WAIT_S) == ("", "")
        station.lose()
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_broker_that_hangs_up_on_everybody_ends(tmp_path: Path) -> None:
    """A refused client id that comes twice makes rumqttd 0.20 panic; the deaf broker ends instead of living on."""
    port = free_port()
    with ProcessGroup(tmp_path) as group:
        group.start("broker", broker_command(port))
        group.wait_ready("broker", "ready", WAIT_S)
        for _ in range(2):
            with socket.create_connection((HOST, port), timeout=WAIT_S) as line:
                line.sendall(b"\x10\x10\0\4MQTT\5\2\0\x0a\0\0\3a/b")
                assert line.recv(1) == b""
        while not (ended := group.check()):
            threading.Event().wait(0.05)
    assert ended[0].exit_code == 3
    assert ended[0].last_lines[-1].startswith("embedded broker: rumqttd hangs up on every client since the panic")
