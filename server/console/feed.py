"""What wakes open pages: news of violations from the worker and from people, and time, which alone changes ages."""

import asyncio
import logging
import threading
from typing import Protocol, TypeVar, cast

from sqlmodel import Session, func, select
from starlette.concurrency import run_in_threadpool

from server.news import News
from server.store import Store, StoreUnavailable
from server.tables import Mute, Transition
from wire.clock import Clock

log = logging.getLogger("coldseal.server.console")

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

OLD_AFTER_S = 5.0
"""Time alone changes shares and states, so a page is read anew after so long."""

LOOK_EVERY_S = 0.1
"""Of many commits in a row only so often it is asked whether one of them concerns a violation."""

Pulse = tuple[int | None, int | None]


class Question(Protocol[T_co]):
    """Asked in a transaction."""

    def __call__(self, session: Session, /) -> T_co:
        """The answer."""
        ...


class Feed:
    """One server's news for all of its open pages; nothing here touches a page.

    Every envelope that is committed rings, but few change a violation: one look at the newest step answers for all pages
    whether they must be read anew at once.

    Attributes:
        clock: what now means.
        news: rung after a person's step on a page.
        version: counts what concerns violations.
    """

    def __init__(self, store: Store, clock: Clock, news: News) -> None:
        self._store, self.clock, self.news = store, clock, news
        self.version = 0
        self._pulse: Pulse = (None, None)
        self._rung = threading.Event()
        self._turn = threading.Lock()
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._looking: asyncio.Task[None] | None = None
        self._kept: dict[str, object] = {}
        news.listen(self._told)

    def kept(self, make: type[T]) -> T:
        """What the pages of this server share, made when the first one asks.

        Args:
            make: its class.
        """
        return cast("T", self._kept.setdefault(make.__qualname__, make()))

    async def changed(self, seen: int, timeout_s: float = OLD_AFTER_S) -> None:
        """Wait for news of violations.

        Args:
            seen: the version that is shown; returns at once where there is a newer one.
            timeout_s: returns without news after so long.
        """
        wake = asyncio.Event()
        with self._turn:
            self._waiting[wake] = asyncio.get_running_loop()
        try:
            if self._rung.is_set():  # while no page waited
                self._begin_to_look()
            if self.version == seen:
                await asyncio.wait_for(wake.wait(), timeout_s)
        except TimeoutError:
            pass
        finally:
            with self._turn:
                self._waiting.pop(wake, None)

    async def look(self) -> None:
        """See whether anything happened to a violation, and wake every page that waits if so."""
        pulse = await self.read(_pulse)
        if pulse != self._pulse:
            self._pulse = pulse
            self.version += 1
            with self._turn:
                for wake in self._waiting:
                    wake.set()

    async def read(self, question: Question[T]) -> T:
        """Ask the database without holding up the event loop."""
        return await run_in_threadpool(self._in_transaction, question)

    def _in_transaction(self, question: Question[T]) -> T:
        with self._store.transaction() as session:
            return question(session)

    def _told(self, _seals: frozenset[str]) -> None:
        """Something was committed; on the thread that did it, so it only takes note."""
        self._rung.set()
        with self._turn:
            loop = next(iter(self._waiting.values()), None)
            if loop is not None:
                loop.call_soon_threadsafe(self._begin_to_look)

    def _begin_to_look(self) -> None:
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_again_and_again())

    async def _look_again_and_again(self) -> None:
        try:
            while self._rung.is_set():
                self._rung.clear()
                await self.look()
                await asyncio.sleep(LOOK_EVERY_S)
        except StoreUnavailable as error:
            log.warning("%s", error)  # pages try again by themselves when what they show is old, and say so
        finally:
            self._looking = None


def _pulse(session: Session) -> Pulse:
    """What is another as soon as a violation opened, grew stronger, or somebody did something about one."""
    return session.exec(select(func.max(Transition.id))).one(), session.exec(select(func.max(Mute.id))).one()
