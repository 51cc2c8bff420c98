"""The notifier: one thread that decides who is told of what, and a way out for each channel.

Deciding is one short transaction; sending happens outside the database's turn; what came of it is another short one.
Each channel has its own way out: one that is dead delays no other. What is not delivered stays and is tried again, with
a wait that grows to MOST_S and never ends. What came of an attempt is written down before the next one on the same way: a
database that takes no writes must not make anybody hear twice.
"""

import json
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

import msgspec
from sqlmodel import col, func, select

from server.notify.aside import Aside
from server.notify.channels import AlertsFile, Channel
from server.notify.desk import Desk
from server.notify.look import look
from server.notify.pictures import picture
from server.notify.pipeline import run
from server.notify.sender import Answer, Outgoing, Sender
from server.notify.tables import TAKEN, AlertEvent, AlertMessage
from server.notify.way import Way, record, ways
from server.settings import Settings
from server.store import Store, StoreUnavailable
from wire.clock import Clock

log = logging.getLogger("coldseal.server.notify")

PERIOD_S = 1.0
SHARE = 10
"""A turn that took long is followed by a pause of so many times its length: a storm must not keep the database."""


class ChannelHealth(msgspec.Struct, frozen=True):
    """How one channel is.

    Attributes:
        shown: the address without its secrets.
        waiting: messages that the receiver does not have yet.
        oldest_waiting_s: age of the oldest of them; 0 where none waits.
        failures: attempts that failed in a row.
        last_error: why the last one did, or whom of several recipients it did not reach; None after a delivery to all,
            and before the first attempt.
    """

    name: str
    shown: str
    waiting: int
    oldest_waiting_s: float
    failures: int
    last_error: str | None


class NotifierHealth(msgspec.Struct, frozen=True):
    """How the notifier is.

    Attributes:
        undecided: events that settle, or wait for their group.
        trouble: why the last turn could not be done, or what was set aside in it; None where all is well.
    """

    working: bool
    undecided: int
    waiting: int
    oldest_waiting_s: float
    channels: list[ChannelHealth]
    trouble: str | None


