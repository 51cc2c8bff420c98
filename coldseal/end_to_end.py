"""How long from the agent's first reply above the limit to the committed violation: real meters, agents, broker, store.

Everything runs on this machine: simulated meters (one process), agents (one process), the broker (one process), and
the server's worker with its SQLite file in the measuring process. A reading's time is the agent's wall clock when the
reply arrived; the end is the server's wall clock just after the transaction was committed. After each restart the
violation is closed and the seal's rules begin anew, so that the next restart is a new violation.
"""

import queue
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from coldseal import bench_sites
from coldseal.embedded_broker import broker_command
from coldseal.local_plant import AgentPlan, LocalPlant, free_ports
from coldseal.processes import ProcessGroup
from server import life
from server.access.audit import COMMAND_LINE
from server.engine import Raised
from server.receipt_key import receipt_key
from server.settings import Settings
from server.store import Store
from server.tables import RuleState, Violation
from server.violations import Change
from server.worker import Worker
from wire.clock import SystemClock

POLL_S = 1.0
ON_S = 2.2
RESET_AFTER_MS = 2_400
"""From raising to a new beginning: the draw has ended by then, and a reading shows it."""

FIRST_S = 15.0
"""Sealed time before the first restart: in it every agent finds its meter."""

AGENTS_READY_S = 180.0

LIMIT_S = POLL_S + 1.0
QUIET_S = 5.0


class Delay(msgspec.Struct, frozen=True):
    """One restart.

    Attributes:
        violation: its id.
        first_ms, second_ms: agent's time of the first and second reply above the limit.
        committed_ms: server's time just after the commit.
    """

    violation: str
    first_ms: int
    second_ms: int
    committed_ms: int


class Figures(msgspec.Struct, frozen=True):
    """What the bench prints."""

    bench: str
    meters: int
    restarts_planned: int
    restarts_measured: int
    poll_period_s: float
    first_reply_to_committed_p50_s: float
    first_reply_to_committed_p99_s: float
    first_reply_to_committed_max_s: float
    limit_s: float
    ratio_p99_to_limit: float
    second_reply_to_committed_p50_s: float
    second_reply_to_committed_p99_s: float


