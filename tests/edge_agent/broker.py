"""A real Mosquitto on a free port, with a configuration and folder of its own, and the server's end of the line."""

import asyncio
import json
import queue
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from wire import receipt as receipts
from wire.batch import Batch
from wire.envelope import Kind, check_signature, digest, parse, sign, take_apart
from wire.keys import PrivateKey, PublicKey, b64url
from wire.receipt import Receipt
from wire.topics import Channel, build, every

MOSQUITTO = "/usr/sbin/mosquitto"
WAIT_S = 20.0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class BrokerProcess:
    """A broker's process on loopback; it can end, and start again on the same port with what it stored.

    Attributes:
        port: where it speaks MQTT.
    """

    def __init__(self, command: list[str], port: int, log: Path) -> None:
        self.port = port
        self._command, self._log = command, log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and wait until it accepts."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        wait_for(self._accepts, f"{Path(self._command[0]).name} on port {self.port}")

    def stop(self) -> None:
        """End as a service manager would."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        """End as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def log(self) -> str:
        """What it wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True


class Mosquitto(BrokerProcess):
    """Mosquitto with a configuration and a folder of its own."""

    def __init__(self, folder: Path, extra: str = "", *, anonymous: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "mosquitto.conf"
        super().__init__([MOSQUITTO, "-c", str(config)], free_port(), folder / "mosquitto.log")
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous {str(anonymous).lower()}\nuser root\n"
            f"persistence true\npersistence_location {folder}/\nlog_dest stderr\nlog_type all\n{extra}",
            encoding="utf-8",
        )


def wait_for(condition: Callable[[], object], what: str, wait_s: float = WAIT_S) -> None:
    """Wait until something is so; a generous bound, not a measurement."""
    end = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < end, f"waited {wait_s} s for {what}"
        time.sleep(0.01)


async def until(condition: Callable[[], object], what: str, wait_s: float = WAIT_S) -> None:
    """The same in an event loop."""
    for _ in range(round(wait_s / 0.01)):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"waited {wait_s} s for {what}")


class Server:
    """The server's end: takes envelopes, checks them, and receipts what is contiguous. A second, real MQTT client.

    Attributes:
        envelopes: newest copy of each number, as sent.
        copies: every different text that arrived under a number.
        arrivals: every number in the order of arrival, copies included.
        statuses: every status message, newest last.
        receipting: whether receipts are sent.
    """

    def __init__(self, port: int, deployment: str, agent: str, key: PrivateKey | None = None, **login: str) -> None:
        self.key = key or PrivateKey.generate()
        self.envelopes: dict[int, bytes] = {}
        self.copies: dict[int, set[bytes]] = {}
        self.arrivals: list[int] = []
        self.statuses: list[dict[str, object]] = []
        self.receipting = True
        self.deployment, self.agent = deployment, agent
        self._ready: queue.Queue[None] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="server", protocol=mqtt.MQTTv5)
        if login:
            self._client.username_pw_set(login["username"], login.get("password"))
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(every(Channel.UP), 1), (every(Channel.STATUS), 1)]
        )
        self._client.on_subscribe = lambda *_: self._ready.put(None)
        self._client.on_message = self._on_message
        self._port = port

    def start(self) -> None:
        """Connect with a session that outlives us, and wait until subscribed."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        properties.SessionExpiryInterval = 3600
        self._client.connect("127.0.0.1", self._port, clean_start=False, properties=properties)
        self._client.loop_start()
        self._ready.get(timeout=WAIT_S)

    def stop(self) -> None:
        """Disconnect; the session stays."""
        self._client.disconnect()
        self._client.loop_stop()

    def batches(self, public: PublicKey) -> list[Batch]:
        """Every envelope by number, its signature checked."""
        result = []
        for _, raw in sorted(self.envelopes.items()):
            sealed = take_apart(raw)
            check_signature(sealed, public)
            result.append(parse(sealed.body, Batch))
        return result

    def contiguous(self) -> int:
        """The highest number up to which nothing is missing."""
        seq = 0
        while seq + 1 in self.envelopes:
            seq += 1
        return seq

    def receipt(self, ack: int | None = None, **changes: object) -> Receipt:
        """The receipt of what is there; `changes` replace its members."""
        seq = self.contiguous() if ack is None else ack
        sha = b64url(digest(self.envelopes[seq])) if seq in self.envelopes else ""
        members = {"dep": self.deployment, "agt": self.agent, "ack": seq, "sha": sha, "now": 1_700_000_000_000}
        return Receipt(**{**members, **changes})  # type: ignore[arg-type]  # a test's own words

    def send(
        self, receipt: Receipt, key: PrivateKey | None = None, channel: Channel = Channel.DOWN
    ) -> mqtt.MQTTMessageInfo:
        """Sign and publish a receipt; the result can wait until the broker has it."""
        raw = sign(receipts.encode(receipt), Kind.RECEIPT, "server#1", key or self.key)
        return self._client.publish(build(self.agent, channel), raw, qos=1, retain=channel is Channel.HIGH_WATER_MARK)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        if message.topic.endswith(Channel.STATUS.value):
            self.statuses.append(json.loads(message.payload))
            return
        raw = bytes(message.payload)
        body = parse(take_apart(raw).body, Batch)
        self.arrivals.append(body.seq)
        self.copies.setdefault(body.seq, set()).add(raw)
        self.envelopes[body.seq] = raw
        if self.receipting:
            self.send(self.receipt())
