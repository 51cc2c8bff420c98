"""How many violations call for a person: the count in every page's bar agrees with the queue."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server import life, mutes, views
from server.access.audit import COMMAND_LINE
from server.console import unseen
from server.console.unseen import Unseen
from tests.server.ingest.plant import START_MS, SteppedClock
from tests.server.stores import a_store
from tests.server.views.county import County

SEAL = "FZ-MH-2026-0001"


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    """A county whose one sealed furnace has resumed."""
    store = a_store(tmp_path)
    made = County(store, SteppedClock())
    made.feed(made.seal(1, "示例铸造一厂"), 0, 120, lambda second: 326_000.0 if second > 60 else 0.0)
    yield made
    store.close()


def test_what_nobody_saw_is_counted_until_somebody_has(county: County) -> None:
    """A new red one counts; once acknowledged it does not."""
    with county.store.transaction() as session:
        assert unseen.count(session, COMMAND_LINE, START_MS + 121_000) == Unseen(red=1, amber=0)
        (row,) = views.violation_rows(session)
        life.acknowledge(session, row.id, by=COMMAND_LINE, reason="", now_ms=START_MS + 122_000)
        assert unseen.count(session, COMMAND_LINE, START_MS + 123_000) == Unseen(red=0, amber=0)


def test_a_shelved_one_calls_for_nobody_until_its_time_is_over(county: County) -> None:
    """While its seal is muted it neither counts nor sounds; when the time is over, or somebody ends it, it does again."""
    at_ms = START_MS + 121_000
    with county.store.transaction() as session:
        made = mutes.mute(session, by=COMMAND_LINE, seal_id=SEAL, until_ms=at_ms + 60_000, reason="检修", now_ms=at_ms)
        counts = [unseen.count(session, COMMAND_LINE, at_ms + after_ms).red for after_ms in (0, 59_999, 60_000)]
        mutes.end(session, made.id or 0, by=COMMAND_LINE, now_ms=at_ms + 10_000)
        ended = unseen.count(session, COMMAND_LINE, at_ms + 10_001).red

    assert counts == [0, 0, 1]
    assert ended == 1
