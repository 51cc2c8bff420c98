"""Outbox to server over the uplink: keeps the window full, sends again, and deletes only on the server's signed word."""

import asyncio
import contextlib
import json

import msgspec

from edge_agent.config import Settings
from edge_agent.delivery import Delivery, Lane
from edge_agent.disk import Disk
from edge_agent.health import Fault, Health
from edge_agent.link_faults import another_agents_certificate, explain
from edge_agent.outbox import Outbox
from edge_agent.uplink import (
    Acknowledged,
    Connected,
    Event,
    Lost,
    Message,
    Nudge,
    Refused,
    Subscribed,
    Unreachable,
    Uplink,
    Will,
)
from wire import topics
from wire.clock import Clock
from wire.envelope import Kind, check_signature, parse, take_apart
from wire.errors import Malformed, WireError
from wire.keys import PublicKey, b64url
from wire.limits import RECEIPT_WAIT_S
from wire.receipt import Receipt
from wire.topics import Channel

NO_SUBSCRIBERS = 0x10
REFUSED_FROM = 0x80
IDLE_S = 1.0
HIGH_WATER_WAIT_MS = 500
"""After a start nothing leaves before the server's retained mark had this long to arrive: it may know of later numbers."""


class Pace(msgspec.Struct, frozen=True):
    """Waits of the delivery; the defaults are what the field wants.

    Attributes:
        receipt_wait_s: until an envelope without a receipt leaves again.
        hint_after_s: without any receipt while the broker takes envelopes, until the agent says so.
    """

    receipt_wait_s: float = RECEIPT_WAIT_S
    hint_after_s: float = 2 * RECEIPT_WAIT_S


