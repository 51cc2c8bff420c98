"""The server's watch over itself: when staff are told, once, and when it is over."""

import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.disk import Disk
from server.notify.notifier import NotifierHealth
from server.store import StoreUnavailable
from server.troubles import GIB, Judge, Limits, Looked, Obstacle, Topic, Trouble
from server.watch import Watch
from tests.server.ingest.plant import SteppedClock

WELL = Looked(lag_s=0.0, trouble=None, broker_connected=True, disk=Disk(100 * GIB, 200 * GIB), notifier_works=True)
S = 1_000


def looked(**changed: object) -> Looked:
    """A moment that differs so from a good one."""
    fields = {"lag_s": 0.0, "trouble": None, "broker_connected": True, "disk": WELL.disk, "notifier_works": True}
    return Looked(**(fields | changed))  # type: ignore[arg-type]  # a table's row names real fields only


def full(free_gib: float, total_gib: float = 200) -> Disk:
    """A disk."""
    return Disk(int(free_gib * GIB), int(total_gib * GIB))


@pytest.mark.parametrize(
    ("wrong", "topic", "lasts_s", "en"),
    [
        (looked(broker_connected=False), Topic.BROKER, 60, "the server has lost its broker"),
        (looked(lag_s=31.0), Topic.BEHIND, 30, "the oldest message has waited 31 s"),
        (looked(trouble=Obstacle.DATABASE), Topic.BEHIND, 30, "the server is behind: the database takes nothing now"),
        (looked(trouble=Obstacle.BROKER_SILENT), Topic.BEHIND, 30, "behind: the broker delivers nothing of what it"),
        (looked(notifier_works=False), Topic.NOTIFIER, 60, "not everybody is told of everything"),
        (looked(disk=full(9.9)), Topic.DISK, 0, "nearly full: 9.9 GiB left"),
        (looked(disk=full(1.9, 10)), Topic.DISK, 0, "nearly full: 1.9 GiB left"),
    ],
    ids=["broker", "lag", "store", "silent_broker", "notifier", "disk_by_share", "disk_by_bytes"],
)
def test_a_trouble_begins_and_ends_once(wrong: Looked, topic: Topic, lasts_s: int, en: str) -> None:
    """It must last; it is told once with what to do, in both languages, and once more when it is over."""
    judge, told = Judge(Limits()), list[tuple[int, Trouble]]()
    for second in range(0, 200, 5):
        told += [(second, t) for t in judge.judge(wrong, second * S)]
    assert [(second, t.topic, t.mended) for second, t in told] == [(lasts_s, topic, False)]
    assert en in told[0][1].text_en
    assert told[0][1].text_zh.startswith(("服务器", "消息"))
    assert judge.present == {topic}

    over = judge.judge(WELL, 200 * S)
    assert [(t.topic, t.mended) for t in over] == [(topic, True)]
    assert judge.judge(WELL, 205 * S) == []
    assert judge.present == frozenset()


@pytest.mark.parametrize(
    ("moments", "topic"),
    [
        ([looked(lag_s=31.0)] * 8 + [looked(lag_s=lag) for lag in (29.0, 31.0, 6.0, 31.0) * 5], Topic.BEHIND),
        ([looked(disk=full(9.9))] + [looked(disk=full(gib)) for gib in (10.5, 9.5, 11.9, 10.1) * 5], Topic.DISK),
    ],
    ids=["lag", "disk"],
)
def test_nothing_flaps_around_its_line(moments: list[Looked], topic: Topic) -> None:
    """Values that go to and fro across the line at which it begins are one trouble."""
    judge = Judge(Limits())
    told = [t for i, moment in enumerate(moments) for t in judge.judge(moment, i * 5 * S)]

    assert [(t.topic, t.mended) for t in told] == [(topic, False)]


def test_a_short_one_is_told_to_nobody() -> None:
    """A broker that restarts within a minute wakes no one; the next outage counts from its own beginning."""
    judge = Judge(Limits())
    away = looked(broker_connected=False)
    told = [t for second in range(0, 600, 5) for t in judge.judge(WELL if second % 60 == 55 else away, second * S)]

    assert told == []


def test_a_small_disk_is_not_full_because_it_is_small() -> None:
    """On a disk of 3 GiB with half of it free nobody is called."""
    assert Judge(Limits()).judge(looked(disk=full(1.6, 3)), 0) == []
    assert Judge(Limits()).judge(looked(disk=full(1.4, 3)), 0) != []


