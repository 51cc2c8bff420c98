"""The server watches itself: when it is behind, its disk is nearly full, or its broker is gone, staff are told.

That nobody can be told, because the notifier itself is the trouble, stands in the log, in health and in the metrics.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from sqlmodel import Session, col, func, select

from server import disk
from server.disk import Disk
from server.notify.events import OwnKind
from server.notify.notifier import NotifierHealth
from server.notify.tables import AlertEvent
from server.store import StoreUnavailable
from server.troubles import Judge, Limits, Looked, Obstacle, Topic, Trouble
from wire.clock import Clock

log = logging.getLogger("coldseal.server.watch")

PERIOD_S = 5.0


class Working(Protocol):
    """What the watch asks of the worker."""

    def health(self) -> dict[str, object]:
        """Its state: broker_connected, trouble, lag_s."""
        ...


class Telling(Protocol):
    """What the watch asks of the notifier."""

    def health(self) -> NotifierHealth:
        """Its state.

        Raises:
            StoreUnavailable: the database takes no transaction now.
        """
        ...


def told_before(session: Session) -> frozenset[Topic]:
    """The troubles that staff were told of, and not yet that they are over: of each topic the newest event says it."""
    newest = select(func.max(AlertEvent.id)).where(col(AlertEvent.topic).in_(list(Topic))).group_by(AlertEvent.topic)
    going_on = select(AlertEvent.topic).where(col(AlertEvent.id).in_(newest), AlertEvent.kind == OwnKind.TROUBLE.value)
    return frozenset(map(Topic, session.exec(going_on).all()))


class Watch:
    """The thread that looks each few seconds.

    Args:
        worker: None where the server was built without a broker.
        notifier: None where nobody is to be told.
        folder: of the data.
        tell: told of each trouble that begins or ends; it writes what staff are to be told.
        told: what they were told of before the start (`told_before`).
    """

    def __init__(
        self,
        worker: Working | None,
        notifier: Telling | None,
        folder: Path,
        clock: Clock,
        tell: Callable[[Trouble], None],
        limits: Limits | None = None,
        told: Iterable[Topic] = (),
    ) -> None:
        self._worker, self._notifier, self._folder, self._clock, self._tell = worker, notifier, folder, clock, tell
        self._judge = Judge(limits or Limits(), told)
        self._waiting: list[Trouble] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="coldseal-watch")

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def present(self) -> frozenset[Topic]:
        """Troubles that are not over."""
        return self._judge.present

    def step(self) -> None:
        """Look once, and tell what changed; what could not be told is told at a later step."""
        self.judge(self._look())

    def judge(self, looked: Looked) -> None:
        """Tell what changes with a moment, and what could not be told before."""
        self._waiting += self._judge.judge(looked, self._clock.monotonic_ms())
        for trouble in list(self._waiting):
            if trouble.topic is not Topic.NOTIFIER:  # whom it cannot tell would read of it when it is over
                self._tell(trouble)
            self._waiting.remove(trouble)
            log.warning(trouble.text_en, extra={"topic": trouble.topic.value, "mended": trouble.mended})

    def _run(self) -> None:
        while not self._stopping.wait(PERIOD_S):
            try:
                self.step()
            except Exception:  # the top of this thread: a mistake here must not end the watch for good
                log.exception("watch: could not look or tell; looking again in %g s", PERIOD_S)

    def _look(self) -> Looked:
        told = {} if self._worker is None else self._worker.health()
        lag_s, trouble = told.get("lag_s"), told.get("trouble")
        return Looked(
            lag_s=lag_s if isinstance(lag_s, float) else 0.0,
            trouble=trouble if isinstance(trouble, Obstacle) else None,
            broker_connected=None if self._worker is None else bool(told.get("broker_connected")),
            disk=self._room(),
            notifier_works=self._notifier_works(),
        )

    def _notifier_works(self) -> bool | None:
        if self._notifier is None:
            return None
        try:
            told = self._notifier.health()
        except StoreUnavailable:
            return None  # the worker says so too
        return told.working and told.trouble is None

    def _room(self) -> Disk | None:
        try:
            return disk.look(self._folder)
        except OSError as error:
            log.warning("%s: cannot be looked at: %s", self._folder, error)
            return None
