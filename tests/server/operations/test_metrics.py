"""The metrics' text: every number traces to what it is about, what is unknown is absent."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from server import metrics
from server.metrics import Sources
from server.notify.notifier import ChannelHealth, NotifierHealth
from server.store import Store
from server.troubles import Topic
from tests.server.ingest.plant import START_MS, Plant, reading

UNITS = ("_seconds", "_bytes", "_messages", "_info")
COUNTED = {
    "coldseal_messages", "coldseal_broker_connected", "coldseal_worker_running", "coldseal_database_up", "coldseal_agents",
    "coldseal_agents_quiet", "coldseal_seals", "coldseal_violations", "coldseal_alerts_waiting", "coldseal_alerts_undecided", "coldseal_alert_channel_failing", "coldseal_trouble", "coldseal_notifier_running", "coldseal_notifier_failing",
}  # fmt: skip
"""Counts of things, which have no unit."""


class Teller:
    """A notifier with one channel that works and one that does not."""

    def __init__(self, trouble: str | None = None, *, working: bool = True) -> None:
        self._trouble, self._working = trouble, working

    def health(self) -> NotifierHealth:
        """Its state."""
        channels = [
            ChannelHealth(name="duty", shown="", failures=0, waiting=0, oldest_waiting_s=0.0, last_error=None),
            ChannelHealth(name="night", shown="", failures=4, waiting=3, oldest_waiting_s=61.0, last_error="HTTP 500"),
        ]
        return NotifierHealth(
            working=self._working,
            undecided=2,
            waiting=3,
            oldest_waiting_s=61.0,
            channels=channels,
            trouble=self._trouble,
        )


class Told:
    """A worker that says of itself what a test wants."""

    def __init__(self, **told: object) -> None:
        self._told = told

    def health(self) -> dict[str, object]:
        """Its state."""
        return dict(self._told)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    """A seal whose furnace has resumed."""
    plant = Plant(tmp_path / "plant")
    plant.take(plant.agent.envelope([reading(s, 0.0 if s < 5 else 300_000.0) for s in range(10)]))
    yield plant
    plant.store.close()


def numbers(store: Store, plant: Plant, worker: Told | None = None, notifier: Teller | None = None) -> dict[str, float]:
    """What Prometheus would store, by name and labels."""
    said = metrics.text(
        Sources(store, plant.clock, plant.folder, 180.0, worker, notifier, {Topic.DISK}, "1.2.3")
    ).decode()
    return {
        sample.name + "".join(f"/{value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(said)
        for sample in family.samples
    }


def test_numbers_of_the_database(plant: Plant) -> None:
    """Agents, seals and violations are counted from their rows."""
    told = numbers(plant.store, plant)

    assert told["coldseal_agents"] == 1
    assert told["coldseal_agents_quiet"] == 0
    assert told["coldseal_seals"] == 1
    assert told["coldseal_violations/red/open"] == 1
    assert told["coldseal_database_up"] == 1
    plant.clock.now_ms += 181_000
    assert numbers(plant.store, plant)["coldseal_agents_quiet"] == 1


def test_numbers_of_worker_and_notifier(plant: Plant) -> None:
    """What the two say of themselves, in seconds and counts."""
    worker = Told(
        accepted=5, duplicates=1, rejected=2, broker_connected=True, working=True, inbox=7, lag_s=1.5,
        last_message_ms=START_MS + 10_000,
    )  # fmt: skip
    plant.clock.now_ms = START_MS + 14_000
    told = numbers(plant.store, plant, worker, Teller())

    assert told["coldseal_messages_total/accepted"] == 5
    assert told["coldseal_messages_total/rejected"] == 2
    assert told["coldseal_inbox_messages"] == 7
    assert told["coldseal_worker_lag_seconds"] == 1.5
    assert told["coldseal_last_message_age_seconds"] == 4
    assert told["coldseal_alerts_waiting"] == 3
    assert told["coldseal_alerts_oldest_waiting_seconds"] == 61
    assert told["coldseal_alerts_undecided"] == 2
    assert (told["coldseal_alert_channel_failing/duty"], told["coldseal_alert_channel_failing/night"]) == (0, 1)


@pytest.mark.parametrize(
    ("notifier", "running", "failing"),
    [(Teller(), 1, 0), (Teller("no database"), 1, 1), (Teller(working=False), 0, 0)],
    ids=["well", "fails", "ended"],
)
def test_a_notifier_that_does_not_work(plant: Plant, notifier: Teller, running: int, failing: int) -> None:
    """An operator's own alarm sees that nobody is told any more."""
    told = numbers(plant.store, plant, notifier=notifier)

    assert (told["coldseal_notifier_running"], told["coldseal_notifier_failing"]) == (running, failing)


def test_what_is_unknown_is_absent(plant: Plant) -> None:
    """No worker, no message yet, no notifier: no number, and never a 0."""
    told = numbers(plant.store, plant, Told(broker_connected=False, working=True, last_message_ms=None))

    assert "coldseal_last_message_age_seconds" not in told
    assert "coldseal_alerts_waiting" not in told
    assert "coldseal_inbox_messages" not in told
    assert told["coldseal_broker_connected"] == 0
    assert not [name for name in numbers(plant.store, plant) if "broker" in name and "trouble" not in name]


def test_troubles_are_told(plant: Plant) -> None:
    """The server's own troubles are numbers too, so that an operator's own alarms can use them."""
    told = numbers(plant.store, plant)

    assert {topic.value: told[f"coldseal_trouble/{topic.value}"] for topic in Topic} == {
        "behind": 0, "disk": 1, "broker": 0, "notifier": 0,
    }  # fmt: skip


def test_names_end_in_their_unit(plant: Plant) -> None:
    """Each metric's name is ours, documented, and ends in a unit where it has one."""
    said = metrics.text(
        Sources(
            plant.store, plant.clock, plant.folder, 180.0,
            Told(accepted=0, broker_connected=True, working=True, inbox=0, lag_s=0.0, last_message_ms=0),
            Teller(), (), "1",
        )
    ).decode()  # fmt: skip
    for family in text_string_to_metric_families(said):
        assert re.fullmatch(r"coldseal_[a-z_]+", family.name)
        assert family.documentation
        assert family.name in COUNTED or family.name.endswith(UNITS), family.name
