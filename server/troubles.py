"""The server's own troubles: when each begins, when it is over, and what staff are told.

A trouble has two lines, one at which it begins and one, apart from it, at which it is over: nothing flaps. It must last
for a while before anyone is told, and staff are told again when it is mended.
"""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from server.disk import Disk

GIB = 2**30


class Topic(StrEnum):
    """What can be wrong with the server itself."""

    BEHIND = "behind"
    DISK = "disk"
    BROKER = "broker"
    NOTIFIER = "notifier"


class Obstacle(StrEnum):
    """Why nothing can be taken in now, in a word for everyone: the log has addresses and what exactly was said."""

    DATABASE = "database"
    BROKER_SILENT = "broker_silent"


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
        default_factory=lambda: {Topic.BEHIND: 30_000, Topic.DISK: 0, Topic.BROKER: 60_000, Topic.NOTIFIER: 60_000}
    )


class Looked(msgspec.Struct, frozen=True):
    """What is watched, at one moment.

    Attributes:
        lag_s: age of the oldest message that waits for its commit; 0 where none waits.
        trouble: why nothing can be taken in now; None where all is well.
        broker_connected: None where the server was built without a broker.
        disk: of the data folder; None where it cannot be looked at.
        notifier_works: None where there is none, or where the database that it shares cannot be read.
    """

    lag_s: float
    trouble: Obstacle | None
    broker_connected: bool | None
    disk: Disk | None
    notifier_works: bool | None = None


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


class Judge:
    """Turns moments into troubles; knows no clock, no disk and no database.

    Args:
        limits: when what begins, and is over.
        told: what staff were told of before the start, and not yet that it is over.
    """

    def __init__(self, limits: Limits, told: Iterable[Topic] = ()) -> None:
        self._limits = limits
        self._since_ms: dict[Topic, int] = {}
        self._told = set(told)

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
            Topic.NOTIFIER: not looked.notifier_works
            and (looked.notifier_works is not None or Topic.NOTIFIER in self._told),
        }

    def _line_bytes(self, room: Disk) -> float:
        line = max(self._limits.disk_free_bytes, self._limits.disk_free_share * room.total_bytes)
        line = min(line, room.total_bytes / 2)  # a small disk is not full because it is small
        return line * 1.2 if Topic.DISK in self._told else line


def _begun(topic: Topic, looked: Looked) -> Trouble:
    return Trouble(topic, mended=False, text_zh=_zh(topic, looked), text_en=_en(topic, looked))


def _zh(topic: Topic, looked: Looked) -> str:
    if topic is Topic.BROKER:
        return "服务器与消息代理断开：新读数进不来，采集端自己留着。查代理是否在运行、网络与证书。"
    if topic is Topic.NOTIFIER:
        return "消息发送停了或一直出错：有消息没有发出去。看服务器日志；停了就重启服务器。"
    if topic is Topic.DISK and looked.disk is not None:
        return f"服务器磁盘将满：还剩 {looked.disk.free_bytes / GIB:.1f} GiB。清理或扩容；满了就不再收读数，采集端自己留着。"
    why = f"最旧的一条已等 {looked.lag_s:.0f} 秒" if looked.trouble is None else _OBSTACLES[looked.trouble][0]
    return f"服务器处理落后：{why}。违规会晚报。查磁盘与处理器负荷。"


def _en(topic: Topic, looked: Looked) -> str:
    if topic is Topic.BROKER:
        return (
            "the server has lost its broker: no new reading comes in, agents keep them. "
            "Check that the broker runs, the network, and the certificates."
        )
    if topic is Topic.NOTIFIER:
        return (
            "the notifier has ended, or fails again and again: not everybody is told of everything. "
            "Read the server's log; where it has ended, start the server again."
        )
    if topic is Topic.DISK and looked.disk is not None:
        return (
            f"the server's disk is nearly full: {looked.disk.free_bytes / GIB:.1f} GiB left. Free or add room; "
            "when it is full nothing more is taken, and agents keep their readings."
        )
    waited = f"the oldest message has waited {looked.lag_s:.0f} s"
    why = waited if looked.trouble is None else _OBSTACLES[looked.trouble][1]
    return f"the server is behind: {why}. Violations are told late. Check the disk and the load."


_OBSTACLES = {
    Obstacle.DATABASE: (
        "数据库现在不收，原因见服务器日志",
        "the database takes nothing now; the server's log says why",
    ),
    Obstacle.BROKER_SILENT: (
        "消息代理不转发它准许过的主题，原因见服务器日志",
        "the broker delivers nothing of what it granted; the server's log says why",
    ),
}

_MENDED = {
    Topic.NOTIFIER: ("消息发送已恢复。", "the notifier works again."),
    Topic.BROKER: ("服务器与消息代理已重新连上。", "the server has its broker again."),
    Topic.DISK: ("服务器磁盘又有空间了。", "the server's disk has room again."),
    Topic.BEHIND: ("服务器已赶上。", "the server has caught up."),
}


def _mended(topic: Topic) -> Trouble:
    zh, en = _MENDED[topic]
    return Trouble(topic, mended=True, text_zh=zh, text_en=en)
