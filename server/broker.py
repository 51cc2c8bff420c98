"""The server's end of MQTT: the only paho importer here.

Callbacks only hand over. A message is acknowledged by the worker after its transaction was committed, in the order
of arrival, and only on the connection that brought it: what was not acknowledged comes again after a reconnect.
"""

import logging
import queue
import ssl
from pathlib import Path
from threading import Event

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from server.message import Message
from server.settings import Settings
from wire import topics
from wire.clock import Clock
from wire.errors import SettingsError, SurroundingsError

log = logging.getLogger("coldseal.server.broker")

CLIENT_ID = "ingest"
CONNECT_WAIT_S = 10.0
RECEIVE_MAX = 2_000
"""Messages that the broker may have under way to us (measured.md §6a)."""

SESSION_FOREVER = 0xFFFFFFFF


class Arrived(msgspec.Struct, frozen=True):
    """A message with what its acknowledgement needs."""

    message: Message
    mid: int
    qos: int
    connection: int


class Broker:
    """A persistent session that subscribes to every agent's envelopes and status."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._inbox: queue.Queue[Arrived] = queue.Queue()
        self._answered = Event()
        self._refusal: str | None = None
        self._connection = 0
        self.connected_since_ms: int | None = None
        self._client = self._make_client()

    def start(self) -> None:
        """Connect and subscribe.

        Raises:
            SurroundingsError: the broker cannot be reached or refuses us.
        """
        host, port = self._settings.broker_host, self._settings.broker_port
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho has it so
        properties.SessionExpiryInterval = SESSION_FOREVER
        properties.ReceiveMaximum = RECEIVE_MAX
        try:
            self._client.connect(host, port, keepalive=30, clean_start=False, properties=properties)
        except (OSError, ValueError) as error:
            raise SurroundingsError(
                f"broker {host}:{port} (broker_host, broker_port): cannot be reached: {error}; start it, or correct them"
            ) from error
        self._client.loop_start()
        if not self._answered.wait(CONNECT_WAIT_S) or self._refusal is not None:
            self.stop()
            raise SurroundingsError(
                f"broker {host}:{port}: refuses user {self._settings.broker_username!r}: "
                f"{self._refusal or 'no answer'}; check broker_username and broker_password_file"
            )

    def stop(self) -> None:
        """Disconnect; the session stays at the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def take(self, most: int, wait_s: float) -> list[Arrived]:
        """What has arrived: waits for the first, then takes what is there."""
        try:
            arrived = [self._inbox.get(timeout=wait_s)]
        except queue.Empty:
            return []
        while len(arrived) < most and not self._inbox.empty():
            arrived.append(self._inbox.get_nowait())
        return arrived

    def acknowledge(self, arrived: list[Arrived]) -> None:
        """Tell the broker that these are committed."""
        for one in arrived:
            if one.connection == self._connection:
                self._client.ack(one.mid, one.qos)

    def publish(self, agent: str, channel: topics.Channel, payload: bytes, *, retain: bool = False) -> None:
        """Send something to an agent."""
        self._client.publish(topics.build(agent, channel), payload, qos=1, retain=retain)

    def reopen(self) -> None:
        """Drop the connection and open it again: what was not acknowledged comes once more."""
        try:
            self._client.reconnect()
        except OSError as error:
            log.warning("broker cannot be reached: %s; trying on", error)  # the client's own thread does

    def _make_client(self) -> mqtt.Client:
        settings = self._settings
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=CLIENT_ID, protocol=mqtt.MQTTv5, manual_ack=True)
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
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, reason: ReasonCode, _p: object
    ) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
            self._answered.set()
            log.error("broker refuses us: %s; check broker_username and broker_password_file", reason)
            return
        self._connection += 1
        client.subscribe(
            [(topics.every(c), SubscribeOptions(qos=1)) for c in (topics.Channel.UP, topics.Channel.STATUS)]
        )

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, reasons: list[ReasonCode], _p: object
    ) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            self._refusal = f"subscription refused: {', '.join(refused)}; check the broker's access list"
            log.error("%s", self._refusal)
        else:
            self.connected_since_ms = self._clock.wall_ms()
            log.info("broker connected")
        self._answered.set()

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: mqtt.DisconnectFlags, reason: ReasonCode, _p: object
    ) -> None:
        self.connected_since_ms = None
        log.warning("broker disconnected: %s", reason)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:  # an exception here would end paho's thread
            topic = "(not UTF-8)"
        arrived = Message(topic, bytes(message.payload), self._clock.wall_ms())
        self._inbox.put(Arrived(arrived, message.mid, message.qos, self._connection))


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
