"""One sealed furnace on this machine as real processes, each of which a test can kill."""

import shutil
import sqlite3
import sys
from pathlib import Path

import msgspec
from sqlmodel import col, select

from coldseal import bench_sites
from coldseal.embedded_broker import broker_command
from coldseal.local_plant import HOST, AgentPlan, LocalPlant, free_ports
from coldseal.processes import ProcessGroup
from edge_agent.signer import Row as OutboxRow
from server.engine import opened
from server.settings import Settings
from server.store import Store
from server.tables import Envelope, Violation
from wire.batch import Batch, rows
from wire.clock import SystemClock
from wire.envelope import parse, take_apart
from wire.quantities import Quantity
from wire.reading import Unreadable, Value

SEAL, AGENT = "FZ-FAULT-0001", "agent-1"
READY_S = 60.0

RowKey = tuple[int, float | None]
"""When a row was taken (ms), and its active power in W."""


def seal() -> dict[str, object]:
    """The one seal, as a seal file has it."""
    return {
        "seal": SEAL,
        "enterprise": "示例铸造一厂",
        "site": "熔炼车间",
        "county_code": "350121",
        "furnace": {
            "name": "1 号炉", "kind": "mf_coreless", "shell": "aluminium", "yoke": False, "tonnes": 0.5,
            "rated_kw": 350, "melts_scrap": True,
        },
        "break": "downstream",
        "from": "2026-01-01T00:00:00+08:00",
        "pledge": {"allowed_kw": 0, "signatory": "张三", "signed": "2026-01-01T00:00:00+08:00"},
        "meters": [{"agent": AGENT, "name": "m1", "role": "furnace", "profile": bench_sites.PROFILE}],
    }  # fmt: skip


class Plant:
    """Broker, server, site and agent as processes of a group."""

    def __init__(self, folder: Path, programs: ProcessGroup, resumes_s: float) -> None:
        self.folder, self.programs = folder, programs
        self.broker_port, page_port, site_port = free_ports(3)
        self.settings = Settings(
            data=folder, http_port=page_port, broker_port=self.broker_port, deployment="fault.coldseal/1"
        )
        self.local = LocalPlant(folder, self.settings, SystemClock())
        meter = {"id": "m1", "profile": bench_sites.PROFILE, "tcp": f"{HOST}:{site_port}", "wake_power_w": 10_500}
        self.local.register([seal()], [AgentPlan(AGENT, [meter], 5.0)])
        plan = bench_sites.Plan([site_port], 1, resumes_s - 1, 86_400.0, (1.0, 1.0), resumes_s)
        bench_sites.write(folder, plan)

    def start(self) -> None:
        """Start all four, in the order in which a site is set up."""
        self.programs.start("sites", [sys.executable, "-m", "coldseal.bench_sites", str(self.folder)])
        self.programs.start("broker", broker_command(self.broker_port))
        self.programs.wait_ready("broker", "ready", READY_S)
        self.programs.start("server", self._server_command())
        self.programs.start(AGENT, self.local.agent_command([AGENT]))
        for name, line in (("sites", "ready"), ("server", "ready"), (AGENT, "ready agent")):
            self.programs.wait_ready(name, line, READY_S)

    def outbox(self, copies: Path) -> list[RowKey]:
        """What the agent's file holds, read from a copy made after the agent was killed."""
        copies.mkdir()
        for file in (self.folder / "agents" / AGENT).glob("outbox*"):
            shutil.copy(file, copies)
        (file,) = copies.glob("outbox*.sqlite")
        db = sqlite3.connect(file)
        sealed = [raw for (raw,) in db.execute("SELECT raw FROM envelopes ORDER BY seq")]
        pending = [row for (row,) in db.execute("SELECT row FROM pending ORDER BY n")]
        db.close()
        signed = [key for raw in sealed for key in _keys(parse(take_apart(raw).body, Batch))]
        return signed + [_pending_key(msgspec.msgpack.decode(row, type=OutboxRow)) for row in pending]

    def stored(self) -> tuple[list[int], list[RowKey]]:
        """Numbers of the stored envelopes in order, and their rows."""
        store = Store(self.settings.database)
        with store.transaction() as session:
            found = session.exec(select(Envelope).order_by(col(Envelope.seq))).all()
        store.close()
        return [e.seq for e in found], [key for e in found for key in _keys(opened(e)[0])]

    def holds(self, rows_of_agent: list[RowKey]) -> bool:
        """Whether the store has all of these."""
        return set(rows_of_agent) <= set(self.stored()[1])

    def violations(self) -> list[tuple[str, str, int, int]]:
        """Id, code, first and raised time of each violation."""
        store = Store(self.settings.database)
        with store.transaction() as session:
            found = session.exec(select(Violation).order_by(col(Violation.first_ms))).all()
        store.close()
        return [(v.id, v.code, v.first_ms, v.raised_ms) for v in found]

    def _server_command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "coldseal", "server", "run", "--data", str(self.folder)),
            *("--port", str(self.settings.http_port), "--broker", f"{HOST}:{self.broker_port}"),
            *("--deployment", self.settings.deployment),
        ]


def _keys(batch: Batch) -> list[RowKey]:
    return [(row.wall_ms, _power(row.values.get(Quantity.ACTIVE_POWER_W))) for row in rows(batch)]


def _pending_key(row: OutboxRow) -> RowKey:
    return row.reading.wall_ms, _power(row.reading.values.get(Quantity.ACTIVE_POWER_W))


def _power(value: Value | None) -> float | None:
    return None if value is None or isinstance(value, Unreadable) else value
