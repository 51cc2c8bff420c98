"""The server's end of MQTT: the only paho importer here.

Callbacks only hand over. A message is acknowledged by the worker after its transaction was committed, in the order
of arrival, and only on the connection that brought it: what was not acknowledged comes again after a reconnect (on
NATS also after its `ack_wait`). MQTT 3.1.1 tells nobody that a message of ours was refused; the agents' own waiting for
receipts does.
"""

import logging
import queue
import ssl
from collections import deque
from pathlib import Path
from threading import Event

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from server.message import Message
from server.own_voice import WORD, OwnVoice
from server.settings import Settings
from wire import topics
from wire.clock import Clock
from wire.errors import SettingsError, SurroundingsError

log = logging.getLogger("coldseal.server.broker")

CLIENT_ID = "ingest"
CONNECT_WAIT_S = 10.0
KEEPALIVE_S = 30
RECEIVE_MAX = 2_000
"""Messages that the broker may have under way to us (measured.md §6a)."""

SESSION_FOREVER = 0xFFFFFFFF
VERSIONS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
UNSUPPORTED_PROTOCOL = "Unsupported protocol version"
CHECK_LOGIN = "check broker_username and broker_password_file, or broker_cert and broker_key"


class Arrived(msgspec.Struct, frozen=True):
    """A message with what its acknowledgement needs.

    Attributes:
        own: our own word, for nobody else's eyes; it is acknowledged in its turn like every other.
    """

    message: Message
    mid: int
    qos: int
    connection: int
    own: bool = False