def measure(meters: int, restarts: int, seed: int, say: Callable[[str], None]) -> Figures:
    """Run the plant until enough restarts were measured.

    Args:
        meters: sealed furnaces, each with an agent of its own.
        restarts: how many to measure in all.
        seed: decides when each furnace restarts.
        say: told how far it is, a line at a time.
    """
    each = -(-restarts // meters)
    off_s = (2.6, 3.2) if meters == 1 else (20.0, 60.0)
    until_s = FIRST_S + off_s[1] + each * (ON_S + sum(off_s) / 2)
    with tempfile.TemporaryDirectory(prefix="coldseal-bench-") as folder:
        broker_port, *ports = free_ports(meters + 1)
        plan = bench_sites.Plan(ports, seed, FIRST_S, ON_S, off_s, until_s)
        bench_sites.write(Path(folder), plan)
        delays = _run(Path(folder), broker_port, plan, say)
    planned = sum(len(plan.restarts_s(i)) for i in range(meters))
    return _figures(meters, planned, delays)


def _run(folder: Path, broker_port: int, plan: bench_sites.Plan, say: Callable[[str], None]) -> list[Delay]:
    clock = SystemClock()
    settings = Settings(data=folder, broker_port=broker_port, deployment="bench.coldseal/1")
    plant = LocalPlant(folder, settings, clock)
    names = [f"agent-{i}" for i in range(len(plan.ports))]
    plant.register(
        [_seal(i, name) for i, name in enumerate(names)],
        [AgentPlan(name, [_meter(plan.ports[i])], 60.0) for i, name in enumerate(names)],
    )
    with ProcessGroup(folder / "log") as programs:
        programs.start("broker", broker_command(settings.broker_port))
        programs.wait_ready("broker", "ready", 20)
        watch = _Watch(settings, clock)
        try:
            programs.start("agents", plant.agent_command(names))
            programs.wait_ready("agents", f"ready agent {names[-1]}", AGENTS_READY_S)
            programs.start("sites", [sys.executable, "-m", "coldseal.bench_sites", str(folder)])
            began_ms = int(programs.wait_ready("sites", "ready", 60).split()[1])
            watch.until(began_ms + round((plan.until_s + ON_S + QUIET_S) * 1000), say, programs)
        finally:
            watch.close()
    return watch.delays


class _Watch:
    """The server's worker in this process, and what it commits."""

    def __init__(self, settings: Settings, clock: SystemClock) -> None:
        self.delays: list[Delay] = []
        self._clock = clock
        self._raised: queue.Queue[tuple[str, int]] = queue.Queue()
        self._store = Store(settings.database)
        self._worker = Worker(self._store, settings, receipt_key(settings), clock)
        self._worker.listen_raised(self._on_raised)
        self._worker.start()

    def until(self, end_ms: int, say: Callable[[str], None], programs: ProcessGroup) -> None:
        """Measure and begin anew, until the plan is over."""
        waiting: list[tuple[int, str]] = []
        next_word_ms = 0
        while (now_ms := self._clock.wall_ms()) < end_ms:
            try:
                violation_id, committed_ms = self._raised.get(timeout=0.05)
                waiting.append((committed_ms + RESET_AFTER_MS, self._note(violation_id, committed_ms)))
            except queue.Empty:
                pass
            while waiting and waiting[0][0] <= now_ms:
                self._begin_anew(waiting.pop(0)[1])
            if now_ms >= next_word_ms:
                next_word_ms = now_ms + 10_000
                say(f"{len(self.delays)} restarts measured, {(end_ms - now_ms) // 1000} s to go")
                for exited in programs.check():
                    raise RuntimeError(str(exited))

    def close(self) -> None:
        """End the worker."""
        self._worker.stop()
        self._store.close()

    def _on_raised(self, raised: Raised, committed_ms: int) -> None:
        if raised.change is Change.OPENED:
            self._raised.put((raised.violation_id, committed_ms))

    def _note(self, violation_id: str, committed_ms: int) -> str:
        with self._store.transaction() as session:
            violation = session.get_one(Violation, violation_id)
            if violation.code == "resumed_power":
                self.delays.append(Delay(violation_id, violation.first_ms, violation.raised_ms, committed_ms))
        return violation_id

    def _begin_anew(self, violation_id: str) -> None:
        with self._store.transaction() as session:
            violation = life.close(
                session, violation_id, by=COMMAND_LINE, reason="measured", now_ms=self._clock.wall_ms()
            )
            state = session.get(RuleState, violation.seal_id)
            if state is not None:
                session.delete(state)


def _figures(meters: int, planned: int, delays: list[Delay]) -> Figures:
    whole = np.array([d.committed_ms - d.first_ms for d in delays]) / 1000
    rest = np.array([d.committed_ms - d.second_ms for d in delays]) / 1000
    if not len(whole):
        whole = rest = np.array([np.nan])
    p99 = float(np.percentile(whole, 99))
    return Figures(
        bench="end-to-end",
        meters=meters,
        restarts_planned=planned,
        restarts_measured=len(delays),
        poll_period_s=POLL_S,
        first_reply_to_committed_p50_s=round(float(np.percentile(whole, 50)), 3),
        first_reply_to_committed_p99_s=round(p99, 3),
        first_reply_to_committed_max_s=round(float(whole.max()), 3),
        limit_s=LIMIT_S,
        ratio_p99_to_limit=round(p99 / LIMIT_S, 3),
        second_reply_to_committed_p50_s=round(float(np.percentile(rest, 50)), 3),
        second_reply_to_committed_p99_s=round(float(np.percentile(rest, 99)), 3),
    )


def _meter(port: int) -> dict[str, object]:
    return {"id": "m1", "profile": bench_sites.PROFILE, "tcp": f"127.0.0.1:{port}", "wake_power_w": 10_500}


def _seal(number: int, agent: str) -> dict[str, object]:
    return {
        "seal": f"BENCH-{number:04}",
        "enterprise": f"Bench {number}",
        "site": "bench",
        "county_code": "350121",
        "furnace": {
            "name": "1",
            "kind": "mf_coreless",
            "shell": "aluminium",
            "yoke": False,
            "tonnes": 0.5,
            "rated_kw": 350,
            "melts_scrap": True,
        },
        "break": "downstream",
        "from": "2026-01-01T00:00:00+08:00",
        "pledge": {"allowed_kw": 0, "signatory": "bench", "signed": "2026-01-01T00:00:00+08:00"},
        "meters": [{"agent": agent, "name": "m1", "role": "furnace", "profile": bench_sites.PROFILE}],
    }
