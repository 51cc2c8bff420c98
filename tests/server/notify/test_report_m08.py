"""Report m08: broker and server were away for half an hour, then everybody returns at once; the server restarts too."""

import re
from pathlib import Path

import pytest
from sqlmodel import select

from server.ingest import Ingest
from server.message import Message
from server.notify.notifier import Notifier
from server.notify.tables import AlertEvent
from server.settings import Settings
from server.tables import Agent, CoverageSpan, Meter
from tests.server.ingest.plant import DEPLOYMENT, START_MS, SigningAgent, reading
from tests.server.notify.office import Office
from wire import chain
from wire.keys import PrivateKey

REPORT = Path(__file__).parent / "reports/m08-broker-restart-herd"
AGENTS = 12
"""Of the report's 2,000: the rule does not know how many there are, and the machine that tests is small."""

MINUTE_MS = 60_000
SILENT_AFTER_S = 180.0
JITTER_S = 120


class Herd:
    """Agents with one furnace each, the server that hears them, and the office that is told."""

    def __init__(self, folder: Path) -> None:
        self.office = Office(folder, [{"name": "duty"}], seals=AGENTS)
        self.agents = [SigningAgent(f"a{n}") for n in range(AGENTS)]
        self.key = PrivateKey.generate()
        self._register()
        self.ingest = self._ingest()
        self.listening_since_ms = START_MS

    def restart(self) -> None:
        """The server was away, and starts now."""
        self.office.restart()
        self.ingest = self._ingest()
        self.listening_since_ms = self.office.clock.now_ms

    def pass_s(self, seconds: int, arriving: dict[int, list[Message]] | None = None) -> None:
        """Let time pass five seconds at a time, with what arrives by then, as the worker would take it."""
        waiting = dict(arriving or {})
        for second in range(0, seconds, 5):
            now_ms = self.office.clock.now_ms = self.office.clock.now_ms + 5_000
            due = [message for at in sorted(waiting) if at <= second for message in waiting.pop(at)]
            if due:
                self.ingest.take([Message(one.topic, one.payload, now_ms) for one in due])
            self.ingest.tick(self.listening_since_ms)
            self.office.notifier.step(now_ms)

    def minute(self, minute: int) -> list[Message]:
        """Every agent's envelope of a minute: the furnace is off."""
        return [agent.envelope([reading(minute * 60 + s, 0.0) for s in (0, 30, 59)]) for agent in self.agents]

    def kinds(self) -> list[str]:
        """What was to be told."""
        with self.office.store.transaction() as session:
            return list(session.exec(select(AlertEvent.code)).all())

    def _ingest(self) -> Ingest:
        office = self.office
        return Ingest(office.store, DEPLOYMENT, self.key, office.clock, silent_after_s=SILENT_AFTER_S, gap_wait_s=10.0)

    def _register(self) -> None:
        with self.office.store.transaction() as session:
            for agent, seal_id in zip(self.agents, self.office.seals, strict=True):
                genesis = chain.genesis(DEPLOYMENT, agent.name, agent.kid, agent.key.public)
                session.add(
                    Agent(id=agent.name, kid=agent.kid, public_key=str(agent.key.public), added_ms=START_MS,
                          ack_sha=genesis)
                )  # fmt: skip
                session.add(
                    Meter(seal_id=seal_id, agent_id=agent.name, name="m1", role="furnace", profile="eastron_sdm630")
                )


@pytest.fixture
def herd(tmp_path: Path) -> Herd:
    """The herd, heard for one minute."""
    made = Herd(tmp_path)
    made.pass_s(60, {55: made.minute(0)})
    return made


def backlog_minutes() -> int:
    """How long the report's agents were alone, read from the report."""
    found = re.search(r"(\d+) min of backlog", (REPORT / "events.txt").read_text(encoding="utf-8"))
    assert found is not None
    return int(found.group(1))


def test_a_herd_that_returns_is_told_to_nobody(herd: Herd) -> None:
    """After half an hour the server starts; agents return within two minutes, live rows before the backlog: no message."""
    assert "no 'silent' for agents it could not have heard" in (REPORT / "expected.txt").read_text(encoding="utf-8")
    alone = backlog_minutes()
    minutes = [herd.minute(minute) for minute in range(1, alone + 1)]
    herd.office.clock.now_ms = START_MS + (alone + 1) * MINUTE_MS
    herd.restart()
    arriving = dict[int, list[Message]]()
    for n in range(AGENTS):
        live, *old = [minute[n] for minute in reversed(minutes)]
        arriving.setdefault(n * JITTER_S // AGENTS, []).extend([live, *reversed(old)])
    herd.pass_s(round(SILENT_AFTER_S) - 20, arriving)

    assert herd.kinds() == []
    assert herd.office.phones["duty"].got == []
    with herd.office.store.transaction() as session:
        proved = session.exec(select(CoverageSpan.seal_id).where(CoverageSpan.state == "proved_off")).all()
    assert set(proved) == set(herd.office.seals)


def test_who_does_not_return_is_told_in_a_handful_of_messages(herd: Herd) -> None:
    """Once the server itself has listened for long enough, silence is silence: told, grouped, and ended when they return."""
    herd.office.clock.now_ms = START_MS + 31 * MINUTE_MS
    herd.restart()
    herd.pass_s(round(SILENT_AFTER_S))
    assert herd.kinds() == []
    herd.pass_s(200)

    assert herd.kinds() == ["silent"] * AGENTS
    assert 2 <= len(herd.office.phones["duty"].got) <= 7
    told = len(herd.office.phones["duty"].got)
    minute = (herd.office.clock.now_ms - START_MS) // MINUTE_MS
    herd.pass_s(150, {0: herd.minute(minute)})

    assert "联络恢复" in herd.office.phones["duty"].titles[-1]
    assert len(herd.office.phones["duty"].got) <= told + 7
    herd.office.check_complete()


def test_two_restarts_do_not_double_it(herd: Herd) -> None:
    """A server that restarts while it groups tells each of them once."""
    herd.office.clock.now_ms = START_MS + 31 * MINUTE_MS
    herd.restart()
    herd.pass_s(200)
    for _ in range(3):
        since_ms = herd.listening_since_ms
        herd.restart()
        herd.listening_since_ms = since_ms
        herd.pass_s(60)

    told = [one for one in herd.office.log() if one.outcome.value in ("told", "grouped")]
    assert len({one.violation_id for one in told}) == len(told) == AGENTS


def test_notifiers_are_built_twice(tmp_path: Path) -> None:
    """Two in one process, one after the other and both at once, as tests and the demo do."""
    office = Office(tmp_path, [{"name": "duty"}])
    first, second = office.new_notifier(), Notifier(office.store, Settings(data=tmp_path), office.clock)
    first.start()
    second.start()
    first.stop()
    second.stop()

    assert [channel.name for channel in first.channels] == ["duty"]
    assert second.channels == []