def test_without_a_broker_or_a_disk_nothing_is_made_up() -> None:
    """What is not known is no trouble."""
    assert Judge(Limits()).judge(looked(broker_connected=None, disk=None), 10**9) == []


_MOMENTS = st.builds(
    Looked,
    lag_s=st.floats(0, 100),
    trouble=st.none() | st.sampled_from(Obstacle),
    broker_connected=st.booleans() | st.none(),
    disk=st.none() | st.builds(full, st.floats(0, 200)),
    notifier_works=st.booleans() | st.none(),
)


@given(st.lists(_MOMENTS, max_size=60))
def test_begin_and_end_take_turns(moments: list[Looked]) -> None:
    """Whatever happens, each topic is told as begun, over, begun, over."""
    judge, open_topics = Judge(Limits()), set[Topic]()
    for i, moment in enumerate(moments):
        for trouble in judge.judge(moment, i * 20 * S):
            assert (trouble.topic in open_topics) is trouble.mended
            open_topics ^= {trouble.topic}
        assert judge.present == open_topics


class Worker:
    """A worker that says of itself what a test wants."""

    def __init__(self) -> None:
        self.told: dict[str, object] = {"broker_connected": True, "trouble": None, "lag_s": 0.0}

    def health(self) -> dict[str, object]:
        """Its state."""
        return self.told


def test_what_could_not_be_told_is_told_later(tmp_path: Path) -> None:
    """A trouble whose telling fails is kept, and told with the next step that works."""
    worker, clock, told, working = Worker(), SteppedClock(), list[Trouble](), [False]

    def tell(trouble: Trouble) -> None:
        if not working[0]:
            raise OSError("no database")
        told.append(trouble)

    watch = Watch(worker, None, tmp_path, clock, tell, Limits(disk_free_bytes=0, disk_free_share=0.0))
    worker.told["broker_connected"] = False
    watch.step()
    clock.now_ms += 61 * S
    with pytest.raises(OSError, match="no database"):
        watch.step()
    working[0] = True
    watch.step()
    watch.step()

    assert [(t.topic, t.mended) for t in told] == [(Topic.BROKER, False)]
    assert watch.present == {Topic.BROKER}


class Notifier:
    """A notifier that says of itself what a test wants."""

    def __init__(self) -> None:
        self.working, self.trouble, self.database = True, "", True

    def health(self) -> NotifierHealth:
        """Its state, out of its database."""
        if not self.database:
            raise StoreUnavailable("postgresql://coldseal@db.example/coldseal: no answer")
        return NotifierHealth(
            working=self.working, undecided=0, waiting=0, oldest_waiting_s=0.0, channels=[],
            trouble=self.trouble or None,
        )  # fmt: skip


@pytest.mark.parametrize("how", ["ended", "fails"])
def test_a_notifier_that_does_not_work_stands_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    """Nobody is told by the notifier of itself: the log says it once, and that it is over; so does who asks."""
    notifier, clock, told = Notifier(), SteppedClock(), list[Trouble]()
    watch = Watch(None, notifier, tmp_path, clock, told.append, Limits(disk_free_bytes=0, disk_free_share=0.0))
    notifier.working, notifier.trouble = how != "ended", "a mistake of ours" if how == "fails" else ""
    present = list[frozenset[Topic]]()
    with caplog.at_level(logging.WARNING, "coldseal.server.watch"):
        for working, database in [(False, True), (False, True), (False, False), (False, True), (True, True)]:
            if working:
                notifier.working, notifier.trouble = True, ""
            notifier.database = database
            watch.step()
            present.append(watch.present)
            clock.now_ms += 61 * S

    assert told == []
    assert [record.getMessage().partition(",")[0] for record in caplog.records] == [
        "the notifier has ended", "the notifier works again.",
    ]  # fmt: skip
    assert present == [frozenset(), *[frozenset({Topic.NOTIFIER})] * 3, frozenset()]


def test_the_thread_ends_when_told(tmp_path: Path) -> None:
    """Built, started and stopped, twice."""
    for _ in range(2):
        watch = Watch(None, None, tmp_path, SteppedClock(), lambda _trouble: None)
        watch.start()
        watch.stop()