class Courier:
    """One agent's delivery.

    Attributes:
        idle: set while everything that the outbox holds is receipted.
    """

    def __init__(
        self, settings: Settings, boot_id: str, outbox: Outbox, disk: Disk, clock: Clock, health: Health, pace: Pace
    ) -> None:
        self.idle = asyncio.Event()
        self._settings, self._boot_id = settings, boot_id
        self._outbox, self._disk, self._clock, self._health = outbox, disk, clock, health
        self._pace = pace
        self._delivery = Delivery(pace.receipt_wait_s)
        self._up, self._down, self._mark, self._status = (
            topics.build(settings.agent, c) for c in (Channel.UP, Channel.DOWN, Channel.HIGH_WATER_MARK, Channel.STATUS)
        )
        self._mids: dict[int, int] = {}
        self._may_send_ms: int | None = None
        self._told_version = -1
        self._stopped = self._no_subscribers = False
        self._more = True  # the outbox may hold something that has not left
        will = Will(self._status, self._status_bytes("gone"))
        self._link = Uplink(settings.agent, settings.broker, will, clock)

    @property
    def connected(self) -> bool:
        """Whether the broker has us."""
        return self._link.connected

    def nudge(self) -> None:
        """Something was put into the outbox."""
        self._more = True
        self.idle.clear()
        self._link.events.put_nowait(Nudge())

    async def run(self) -> None:
        """Deliver until cancelled."""
        if reason := another_agents_certificate(self._settings):
            self._health.raise_fault(Fault.BROKER_REFUSED, reason)
        else:
            self._link.start()
        try:
            while True:
                for event in await self._next_events():
                    await self._handle(event)
                await self._pump()
        finally:
            if self.connected:
                self._link.publish(self._status, self._status_bytes("stopped"), retain=True)
            await self._link.stop()

    async def finish(self, wait_s: float) -> None:
        """Wait shortly until everything is receipted; what is not stays in the outbox."""
        if self.connected:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self.idle.wait()

    async def _next_events(self) -> list[Event]:
        due = self._delivery.next_due_ms()
        wait_s = IDLE_S if due is None else min(IDLE_S, max(0.0, (due - self._clock.monotonic_ms()) / 1000))
        queue = self._link.events
        try:
            async with asyncio.timeout(wait_s):
                events = [await queue.get()]
        except TimeoutError:
            return []
        while not queue.empty():
            events.append(queue.get_nowait())
        return events

    async def _handle(self, event: Event) -> None:
        now = self._clock.monotonic_ms()
        if isinstance(event, Connected):
            self._health.clear(Fault.BROKER_REFUSED, Fault.BROKER_UNREACHABLE)
            self._health.counters["connects"] += 1
            self._told_version = -1
            self._delivery.overtake(self._outbox.last.seq)
            self._link.subscribe((self._down, self._mark))
        elif isinstance(event, Subscribed):
            self._on_subscribed(event, now)
        elif isinstance(event, Acknowledged):
            self._on_acknowledged(event, now)
        elif isinstance(event, Message) and event.topic in (self._down, self._mark) and event.payload:
            await self._on_receipt(event.payload, now)
        elif isinstance(event, Refused | Unreachable | Lost):
            self._on_no_connection(event)

    def _on_subscribed(self, event: Subscribed, now: int) -> None:
        if event.refused:
            self._health.raise_fault(
                Fault.SUBSCRIBE_REFUSED,
                f"broker {self._broker}: refuses our subscription to {self._down} ({event.refused}): no receipt can "
                "come; correct the broker's access list",
            )
            return
        self._health.clear(Fault.SUBSCRIBE_REFUSED)
        if self._may_send_ms is None:
            self._may_send_ms = now + HIGH_WATER_WAIT_MS

    def _on_acknowledged(self, event: Acknowledged, now: int) -> None:
        seq = self._mids.pop(event.mid, None)
        if seq is None:
            return
        self._delivery.taken(seq, now)
        self._no_subscribers = event.code == NO_SUBSCRIBERS
        if event.code >= REFUSED_FROM:
            self._health.counters["refused"] += 1
            self._health.raise_fault(
                Fault.PUBLISH_REFUSED,
                f"broker {self._broker}: refuses our envelopes on {self._up} ({event.reason}); nothing is lost, "
                "correct the broker's access list",
            )
        else:
            self._health.clear(Fault.PUBLISH_REFUSED)

    def _on_no_connection(self, event: Refused | Unreachable | Lost) -> None:
        fault, line = explain(event, self._settings, self._clock.wall_ms())
        # After a refusal the broker closes the line too: that says less than the refusal did.
        if not (isinstance(event, Lost) and Fault.BROKER_REFUSED in self._health.faults):
            self._health.raise_fault(fault, line)

    @property
    def _broker(self) -> str:
        return f"{self._settings.broker.host}:{self._settings.broker.port}"

    async def _on_receipt(self, payload: bytes, now: int) -> None:
        try:
            receipt = open_receipt(payload, self._settings.server_key, self._settings.deployment, self._settings.agent)
        except WireError as error:
            self._health.counters["bad_receipts"] += 1
            self._health.raise_fault(
                Fault.RECEIPT_REFUSED,
                f"a receipt was ignored ({error}); if this stays, correct server_key in {self._settings.file}",
            )
            return
        self._stopped = await self._disk(self._contradicts, receipt)
        if self._stopped:
            return
        self._health.clear(Fault.RECEIPT_REFUSED, Fault.NUMBER_AHEAD, Fault.FORK, Fault.NO_RECEIPT)
        self._may_send_ms = now
        self._delivery.receipted(receipt.ack, receipt.have, receipt.miss, now)
        await self._disk(self._outbox.receipt, receipt.ack, receipt.have, receipt.miss, receipt.now)
        self._more = True

    def _contradicts(self, receipt: Receipt) -> bool:
        """Whether the server knows another history than this outbox."""
        ours = self._outbox.last.seq
        if receipt.ack > ours:
            self._health.raise_fault(
                Fault.NUMBER_AHEAD,
                f"the server knows number {receipt.ack}, this outbox stands at {ours}: was it restored from an old "
                f"copy? Sending has stopped; move {self._settings.data} away, start again and register the new key",
            )
            return True
        sha = self._outbox.sha_of(receipt.ack)
        if receipt.ack and sha is not None and b64url(sha) != receipt.sha:
            self._health.raise_fault(
                Fault.FORK,
                f"the server holds another envelope under number {receipt.ack}: does a second agent use this key? "
                "Sending has stopped; find it, then register a new key for this one",
            )
            return True
        return False

    async def _pump(self) -> None:
        """Send what is due or new, tell the status, and notice when no receipt comes."""
        now = self._clock.monotonic_ms()
        self._tell_status()
        self._hint(now)
        if self._stopped or not self.connected or self._may_send_ms is None or now < self._may_send_ms:
            return
        for seq in self._delivery.due(now):
            for found, raw in await self._disk(self._outbox.peek, seq - 1, 1):
                if found == seq:
                    self._send(seq, raw, now)
        if self._more:
            await self._send_new(now)
        if not self._more and not self._delivery.in_flight:
            self.idle.set()
        self._health.counters["resent"] = self._delivery.resent

    async def _send_new(self, now: int) -> None:
        """What has not left: live numbers before the backlog."""
        self._more = False  # a nudge during the look sets it again
        for lane in (Lane.LIVE, Lane.BACKLOG):
            in_flight = self._delivery.in_flight
            while (room := self._delivery.room_in(lane)) > 0:
                found = await self._disk(self._outbox.peek, self._delivery.cursor(lane), room)
                if not found:
                    break
                for seq, raw in found:
                    if seq in in_flight or self._send(seq, raw, now):
                        self._delivery.passed(lane, seq)
                    else:
                        self._more = True
                        return
            else:
                self._more = True

    def _send(self, seq: int, raw: bytes, now: int) -> bool:
        mid = self._link.publish(self._up, raw)
        if mid is None:
            return False
        self._mids[mid] = seq
        self._delivery.left(seq, now)
        return True

    def _hint(self, now: int) -> None:
        if self._delivery.unanswered_ms(now) < self._pace.hint_after_s * 1000:
            return
        who = " (it says that nobody subscribes: is the server running?)" if self._no_subscribers else ""
        self._health.raise_fault(
            Fault.NO_RECEIPT,
            f"broker {self._broker}: the broker takes our messages but the server never receipts them: check topic "
            f"{self._up} and access list{who}; nothing is deleted here",
        )

    def _tell_status(self) -> None:
        if self.connected and self._told_version != self._health.version:
            self._told_version = self._health.version
            self._link.publish(self._status, self._status_bytes("online"), retain=True)

    def _status_bytes(self, state: str) -> bytes:
        """The retained status; the boot id tells an old last will from this run's."""
        faults = [] if state == "gone" else [fault.value for fault in self._health.faults]
        document = {"agent": self._settings.agent, "boot": self._boot_id, "state": state, "faults": faults}
        return json.dumps(document, separators=(",", ":")).encode()


def open_receipt(payload: bytes, server_key: PublicKey, deployment: str, agent: str) -> Receipt:
    """The server's receipt for this agent.

    Raises:
        WireError: not a receipt, not signed by the server, or for another deployment or agent.
    """
    sealed = take_apart(payload)
    if sealed.header.typ != Kind.RECEIPT:
        raise Malformed(f"header: expected typ {Kind.RECEIPT}, got {sealed.header.typ}")
    check_signature(sealed, server_key)
    receipt = parse(sealed.body, Receipt)
    if (receipt.dep, receipt.agt) != (deployment, agent):
        raise Malformed(f"receipt: expected {deployment} and {agent}, got {receipt.dep} and {receipt.agt}")
    return receipt