class Broker:
    """A persistent session that subscribes to every agent's envelopes and status.

    Attributes:
        connected_since_ms: wall time since which the broker delivers, or None.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._protocol = str(settings.broker_protocol)  # YAML reads a 5 without quotation marks as a number
        self._inbox: queue.Queue[Arrived] = queue.Queue()
        self._taken: deque[Arrived] = deque()
        self._answered = Event()
        self._refusal: str | None = None
        self._complaint = ""
        self._voice = OwnVoice(settings.broker_username, CLIENT_ID)
        self._connection = 0
        self._sending_refused = self._told = ""
        self.connected_since_ms: int | None = None
        self._client = self._make_client()

    def start(self) -> None:
        """Connect and subscribe.

        Raises:
            SurroundingsError: the broker cannot be reached or refuses us.
        """
        host, port = self._settings.broker_host, self._settings.broker_port
        try:
            self._connect(host, port)
        except (OSError, ValueError) as error:
            raise SurroundingsError(
                f"broker {host}:{port} (broker_host, broker_port): cannot be reached: {error}; start it, or correct them"
            ) from error
        self._client.loop_start()
        if not self._answered.wait(CONNECT_WAIT_S) or self._refusal is not None:
            self.stop()
            raise SurroundingsError(f"broker {host}:{port}: {self._refusal or f'no answer in {CONNECT_WAIT_S:g} s'}")

    def stop(self) -> None:
        """Disconnect; the session stays at the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def trouble(self) -> str | None:
        """What the broker's access list keeps from us, or None."""
        return self._voice.complaint(self._clock.monotonic_ms()) or self._sending_refused or None

    def take(self, most: int, wait_s: float) -> list[Arrived]:
        """What has arrived: waits for the first, then takes what is there."""
        self._check_voice()
        try:
            arrived = [self._inbox.get(timeout=wait_s)]
        except queue.Empty:
            return []
        while len(arrived) < most and not self._inbox.empty():
            arrived.append(self._inbox.get_nowait())
        self._taken.extend(arrived)
        self.acknowledge([])
        return [one for one in arrived if not one.own]

    @property
    def waiting(self) -> int:
        """Messages that arrived and were not taken yet."""
        return self._inbox.qsize()

    def acknowledge(self, arrived: list[Arrived]) -> None:
        """Tell the broker that these are committed, in the order of arrival: rumqttd ends a session for another order."""
        committed = {(one.connection, one.mid) for one in arrived}
        while self._taken:
            one = self._taken[0]
            if one.connection == self._connection:
                if not one.own and (one.connection, one.mid) not in committed:
                    return
                self._client.ack(one.mid, one.qos)
            self._taken.popleft()

    def publish(self, agent: str, channel: topics.Channel, payload: bytes, *, retain: bool = False) -> None:
        """Send something to an agent."""
        self._client.publish(topics.build(agent, channel), payload, qos=1, retain=retain)

    def reopen(self) -> None:
        """Drop the connection and open it again: what was not acknowledged comes once more."""
        try:
            self._client.reconnect()
        except OSError as error:
            log.warning("broker cannot be reached: %s; trying on", error)  # the client's own thread does

    def _connect(self, host: str, port: int) -> None:
        if self._protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has it so
            properties.SessionExpiryInterval = SESSION_FOREVER
            properties.ReceiveMaximum = RECEIVE_MAX
            self._client.connect(host, port, keepalive=KEEPALIVE_S, clean_start=False, properties=properties)
        else:
            self._client.connect(host, port, keepalive=KEEPALIVE_S)

    def _check_voice(self) -> None:
        now_ms = self._clock.monotonic_ms()
        if self._voice.is_due(now_ms):
            self._client.publish(self._voice.topic, WORD)
        if (trouble := self.trouble or "") != self._told:
            self._told = trouble
            log.error("%s", trouble or "the broker's access list is right again")

    def _make_client(self) -> mqtt.Client:
        settings = self._settings
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=CLIENT_ID,
            protocol=VERSIONS[self._protocol],
            clean_session=None if self._protocol == "5" else False,  # paho takes it in 3.1.1 only
            manual_ack=True,
        )
        client.max_queued_messages_set(20_000)
        client.reconnect_delay_set(1, 10)
        password = None
        if settings.broker_password_file is not None:
            password = _read_password(Path(settings.broker_password_file))
        client.username_pw_set(settings.broker_username, password)
        if settings.broker_ca is not None:
            _use_tls(client, settings)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_log = self._on_log
        return client

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, reason: ReasonCode, _p: object
    ) -> None:
        if reason.is_failure:
            self._refusal = self._words_of(reason)
            self._answered.set()
            log.error("broker %s", self._refusal)
            return
        self._connection += 1
        wanted = [topics.every(c) for c in (topics.Channel.UP, topics.Channel.STATUS)]
        if self._protocol == "5":
            client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in wanted])
        else:
            client.subscribe([(topic, 1) for topic in wanted])

    def _words_of(self, reason: ReasonCode) -> str:
        if str(reason) == UNSUPPORTED_PROTOCOL:
            other = {"5": "3.1.1", "3.1.1": "5"}[self._protocol]
            return f"does not speak MQTT {self._protocol}; set broker_protocol: {other} in server.yaml"
        return f"refuses user {self._settings.broker_username!r}: {reason}; {CHECK_LOGIN}"

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, reasons: list[ReasonCode], _p: object
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            self._refusal = f"refuses our subscription: {', '.join(refused)}; check its access list"
            log.error("%s", self._refusal)
        else:
            self._voice.begin(self._clock.monotonic_ms())
            self.connected_since_ms = self._clock.wall_ms()
            log.info("broker connected")
        self._answered.set()

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: mqtt.DisconnectFlags, reason: ReasonCode, _p: object
    ) -> None:
        self.connected_since_ms = None
        words, self._complaint = self._complaint or str(reason), ""
        if not self._answered.is_set():
            self._refusal = (
                f"hung up before it answered: {words}; is it a broker of MQTT {self._protocol} (broker_protocol), with TLS "
                "(broker_ca), and does it want a valid certificate of ours (broker_cert, broker_key)?"
            )
            self._answered.set()
        log.warning("broker disconnected: %s", words)

    def _on_log(self, _client: mqtt.Client, _data: object, level: int, text: str) -> None:
        """Why a socket failed (e.g. a TLS alert) is told only here."""
        if level == LogLevel.MQTT_LOG_ERR:
            self._complaint = text

    def _on_publish(self, _client: mqtt.Client, _data: object, _mid: int, reason: ReasonCode, _p: object) -> None:
        refused = f"the broker refuses what we send to agents ({reason}): no receipt arrives; correct its access list"
        self._sending_refused = refused if reason.is_failure else ""

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:  # an exception here would end paho's thread
            topic = "(not UTF-8)"
        arrived = Message(topic, bytes(message.payload), self._clock.wall_ms())
        own = self._voice.hears(topic, arrived.payload)
        self._inbox.put(Arrived(arrived, message.mid, message.qos, self._connection, own))


def _read_password(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SurroundingsError(
            f"broker_password_file {path}: cannot be read: {error.strerror}; correct it in server.yaml"
        ) from error


def _use_tls(client: mqtt.Client, settings: Settings) -> None:
    try:
        client.tls_set(settings.broker_ca, settings.broker_cert, settings.broker_key)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise SettingsError(f"broker_ca, broker_cert, broker_key: {error}; check the three files") from error
