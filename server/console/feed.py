"""What the pages show, read once for all of them: again when the worker tells of news, or when it grows old."""

import asyncio
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from server import views
from server.store import Store
from server.views import SealRow, ViolationRow
from wire.clock import Clock

T = TypeVar("T")

OLD_AFTER_MS = 5_000
"""Time alone changes shares and states, so a snapshot is read anew after so long."""

CLOSED_SHOWN = 10


class Listened(Protocol):
    """Who tells, on its own thread, which seals changed."""

    def listen(self, callback: Callable[[frozenset[str]], None]) -> None:
        """Call back after each commit."""
        ...


class Snapshot(msgspec.Struct, frozen=True):
    """The lists at one moment.

    Attributes:
        now_ms: server time of the reading.
        seals: every seal.
        violations: those that are not closed, most urgent first, then the newest closed ones.
    """

    now_ms: int
    seals: list[SealRow]
    violations: list[ViolationRow]

    def seal(self, seal_id: str) -> SealRow | None:
        """A seal by its number."""
        return next((row for row in self.seals if row.id == seal_id), None)

    def violation(self, violation_id: str) -> ViolationRow | None:
        """A violation by its id, where it is on the list."""
        return next((row for row in self.violations if row.id == violation_id), None)


class Feed:
    """Snapshots of one server for all open pages; nothing here touches a page."""

    def __init__(self, store: Store, clock: Clock, worker: Listened | None) -> None:
        self._store, self.clock = store, clock
        self._turn = threading.Lock()
        self._news = 0
        self._reading = asyncio.Lock()
        self._shown: tuple[int, Snapshot] | None = None
        if worker is not None:
            worker.listen(self._told)

    def bump(self) -> None:
        """Something changed; called from any thread."""
        with self._turn:
            self._news += 1

    async def latest(self) -> Snapshot:
        """The newest snapshot; the same object as long as nothing changed."""
        async with self._reading:
            with self._turn:
                news = self._news
            now_ms = self.clock.wall_ms()
            shown = self._shown
            if shown is None or shown[0] != news or abs(now_ms - shown[1].now_ms) >= OLD_AFTER_MS:
                shown = (news, await self.read(lambda session: _snapshot(session, now_ms)))
                self._shown = shown
            return shown[1]

    async def read(self, question: Callable[[Session], T]) -> T:
        """Ask the database without holding up the event loop."""
        return await run_in_threadpool(self._in_transaction, question)

    def _in_transaction(self, question: Callable[[Session], T]) -> T:
        with self._store.transaction() as session:
            return question(session)

    def _told(self, _seals: frozenset[str]) -> None:
        self.bump()


def _snapshot(session: Session, now_ms: int) -> Snapshot:
    pending = [row for state in ("open", "acknowledged") for row in views.violation_rows(session, state=state)]
    closed = views.violation_rows(session, state="closed", limit=CLOSED_SHOWN)
    return Snapshot(now_ms, views.seal_rows(session, now_ms), [*pending, *closed])
