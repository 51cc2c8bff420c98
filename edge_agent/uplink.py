"""The MQTT session: the only file that knows paho. It carries bytes and tells what happened; it decides nothing.

MQTT 5 or 3.1.1 with a session that outlives the connection, so that receipts wait for us. Callbacks run in paho's own
thread, where an exception would end it unseen: they only hand an event over to the event loop.

MQTT 3.1.1 knows no reason codes: its acknowledgement of a message is always "success", also where the access list made
the broker drop it. The server's receipt is the only proof in both.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, LogLevel, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.config import Broker
from edge_agent.errors import DataUnusable
from edge_agent.reconnect import End, Reconnect
from wire.clock import Clock
from wire.limits import IN_FLIGHT_MAX

log = logging.getLogger(__name__)

SESSION_EXPIRY_S = 0xFFFFFFFF  # never
VERSIONS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}
ENDS = {"Keep alive timeout": End.LINE, "Session taken over": End.TAKEN_OVER}


class Connected(msgspec.Struct, frozen=True):
    """The broker took us."""


class Refused(msgspec.Struct, frozen=True):
    """The broker refused us, and why."""

    reason: str


class Unreachable(msgspec.Struct, frozen=True):
    """No connection came about, and why."""

    reason: str = "no answer"


class Lost(msgspec.Struct, frozen=True):
    """The connection ended.

    Attributes:
        reason: why, in the words of MQTT, TLS or the system.
        answered: the broker had answered our CONNECT before.
        short: how many connections in a row ended soon after the broker took us.
    """

    reason: str
    answered: bool
    short: int


class Subscribed(msgspec.Struct, frozen=True):
    """The broker's answer to our subscriptions: empty, or why it refused one."""

    refused: str


class Acknowledged(msgspec.Struct, frozen=True):
    """The broker's answer to one message.

    Attributes:
        mid: as publish returned it.
        code: MQTT 5 reason code; from 0x80 on it refused. In 3.1.1 it is 0 whatever the broker did.
        reason: the code in words.
    """

    mid: int
    code: int
    reason: str


class Message(msgspec.Struct, frozen=True):
    """Something was sent to us."""

    topic: str
    payload: bytes


class Nudge(msgspec.Struct, frozen=True):
    """Something new may be waiting in the outbox."""


Event = Connected | Refused | Unreachable | Lost | Subscribed | Acknowledged | Message | Nudge


@dataclass(frozen=True)
class Will:
    """What the broker says for us when we are gone."""

    topic: str
    payload: bytes


class Uplink:
    """One persistent session with the broker.

    Attributes:
        events: what happened, in order.
        connected: the broker has taken us and the connection has not ended since.
    """

    def __init__(self, client_id: str, broker: Broker, will: Will, clock: Clock) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.connected = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reconnect = Reconnect(broker.reconnect_spread_s)
        self._clock = clock
        self._answered = False
        self._complaint = ""
        self._client = self._make(client_id, broker, will)
        self._broker = broker

    def start(self) -> None:
        """Connect, and connect again whenever the connection ends; returns at once."""
        self._loop = asyncio.get_running_loop()
        host, port, keepalive_s = self._broker.host, self._broker.port, self._broker.keepalive_s
        if self._broker.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
            self._client.connect_async(host, port, keepalive_s, clean_start=False, properties=properties)
        else:
            self._client.connect_async(host, port, keepalive_s)
        self._client.loop_start()

    async def stop(self) -> None:
        """End the session's connection (the session itself stays at the broker) and paho's thread."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Hand a message to paho, QoS 1; returns its number, or None when paho's own queue is full."""
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        return None if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE else info.mid

    def subscribe(self, topics: tuple[str, ...]) -> None:
        """Ask for topics, QoS 1; retained messages come again with each subscription."""
        self._client.subscribe([(topic, 1) for topic in topics])

    def _make(self, client_id: str, broker: Broker, will: Will) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=VERSIONS[broker.protocol],
            clean_session=None if broker.protocol == "5" else False,  # paho takes it in 3.1.1 only
        )
        client.username_pw_set(broker.username, broker.password)
        if broker.ca is not None:
            _use_tls(client, str(broker.ca), broker)
        client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.max_queued_messages_set(2 * IN_FLIGHT_MAX)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_log = self._on_log
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def _hand_over(self, make: Callable[[], Event]) -> None:
        """The top of paho's thread."""
        try:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._take, make())
        except Exception:
            log.exception("an MQTT event could not be handed over")

    def _take(self, event: Event) -> None:
        if isinstance(event, Connected):
            self.connected = True
        elif isinstance(event, Refused | Unreachable | Lost):
            self.connected = False
        self.events.put_nowait(event)

    def _on_connect(
        self, _client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._answered = True
        if not code.is_failure:
            self._reconnect.connected(self._clock.monotonic_ms())
        self._hand_over(lambda: Refused(str(code)) if code.is_failure else Connected())

    def _on_connect_fail(self, _client: mqtt.Client, _data: object) -> None:
        reason = _words(sys.exception())  # paho calls this while it handles the exception, and does not pass it on
        self._wait(End.NOT_REACHED)
        self._hand_over(lambda: Unreachable(reason))

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, _properties: Properties | None
    ) -> None:
        reason, answered = self._complaint or str(code), self._answered
        self._answered, self._complaint = False, ""
        self._wait(ENDS.get(str(code), End.CLOSED))
        lost = Lost(reason, answered, self._reconnect.short)
        self._hand_over(lambda: lost)

    def _on_log(self, _client: mqtt.Client, _data: object, level: int, text: str) -> None:
        """Why a socket failed (e.g. a TLS alert) is told only here."""
        if level == LogLevel.MQTT_LOG_ERR:
            self._complaint = text

    def _wait(self, end: End) -> None:
        """Set paho's next delay; its own has no jitter and begins with one second for everybody."""
        delay_s = self._reconnect.delay_s(end, self._clock.monotonic_ms())
        self._client.reconnect_delay_set(delay_s, delay_s)  # type: ignore[arg-type]  # it takes parts of a second too

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        self._hand_over(lambda: Subscribed(", ".join(str(code) for code in codes if code.is_failure)))

    def _on_publish(
        self, _client: mqtt.Client, _data: object, mid: int, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._hand_over(lambda: Acknowledged(mid, code.value, str(code)))

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._hand_over(lambda: Message(message.topic, bytes(message.payload)))


def _words(error: BaseException | None) -> str:
    """The end of an exception's message: the system's or OpenSSL's own words."""
    return " ".join(str(error).split()) if error is not None else "no answer"


def _use_tls(client: mqtt.Client, ca: str, broker: Broker) -> None:
    cert, key = (str(file) if file else None for file in (broker.cert, broker.key))
    try:
        client.tls_set(ca, certfile=cert, keyfile=key)
    except (OSError, ValueError) as error:  # OpenSSL's errors are OSErrors
        raise DataUnusable(f"broker.tls: ca {ca}, cert {cert}, key {key}: {error}; check the three files") from error
