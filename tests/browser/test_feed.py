"""News wakes what waits for it: from another thread, at once, and time does when there is none."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.console.board_data import OLD_AFTER_MS, Snapshots
from server.console.feed import Feed
from server.news import News
from tests.server.ingest.plant import SteppedClock
from tests.server.stores import a_store
from tests.server.views.county import County

EVERYWHERE: frozenset[str] = frozenset()


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    """A county with one seal."""
    store = a_store(tmp_path)
    made = County(store, SteppedClock())
    made.feed(made.seal(1, "示例铸造一厂"), 0, 60)
    yield made
    store.close()


async def test_a_violation_wakes_everyone(county: County) -> None:
    """Two pages that wait are woken by one bell, rung on a thread of its own, long before the time is over."""
    news = News()
    feed = Feed(county.store, county.clock, news)
    await feed.look()
    seen = feed.version
    waiting = [asyncio.create_task(feed.changed(seen, timeout_s=60.0)) for _ in range(2)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waiting)
    thread = threading.Thread(target=_resume, args=(county, news))
    thread.start()
    await asyncio.wait_for(asyncio.gather(*waiting), timeout=10.0)
    thread.join()
    assert feed.version == seen + 1


async def test_envelopes_that_change_no_violation_wake_nobody(county: County) -> None:
    """The bell rings for every commit; a page is read anew at once only where something happened to a violation."""
    news = News()
    feed = Feed(county.store, county.clock, news)
    await feed.look()
    seen = feed.version
    waiting = asyncio.create_task(feed.changed(seen, timeout_s=60.0))
    await asyncio.sleep(0.05)
    county.feed(county.seal(2, "示例铸造二厂"), 0, 60)
    for _ in range(20):
        news.tell(["FZ-MH-2026-0002"])
        await asyncio.sleep(0.02)
    assert not waiting.done()
    _resume(county, news)
    await asyncio.wait_for(waiting, timeout=10.0)
    assert feed.version == seen + 1


async def test_what_happened_meanwhile_is_not_missed(county: County) -> None:
    """News that comes while no page waits is seen by the next one that does, and a page that is left no longer waits."""
    news = News()
    feed = Feed(county.store, county.clock, news)
    await feed.look()
    _resume(county, news)
    await asyncio.wait_for(feed.changed(feed.version, timeout_s=60.0), timeout=10.0)
    left = asyncio.create_task(feed.changed(feed.version, timeout_s=60.0))
    await asyncio.sleep(0.05)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    news.tell(["FZ-MH-2026-0003"])


def _resume(county: County, news: News) -> None:
    """A third furnace begins to melt."""
    county.feed(county.seal(3, "示例铸造三厂"), 60, 120, lambda _second: 200_000.0)
    news.tell(["FZ-MH-2026-0003"])


async def test_time_wakes_too(county: County) -> None:
    """Without news a page is woken when what it shows is old."""
    feed = Feed(county.store, county.clock, News())
    began = time.monotonic()
    await feed.changed(feed.version, timeout_s=0.05)
    assert time.monotonic() - began >= 0.04


async def test_what_pages_share_is_made_once(county: County) -> None:
    """All boards of a server have the same snapshots, two servers do not."""
    one, other = Feed(county.store, county.clock, News()), Feed(county.store, county.clock, News())
    assert one.kept(Snapshots) is one.kept(Snapshots)
    assert one.kept(Snapshots) is not other.kept(Snapshots)


def test_one_reading_for_all_who_see_the_same(county: County) -> None:
    """A snapshot is shared as long as nothing changed and it is not old; other counties have their own."""
    snapshots, now_ms = Snapshots(), county.clock.now_ms
    with county.store.transaction() as session:
        first = snapshots.of(session, EVERYWHERE, 1, now_ms)
        assert snapshots.of(session, EVERYWHERE, 1, now_ms + OLD_AFTER_MS - 1) is first
        assert snapshots.of(session, EVERYWHERE, 2, now_ms) is not first
        assert snapshots.of(session, EVERYWHERE, 2, now_ms + OLD_AFTER_MS).now_ms == now_ms + OLD_AFTER_MS
        elsewhere = snapshots.of(session, frozenset({"350102"}), 2, now_ms)
    assert [row.code for row in first.counties] == ["350121"]
    assert elsewhere.counties == []
    assert first.has_seals
    assert first.violations == []
