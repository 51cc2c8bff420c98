"""What operators' programs read: the server's own numbers in Prometheus' text. The only file that knows its client.

Names end in their unit. What is not known now is absent, never 0. Nothing here is about what a furnace drew: that is
evidence, and has its own interface.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlmodel import Session, col, func, select

from server import disk
from server.notify.notifier import NotifierHealth
from server.store import Store, StoreUnavailable
from server.tables import Agent, Seal, Violation
from server.troubles import Topic
from wire.clock import Clock

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Family = CounterMetricFamily | GaugeMetricFamily


class Working(Protocol):
    """What is asked of the worker: its own numbers by name."""

    def health(self) -> dict[str, object]:
        """Its state."""
        ...


class Telling(Protocol):
    """What is asked of the notifier."""

    def health(self) -> NotifierHealth:
        """Its state."""
        ...


class Stored(msgspec.Struct, frozen=True):
    """What is counted in the database, in one transaction.

    Attributes:
        agents, seals: registered and not revoked; in force.
        quiet: agents that were heard once, but not for silent_after_s.
        violations: those not closed, by state and severity.
    """

    agents: int
    quiet: int
    seals: int
    violations: list[tuple[str, str, int]]


class Sources(msgspec.Struct, frozen=True):
    """Where the numbers come from.

    Attributes:
        worker: None where the server was built without a broker.
        notifier: None where the server was built without one.
        troubles: the server's own, that are not over.
        release: the installed version.
    """

    store: Store
    clock: Clock
    folder: Path
    silent_after_s: float
    worker: Working | None
    notifier: Telling | None
    troubles: Iterable[Topic]
    release: str


def text(sources: Sources) -> bytes:
    """All numbers as Prometheus reads them."""
    registry = CollectorRegistry()
    registry.register(_Numbers(sources))
    return generate_latest(registry)


class _Numbers(Collector):
    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Family]:
        """Every number that is known now."""
        yield _labelled("coldseal_build_info", "Installed release", ["release"], [([self._sources.release], 1)])
        yield from _of_worker(self._sources)
        yield from _of_disk(self._sources.folder)
        yield from _of_database(self._sources)
        yield from _of_notifier(self._sources.notifier)
        present = set(self._sources.troubles)
        told = [([topic.value], float(topic in present)) for topic in Topic]
        yield _labelled("coldseal_trouble", "The server's own troubles that staff were told of", ["topic"], told)


def _of_worker(sources: Sources) -> Iterator[Family]:
    if sources.worker is None:
        return
    told, now_ms = sources.worker.health(), sources.clock.wall_ms()
    messages = CounterMetricFamily("coldseal_messages", "Messages since the start", labels=["outcome"])
    for outcome in ("accepted", "duplicates", "rejected"):
        messages.add_metric([outcome], _number(told.get(outcome)) or 0.0)
    yield messages
    yield from _gauges(
        ("coldseal_broker_connected", "Whether the broker is heard", _number(told.get("broker_connected"))),
        ("coldseal_worker_running", "Whether the worker's thread lives", _number(told.get("working"))),
        ("coldseal_inbox_messages", "Messages that arrived and are not taken yet", _number(told.get("inbox"))),
        (
            "coldseal_worker_lag_seconds",
            "Age of the oldest message that waits for its commit",
            _number(told.get("lag_s")),
        ),
        ("coldseal_last_message_age_seconds", "Since the last message", _age_s(told.get("last_message_ms"), now_ms)),
    )


def _of_disk(folder: Path) -> Iterator[Family]:
    try:
        room = disk.look(folder)
    except OSError:
        return  # unknown is absent; the watch says why
    yield from _gauges(
        ("coldseal_disk_free_bytes", "Room on the data folder's disk", float(room.free_bytes)),
        ("coldseal_disk_size_bytes", "Size of the data folder's disk", float(room.total_bytes)),
    )


def _of_database(sources: Sources) -> Iterator[Family]:
    try:
        with sources.store.transaction() as session:
            stored = _stored(session, sources.clock.wall_ms(), sources.silent_after_s)
    except StoreUnavailable:
        yield from _gauges(("coldseal_database_up", "Whether the database takes transactions", 0.0))
        return
    yield from _gauges(
        ("coldseal_database_up", "Whether the database takes transactions", 1.0),
        ("coldseal_agents", "Agents that are believed", float(stored.agents)),
        ("coldseal_agents_quiet", "Agents that were heard once, but not lately", float(stored.quiet)),
        ("coldseal_seals", "Seals in force", float(stored.seals)),
    )
    rows = [([state, severity], float(count)) for state, severity, count in stored.violations]
    yield _labelled("coldseal_violations", "Violations that are not closed", ["state", "severity"], rows)


def _stored(session: Session, now_ms: int, silent_after_s: float) -> Stored:
    believed = select(func.count()).select_from(Agent).where(col(Agent.revoked_ms).is_(None))
    limit_ms = now_ms - round(silent_after_s * 1000)
    in_force = (col(Seal.from_ms) <= now_ms, col(Seal.until_ms).is_(None) | (col(Seal.until_ms) > now_ms))
    standing = (
        select(Violation.state, Violation.severity, func.count())
        .where(Violation.state != "closed")
        .group_by(Violation.state, Violation.severity)
    )
    return Stored(
        agents=session.exec(believed).one(),
        quiet=session.exec(believed.where(col(Agent.heard_ms) < limit_ms)).one(),
        seals=session.exec(select(func.count()).select_from(Seal).where(*in_force)).one(),
        violations=[(state, severity, count) for state, severity, count in session.exec(standing).all()],
    )


def _of_notifier(notifier: Telling | None) -> Iterator[Family]:
    if notifier is None:
        return
    try:
        told = notifier.health()
    except StoreUnavailable:
        return  # unknown is absent; coldseal_database_up says why
    yield from _gauges(
        ("coldseal_notifier_running", "Whether the notifier's thread lives", float(told.working)),
        (
            "coldseal_notifier_failing",
            "Whether all or some of what is to be told could not be",
            float(told.trouble is not None),
        ),
        ("coldseal_alerts_undecided", "Events that settle, or wait for their group", float(told.undecided)),
        ("coldseal_alerts_waiting", "Messages to people that no receiver has yet", float(told.waiting)),
        ("coldseal_alerts_oldest_waiting_seconds", "Age of the oldest of them", told.oldest_waiting_s),
    )
    failing = [([channel.name], float(channel.failures > 0)) for channel in told.channels]
    yield _labelled("coldseal_alert_channel_failing", "Whether its last attempt failed", ["channel"], failing)


def _gauges(*known: tuple[str, str, float | None]) -> Iterator[GaugeMetricFamily]:
    for name, said, value in known:
        if value is not None:
            yield GaugeMetricFamily(name, said, value=value)


def _labelled(name: str, said: str, labels: list[str], rows: Iterable[tuple[list[str], float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, said, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, bool | int | float) else None


def _age_s(at_ms: object, now_ms: int) -> float | None:
    return (now_ms - at_ms) / 1000 if isinstance(at_ms, int) else None
