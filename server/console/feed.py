"""What wakes open pages: news from the worker and from people's steps, and time, which changes ages and states alone."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar, cast

from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from server.news import News
from server.store import Store
from wire.clock import Clock

T = TypeVar("T")

OLD_AFTER_S = 5.0
"""Time alone changes shares and states, so a page is read anew after so long."""


class Feed:
    """One server's news for all of its open pages; nothing here touches a page.

    Attributes:
        clock: what now means.
        news: rung after a person's step on a page.
    """

    def __init__(self, store: Store, clock: Clock, news: News) -> None:
        self._store, self.clock, self.news = store, clock, news
        self._turn = threading.Lock()
        self._version = 0
        self._waiting: dict[asyncio.Event, asyncio.AbstractEventLoop] = {}
        self._kept: dict[str, object] = {}
        news.listen(self._told)

    @property
    def version(self) -> int:
        """Counts the news."""
        with self._turn:
            return self._version

    def kept(self, make: type[T]) -> T:
        """What the pages of this server share, made when the first one asks.

        Args:
            make: its class.
        """
        found = self._kept.setdefault(make.__qualname__, make())
        return cast(T, found)

    async def changed(self, seen: int, timeout_s: float = OLD_AFTER_S) -> None:
        """Wait for news.

        Args:
            seen: the version that is shown; returns at once where there is a newer one.
            timeout_s: returns without news after so long.
        """
        wake = asyncio.Event()
        with self._turn:
            if self._version != seen:
                return
            self._waiting[wake] = asyncio.get_running_loop()
        try:
            await asyncio.wait_for(wake.wait(), timeout_s)
        except TimeoutError:
            pass
        finally:
            with self._turn:
                self._waiting.pop(wake, None)

    async def read(self, question: Callable[[Session], T]) -> T:
        """Ask the database without holding up the event loop."""
        return await run_in_threadpool(self._in_transaction, question)

    def _in_transaction(self, question: Callable[[Session], T]) -> T:
        with self._store.transaction() as session:
            return question(session)

    def _told(self, _seals: frozenset[str]) -> None:
        """Wake every page that waits; on the thread that changed something, so it only takes note."""
        with self._turn:
            self._version += 1
            for wake, loop in self._waiting.items():
                loop.call_soon_threadsafe(wake.set)
            self._waiting.clear()
