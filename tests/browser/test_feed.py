"""Snapshots: read once for all pages, again on news from another thread and when they grow old."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.console.feed import OLD_AFTER_MS, Feed
from tests.server.ingest.plant import SteppedClock
from tests.server.stores import a_store
from tests.server.views.county import County


class Teller:
    """A worker that tells of news when a test says so, on a thread of its own."""

    def __init__(self) -> None:
        self._told: list[Callable[[frozenset[str]], None]] = []

    def listen(self, callback: Callable[[frozenset[str]], None]) -> None:
        """Call back later."""
        self._told.append(callback)

    def tell(self) -> None:
        """There is news."""
        for callback in self._told:
            thread = threading.Thread(target=callback, args=(frozenset({"FZ-MH-2026-0001"}),))
            thread.start()
            thread.join()


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    """A county with one seal."""
    store = a_store(tmp_path)
    made = County(store, SteppedClock())
    made.feed(made.seal(1, "示例铸造一厂"), 0, 60)
    yield made
    store.close()


async def test_one_reading_for_all(county: County) -> None:
    """As long as nothing happened every page gets the very same snapshot."""
    feed = Feed(county.store, county.clock, None)
    first = await feed.latest()
    assert await feed.latest() is first
    assert [row.id for row in first.seals] == ["FZ-MH-2026-0001"]


async def test_news_from_the_workers_thread(county: County) -> None:
    """After the worker told of a commit the next snapshot has it."""
    teller = Teller()
    feed = Feed(county.store, county.clock, teller)
    first = await feed.latest()
    county.seal(2, "示例铸造二厂")
    assert len((await feed.latest()).seals) == 1
    teller.tell()
    second = await feed.latest()
    assert second is not first
    assert len(second.seals) == 2
    assert await feed.latest() is second


async def test_time_alone_is_news(county: County) -> None:
    """A snapshot is read anew when it is old: shares and states change by time alone."""
    feed = Feed(county.store, county.clock, None)
    first = await feed.latest()
    county.clock.now_ms += OLD_AFTER_MS - 1
    assert await feed.latest() is first
    county.clock.now_ms += 1
    second = await feed.latest()
    assert second.seals[0].today.unproved_ms == first.seals[0].today.unproved_ms + OLD_AFTER_MS
    assert second.seal("FZ-MH-2026-0001") == second.seals[0]
    assert second.seal("FZ-MH-2026-9999") is None
