"""The server's own pace: one thread takes what arrived, commits it, acknowledges it, sends receipts, and ticks."""

import logging
import threading
from collections.abc import Callable

from server import rollup
from server.broker import Arrived, Broker
from server.engine import Judged, Raised
from server.ingest import Ingest
from server.message import Message
from server.news import News
from server.settings import Settings
from server.store import Store, StoreUnavailable
from server.tables import Agent
from server.troubles import Obstacle
from server.violations import Change
from wire.clock import Clock
from wire.errors import TopicError
from wire.keys import PrivateKey
from wire.topics import Channel, parse

log = logging.getLogger("coldseal.server.worker")

BATCH_MAX = 512
TICK_MS = 1_000
TAKE_WAIT_S = 0.2
RETRY_S = 1.0
MARKS_MS = 5_000
ROLLED_AT_ONCE = 32
"""Envelopes that go into minutes in one transaction: some tens of ms, which is what a message may have to wait."""

RaisedListener = Callable[[Raised, int], None]


class Worker:
    """The thread between the broker and the store.

    Args:
        store, settings, receipt_key, clock: the server's.
        news: rung, on this thread, after each commit that changed seals; None where nobody listens.
    """

    def __init__(
        self, store: Store, settings: Settings, receipt_key: PrivateKey, clock: Clock, news: News | None = None
    ) -> None:
        self._store, self._clock, self._news = store, clock, news or News()
        self._broker = Broker(settings, clock)
        self._ingest = Ingest(
            store,
            settings.deployment,
            receipt_key,
            clock,
            silent_after_s=settings.silent_after_s,
            gap_wait_s=settings.gap_wait_s,
        )
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="coldseal-worker")
        self._raised_listeners: list[RaisedListener] = []
        self._last_message_ms: int | None = None
        self._crash: BaseException | None = None
        self._trouble: Obstacle | None = None
        self._under_way_ms: int | None = None
        self._marks: dict[str, bytes] = {}
        self._marks_due_ms = 0
        self._rolls, self._unrolled = True, False
        self._totals = {"accepted": 0, "duplicates": 0, "rejected": 0}

    def listen_raised(self, callback: RaisedListener) -> None:
        """Be told, on the worker's thread, of each changed violation and the time at which it was committed."""
        self._raised_listeners.append(callback)

    def start(self) -> None:
        """Connect and begin.

        Raises:
            SurroundingsError: the broker cannot be reached or refuses us.
        """
        self._broker.start()
        self._thread.start()

    def stop(self) -> None:
        """End after the transaction under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._publish_marks()
        self._broker.stop()

    @property
    def crash(self) -> BaseException | None:
        """What ended the thread, if something of ours did."""
        return self._crash

    def health(self) -> dict[str, object]:
        """What the health page shows of this thread; lag_s is the age of the oldest message that waits for its commit."""
        oldest_ms = self._under_way_ms
        return {
            "broker_connected": self._broker.connected_since_ms is not None,
            "last_message_ms": self._last_message_ms,
            "inbox": self._broker.waiting,
            "lag_s": 0.0 if oldest_ms is None else (self._clock.wall_ms() - oldest_ms) / 1000,
            "working": self._thread.is_alive(),
            "trouble": self._trouble or (Obstacle.BROKER_SILENT if self._broker.trouble else None),
            **self._totals,
        }

    def _run(self) -> None:
        try:
            self._loop()
        except BaseException as error:  # the top of this thread: the process must not go on half alive
            self._crash = error
            log.exception("worker: a mistake of ours ended it")

    def _loop(self) -> None:
        next_tick_ms = 0
        while not self._stopping.is_set():
            try:
                next_tick_ms = self._turn(next_tick_ms)
                self._trouble = None
            except StoreUnavailable as error:
                self._trouble, self._under_way_ms = Obstacle.DATABASE, None
                log.error("%s", error)  # noqa: TRY400 - the world's, no traceback
                self._stopping.wait(RETRY_S)
                self._broker.reopen()  # what was not acknowledged comes again

    def _turn(self, next_tick_ms: int) -> int:
        """Take what arrived, and tick when it is time; says when the next tick is due."""
        arrived = self._broker.take(BATCH_MAX, TAKE_WAIT_S)
        if arrived:
            self._under_way_ms = arrived[0].message.received_ms
            self._take(arrived)
            self._under_way_ms = None
        elif self._unrolled:
            self._roll()
        now_ms, since_ms = self._clock.monotonic_ms(), self._broker.connected_since_ms
        if now_ms < next_tick_ms or since_ms is None:
            return next_tick_ms
        self._store.keep_months(self._clock.wall_ms())
        self._tell(self._ingest.tick(since_ms))
        self._roll()
        if now_ms >= self._marks_due_ms:
            self._marks_due_ms = now_ms + MARKS_MS
            self._publish_marks()
        return now_ms + TICK_MS

    def _roll(self) -> None:
        """Put a few envelopes into minutes. A mistake of ours there must not stop ingest: curves do without minutes."""
        if not self._rolls:
            return
        try:
            with self._store.transaction() as session:
                self._unrolled = rollup.roll(session, ROLLED_AT_ONCE) == ROLLED_AT_ONCE
        except StoreUnavailable:
            raise
        except Exception:
            self._rolls = self._unrolled = False
            log.exception("minutes: a mistake of ours; long curves are decoded from envelopes until the next start")

    def _publish_marks(self) -> None:
        """Leave each agent's newest receipt where it finds it after a start: retained, so not with every envelope."""
        for agent, receipt in self._marks.items():
            self._broker.publish(agent, Channel.HIGH_WATER_MARK, receipt, retain=True)
        self._marks.clear()

    def _take(self, arrived: list[Arrived]) -> None:
        up = [one.message for one in arrived if not one.message.topic.endswith(f"/{Channel.STATUS.value}")]
        self._keep_status([one for one in arrived if one.message.topic.endswith(f"/{Channel.STATUS.value}")])
        done = self._ingest_all(up)
        self._broker.acknowledge(arrived)
        for agent, receipt in done.items():
            self._broker.publish(agent, Channel.DOWN, receipt)
        self._marks |= done

    def _ingest_all(self, messages: list[Message]) -> dict[str, bytes]:
        """Receipts by agent. A message that a mistake of ours cannot take is kept as rejected: it must not stop all."""
        try:
            return self._ingest_some(messages) if messages else {}
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("ingest: a mistake of ours; trying each message by itself")
        receipts: dict[str, bytes] = {}
        for message in messages:
            try:
                receipts |= self._ingest_some([message])
            except StoreUnavailable:
                raise
            except Exception:
                log.exception("ingest: this message is kept as rejected: %s", message.topic)
                self._ingest.set_aside(message)
        return receipts

    def _ingest_some(self, messages: list[Message]) -> dict[str, bytes]:
        done = self._ingest.take(messages)
        self._tell(done.judged)
        self._last_message_ms = messages[-1].received_ms
        self._totals["accepted"] += done.accepted
        self._totals["duplicates"] += done.duplicates
        self._totals["rejected"] += done.rejected
        return done.receipts

    def _keep_status(self, status: list[Arrived]) -> None:
        """Status is unsigned: shown as a hint, judged by nobody."""
        if not status:
            return
        with self._store.transaction() as session:
            for one in status:
                try:
                    agent = session.get(Agent, parse(one.message.topic).agent)
                except TopicError as error:
                    log.warning("status: %s", error)
                    continue
                if agent is not None:
                    agent.status = one.message.payload[:2_000].decode(errors="replace")
                    session.add(agent)

    def _tell(self, judged: Judged) -> None:
        committed_ms = self._clock.wall_ms()
        for raised in judged.raised:
            if raised.change is not Change.SAME:
                for tell in self._raised_listeners:
                    tell(raised, committed_ms)
            if raised.change in (Change.OPENED, Change.STRONGER, Change.ENDED):
                log.info("violation %s of seal %s: %s", raised.violation_id, raised.seal_id, raised.change.value)
        self._news.tell(judged.seals)
