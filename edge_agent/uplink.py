"""The MQTT session: the only file that knows paho. It carries bytes and tells what happened; it decides nothing.

MQTT 5 with a session that outlives the connection, so that receipts wait for us. Callbacks run in paho's own thread,
where an exception would end it unseen: they only hand an event over to the event loop.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge_agent.config import Broker
from wire.clock import Clock
from wire.limits import IN_FLIGHT_MAX

log = logging.getLogger(__name__)

SESSION_EXPIRY_S = 0xFFFFFFFF  # never
RECONNECT_FIRST_S, RECONNECT_MAX_S = 1.0, 60.0
STEADY_S = 30.0
"""A connection that lasted less does not reset the growing delay: two agents with one id throw each other out."""


class Connected(msgspec.Struct, frozen=True):
    """The broker took us."""


class Refused(msgspec.Struct, frozen=True):
    """The broker refused us, and why."""

    reason: str


class Unreachable(msgspec.Struct, frozen=True):
    """No connection came about."""


class Lost(msgspec.Struct, frozen=True):
    """The connection ended, and why."""

    reason: str


class Subscribed(msgspec.Struct, frozen=True):
    """The broker's answer to our subscriptions: empty, or why it refused one."""

    refused: str


class Acknowledged(msgspec.Struct, frozen=True):
    """The broker's answer to one message.

    Attributes:
        mid: as publish returned it.
        code: MQTT 5 reason code; from 0x80 on it refused.
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
        self._failures = 0
        self._clock = clock
        self._connected_ms: int | None = None
        self._client = self._make(client_id, broker, will)
        self._broker = broker

    def start(self) -> None:
        """Connect, and connect again whenever the connection ends; returns at once."""
        self._loop = asyncio.get_running_loop()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        properties.SessionExpiryInterval = SESSION_EXPIRY_S
        self._client.connect_async(
            self._broker.host,
            self._broker.port,
            keepalive=self._broker.keepalive_s,
            clean_start=False,
            properties=properties,
        )
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
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
        client.username_pw_set(broker.username, broker.password)
        if broker.ca is not None:
            client.tls_set(
                str(broker.ca),
                certfile=str(broker.cert) if broker.cert else None,
                keyfile=str(broker.key) if broker.key else None,
            )
        client.will_set(will.topic, will.payload, qos=1, retain=True)
        client.max_queued_messages_set(2 * IN_FLIGHT_MAX)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
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
        if not code.is_failure:
            self._connected_ms = self._clock.monotonic_ms()
        self._hand_over(lambda: Refused(str(code)) if code.is_failure else Connected())

    def _on_connect_fail(self, _client: mqtt.Client, _data: object) -> None:
        self._wait_longer()
        self._hand_over(Unreachable)

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, code: ReasonCode, _properties: Properties | None
    ) -> None:
        self._wait_longer()
        self._hand_over(lambda: Lost(str(code)))

    def _wait_longer(self) -> None:
        """Set paho's next delay: growing, with jitter, so that a broker's restart does not bring all at once."""
        since_ms, self._connected_ms = self._connected_ms, None
        if since_ms is not None and self._clock.monotonic_ms() - since_ms > STEADY_S * 1000:
            self._failures = 0
        delay = min(RECONNECT_MAX_S, RECONNECT_FIRST_S * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        delay *= random.SystemRandom().uniform(0.5, 1.5)
        self._client.reconnect_delay_set(delay, delay)

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
