"""The server watches itself: when it is behind, its disk is nearly full, or its broker is gone, staff are told.

A trouble has two lines, one at which it begins and one, apart from it, at which it is over: nothing flaps. It must last
for a while before anyone is told, and staff are told again when it is mended.
"""

import logging
import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import msgspec

from server import disk
from server.disk import Disk
from wire.clock import Clock

log = logging.getLogger("coldseal.server.watch")

PERIOD_S = 5.0
GIB = 2**30


class Topic(StrEnum):
    """What can be wrong with the server itself."""

    BEHIND = "behind"
    DISK = "disk"
    BROKER = "broker"


class Limits(msgspec.Struct, frozen=True):
    """When a trouble begins, when it is over, and how long it must last before staff are told.

    Attributes:
        behind_s, caught_up_s: age of the oldest message that is not committed yet.
        disk_free_bytes, disk_free_share: the larger of the two is the line; a fifth above it the trouble is over.
        lasts_ms: by topic. A broker that restarts is back within half a minute.
    """

    behind_s: float = 30.0
    caught_up_s: float = 5.0
    disk_free_bytes: int = 2 * GIB
    disk_free_share: float = 0.05
    lasts_ms: dict[Topic, int] = msgspec.field(
        default_factory=lambda: {Topic.BEHIND: 30_000, Topic.DISK: 0, Topic.BROKER: 60_000}
    )


class Looked(msgspec.Struct, frozen=True):
    """What is watched, at one moment.

    Attributes:
        lag_s: age of the oldest message that waits for its commit; 0 where none waits.
        trouble: why nothing can be stored now; None where all is well.
        broker_connected: None where the server was built without a broker.
        disk: of the data folder; None where it cannot be looked at.
    """

    lag_s: float
    trouble: str | None
    broker_connected: bool | None
    disk: Disk | None


class Trouble(msgspec.Struct, frozen=True):
    """One trouble that began, or is over.

    Attributes:
        mended: whether it is over.
        text_zh, text_en: what is wrong, or that it is right again, and what to do.
    """

    topic: Topic
    mended: bool
    text_zh: str
    text_en: str


class Working(Protocol):
    """What the watch asks of the worker."""

    def health(self) -> dict[str, object]:
        """Its state: broker_connected, trouble, lag_s."""
        ...


class Judge:
    """Turns moments into troubles; knows no clock, no disk and no database."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._since_ms: dict[Topic, int] = {}
        self._told: set[Topic] = set()

    def judge(self, looked: Looked, now_ms: int) -> list[Trouble]:
        """What begins or ends with this moment."""
        changed = list[Trouble]()
        for topic, wrong in self._wrong(looked).items():
            if not wrong:
                self._since_ms.pop(topic, None)
                if topic in self._told:
                    self._told.discard(topic)
                    changed.append(_mended(topic))
            elif topic not in self._told:
                since_ms = self._since_ms.setdefault(topic, now_ms)
                if now_ms - since_ms >= self._limits.lasts_ms[topic]:
                    self._told.add(topic)
                    changed.append(_begun(topic, looked))
        return changed

    @property
    def present(self) -> frozenset[Topic]:
        """The troubles that staff were told of and that are not over."""
        return frozenset(self._told)

    def _wrong(self, looked: Looked) -> dict[Topic, bool]:
        behind_s = self._limits.caught_up_s if Topic.BEHIND in self._told else self._limits.behind_s
        return {
            Topic.BEHIND: looked.lag_s > behind_s or looked.trouble is not None,
            Topic.DISK: looked.disk is not None and looked.disk.free_bytes < self._line_bytes(looked.disk),
            Topic.BROKER: looked.broker_connected is False,
        }

    def _line_bytes(self, room: Disk) -> float:
        line = max(self._limits.disk_free_bytes, self._limits.disk_free_share * room.total_bytes)
        line = min(line, room.total_bytes / 2)  # a small disk is not full because it is small
        return line * 1.2 if Topic.DISK in self._told else line


class Watch:
    """The thread that looks each few seconds.

    Args:
        worker: None where the server was built without a broker.
        folder: of the data.
        tell: told of each trouble that begins or ends; it writes what staff are to be told.
    """

    def __init__(
        self,
        worker: Working | None,
        folder: Path,
        clock: Clock,
        tell: Callable[[Trouble], None],
        limits: Limits | None = None,
    ) -> None:
        self._worker, self._folder, self._clock, self._tell = worker, folder, clock, tell
        self._judge = Judge(limits or Limits())
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
            trouble=trouble if isinstance(trouble, str) else None,
            broker_connected=None if self._worker is None else bool(told.get("broker_connected")),
            disk=self._room(),
        )

    def _room(self) -> Disk | None:
        try:
            return disk.look(self._folder)
        except OSError as error:
            log.warning("%s: cannot be looked at: %s", self._folder, error)
            return None


def _begun(topic: Topic, looked: Looked) -> Trouble:
    return Trouble(topic, mended=False, text_zh=_zh(topic, looked), text_en=_en(topic, looked))


def _zh(topic: Topic, looked: Looked) -> str:
    if topic is Topic.BROKER:
        return "服务器与消息代理断开：新读数进不来，采集端自己留着。查代理是否在运行、网络与证书。"
    if topic is Topic.DISK and looked.disk is not None:
        return f"服务器磁盘将满：还剩 {looked.disk.free_bytes / GIB:.1f} GiB。清理或扩容；满了就不再收读数，采集端自己留着。"
    why = looked.trouble or f"最旧的一条已等 {looked.lag_s:.0f} 秒"
    return f"服务器处理落后：{why}。违规会晚报。查磁盘与处理器负荷。"


def _en(topic: Topic, looked: Looked) -> str:
    if topic is Topic.BROKER:
        return (
            "the server has lost its broker: no new reading comes in, agents keep them. "
            "Check that the broker runs, the network, and the certificates."
        )
    if topic is Topic.DISK and looked.disk is not None:
        return (
            f"the server's disk is nearly full: {looked.disk.free_bytes / GIB:.1f} GiB left. Free or add room; "
            "when it is full nothing more is taken, and agents keep their readings."
        )
    why = looked.trouble or f"the oldest message has waited {looked.lag_s:.0f} s"
    return f"the server is behind: {why}. Violations are told late. Check the disk and the load."


_MENDED = {
    Topic.BROKER: ("服务器与消息代理已重新连上。", "the server has its broker again."),
    Topic.DISK: ("服务器磁盘又有空间了。", "the server's disk has room again."),
    Topic.BEHIND: ("服务器已赶上。", "the server has caught up."),
}


def _mended(topic: Topic) -> Trouble:
    zh, en = _MENDED[topic]
    return Trouble(topic, mended=True, text_zh=zh, text_en=en)