class Notifier:
    """Tells people; may be built, started and stopped any number of times in one process."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        clock: Clock,
        make: Callable[[Channel, AlertsFile], Sender] | None = None,
    ) -> None:
        """Read the channels; nothing runs yet.

        Args:
            store: the database.
            settings: with `alerts`; without it events are decided at once and nobody is told.
            clock: server time.
            make: a channel's way out; Apprise and the standard library's otherwise.

        Raises:
            SettingsError: a channel that cannot be meant.
            SurroundingsError: an address file that cannot be read.
        """
        self._store, self._clock = store, clock
        self._alerts = settings.alerts or AlertsFile(page_url="http://127.0.0.1")
        self._ways = ways(self._alerts, settings.data, make)
        self._pool = ThreadPoolExecutor(max(1, len(self._ways)), thread_name_prefix="coldseal-alert")
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="coldseal-notifier")
        self._trouble: str | None = None
        self._looking: str | None = None
        self._aside = Aside()

    @property
    def channels(self) -> list[Channel]:
        """The channels in force."""
        return [way.channel for way in self._ways]

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the attempts under way; what was not delivered is tried after the next start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        self._pool.shutdown(wait=True)
        for way in self._ways:
            try:
                self._write_down(way)
            except StoreUnavailable as error:
                ids = ", ".join(tried.message_id for tried in way.unwritten)
                log.error("alerts %s by %s: sent again after the next start: %s", ids, way.channel.name, error)  # noqa: TRY400 - the world's

    def step(self, now_ms: int) -> None:
        """One turn: decide what is due, and try every channel that has something to send; waits for all of them.

        Raises:
            StoreUnavailable: the database takes no transaction now.
        """
        for attempt in wait(self._turn(now_ms)).done:
            attempt.result()

    def health(self) -> NotifierHealth:
        """How it is; reads the database."""
        now_ms = self._clock.wall_ms()
        with self._store.transaction() as session:
            undecided = session.exec(
                select(func.count()).select_from(AlertEvent).where(col(AlertEvent.decided_ms).is_(None))
            ).one()
            waiting = session.exec(
                select(AlertMessage.channel, func.count(), func.min(AlertMessage.created_ms))
                .where(col(AlertMessage.sent_ms).is_(None))
                .group_by(AlertMessage.channel)
            ).all()
        by_name = {name: (count, max(0.0, (now_ms - oldest_ms) / 1000)) for name, count, oldest_ms in waiting}
        each = [
            ChannelHealth(
                way.channel.name,
                way.sender.shown,
                *by_name.get(way.channel.name, (0, 0.0)),
                way.failures,
                way.last_error,
            )
            for way in self._ways
        ]
        return NotifierHealth(
            working=self._thread.is_alive(),
            undecided=undecided,
            waiting=sum(one.waiting for one in each),
            oldest_waiting_s=max([0.0, *(one.oldest_waiting_s for one in each)]),
            channels=each,
            trouble=self._trouble or self._looking or self._aside.trouble,
        )

    def _run(self) -> None:
        pause_s = PERIOD_S
        while not self._stopping.wait(pause_s):
            began_ms = self._clock.monotonic_ms()
            try:
                self._turn(self._clock.wall_ms())
                self._trouble = None
            except StoreUnavailable as error:
                self._trouble = str(error)
                log.error("%s", error)  # noqa: TRY400 - the world's, no traceback
            except Exception as error:  # the top of this thread: staff must be told of what comes after
                self._trouble = f"a mistake of ours: {type(error).__name__}; see the log"
                log.exception("notifier: a mistake of ours; the next turn tries again")
            pause_s = max(PERIOD_S, SHARE * (self._clock.monotonic_ms() - began_ms) / 1000)

    def _turn(self, now_ms: int) -> list[Future[None]]:
        """Decide, and set every free channel to work."""
        if self._ways:
            self._look(now_ms)
        with self._store.transaction() as session:
            desk = Desk(session, self._alerts, self.channels, now_ms, self._aside)
            made = run(desk)
            desk.close()
        self._aside.forgive(now_ms)
        if made:
            log.info("alerts: %d messages to send", made)
        for way in self._ways:
            if way.is_free(now_ms):
                way.under_way = self._pool.submit(self._send_due, way, now_ms)
        return [way.under_way for way in self._ways if way.under_way is not None]

    def _look(self, now_ms: int) -> None:
        """Look by itself: what cannot be looked at must not keep what is known from being told."""
        try:
            with self._store.transaction() as session:
                look(session, self._alerts, now_ms)
            self._looking = None
        except StoreUnavailable:
            raise
        except Exception as error:
            self._looking = f"a mistake of ours in looking for what is due: {type(error).__name__}; see the log"
            log.exception("alerts: a mistake of ours in looking for what is due; the next turn tries again")

    def _send_due(self, way: Way, now_ms: int) -> None:
        """Send what is due on a channel, until one fails; first of all write down what came of what was sent before."""
        try:
            self._write_down(way)
            while not self._stopping.is_set() and (message := self._next(way, now_ms)) is not None:
                answer = self._send(way, message)
                way.note(message, answer, now_ms)
                self._write_down(way)
                if not answer.passes:
                    return
        except StoreUnavailable as error:
            log.error("%s", error)  # noqa: TRY400 - the world's, no traceback
        except Exception as error:  # the top of this thread: the other channels go on
            way.stumble(error, now_ms)
            log.exception("alerts: a mistake of ours on channel %s; tried again", way.channel.name)

    def _send(self, way: Way, message: AlertMessage) -> Answer:
        """Try one message; one that a mistake of ours cannot send is kept, and the others pass it."""
        try:
            answer = way.sender.send(self._outgoing(way, message))
        except StoreUnavailable:
            raise
        except Exception as error:  # one message must not stop its channel
            log.exception("alert %s by %s: a mistake of ours", message.id, way.channel.name)
            answer = Answer(delivered=False, reason=f"a mistake of ours: {type(error).__name__}; see the log")
        if answer.trouble is not None:
            what = "delivered" if answer.delivered else "kept and tried again"
            log.warning("alert %s by %s: %s; %s", message.id, way.channel.name, answer.trouble, what)
        return answer

    def _next(self, way: Way, now_ms: int) -> AlertMessage | None:
        with self._store.transaction() as session:
            return session.exec(
                select(AlertMessage)
                .where(AlertMessage.channel == way.channel.name, col(AlertMessage.sent_ms).is_(None))
                .where(AlertMessage.next_try_ms <= now_ms)
                .order_by(col(AlertMessage.created_ms), col(AlertMessage.id))
                .limit(1)
            ).first()

    def _outgoing(self, way: Way, message: AlertMessage) -> Outgoing:
        document = json.loads(message.document)
        taken = frozenset(document.pop(TAKEN, ()))
        return Outgoing(
            id=message.id,
            title=message.title,
            body=message.body,
            document=document,
            picture=self._picture(message.violation_id) if way.channel.form == "mail" else None,
            taken=taken,
        )

    def _picture(self, violation_id: str | None) -> bytes | None:
        try:
            return None if violation_id is None else picture(self._store, violation_id)
        except StoreUnavailable:
            raise
        except Exception:  # the words are the message: no curve may hold them up
            log.exception(
                "alerts: a mistake of ours in drawing the curve of %s; the mail goes without it", violation_id
            )
            return None

    def _write_down(self, way: Way) -> None:
        while way.unwritten:
            with self._store.transaction() as session:
                record(session, way.unwritten[0])
            del way.unwritten[0]
