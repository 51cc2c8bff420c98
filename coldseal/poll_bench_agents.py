"""The poll bench's agents: their settings, the process that runs them, and what it takes."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
import yaml

from coldseal.embedded_broker import broker_command
from coldseal.local_plant import HOST, free_ports
from coldseal.processes import ProcessGroup
from edge_agent.line import Line, SerialLine, TcpLine
from wire.keys import PrivateKey

DEPLOYMENT = "bench.coldseal/1"
READY_S = 120.0
STOP_S = 120.0
"""At its end an agent signs what waits; of a thousand meters that is a minute of rows."""
WAKE_W = 1_000_000
"""More than the bench's furnace draws: an alarm would be no part of a quiet day's polls."""
_TICKS_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class BenchMeter(msgspec.Struct, frozen=True):
    """One meter of a settings file."""

    id: str
    profile: str
    line: Line
    unit: int

    def document(self) -> dict[str, object]:
        """As the settings write it."""
        common: dict[str, object] = {"id": self.id, "profile": self.profile, "unit": self.unit, "wake_power_w": WAKE_W}
        match self.line:
            case TcpLine(host=host, port=port):
                return common | {"tcp": f"{host}:{port}"}
            case SerialLine(device=device, baud=baud, parity=parity, stopbits=bits):
                return common | {"serial": {"device": device, "baud": baud, "parity": parity, "stopbits": bits}}
            case _:
                raise ValueError(f"{self.line}: expected a TCP or a serial line")


class Rhythm(msgspec.Struct, frozen=True):
    """How often an agent polls, and how often it signs."""

    poll_period_s: float = 1.0
    batch_s: float = 60.0


def write_settings(folder: Path, agent: str, meters: Sequence[BenchMeter], rhythm: Rhythm, broker_port: int) -> Path:
    """An agent's settings file.

    Args:
        folder: gets it, and the agent's data.
        agent: its id.
        meters: what it reads.
        rhythm: how often.
        broker_port: of a broker on this machine.
    """
    file = folder / f"{agent}.yaml"
    document = {
        "agent": agent,
        "deployment": DEPLOYMENT,
        "data": agent,
        "broker": {"host": HOST, "port": broker_port, "reconnect_spread_s": 2},
        "server_key": str(PrivateKey.generate().public),
        "poll_period_s": rhythm.poll_period_s,
        "batch_s": rhythm.batch_s,
        "meters": [meter.document() for meter in meters],
    }
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return file


def start_broker(programs: ProcessGroup) -> int:
    """The broker that pip installs, on a free port; the port. Nobody receipts what it takes."""
    (port,) = free_ports(1)
    programs.start("broker", broker_command(port))
    programs.wait_ready("broker", "ready", READY_S)
    return port


def start_agents(programs: ProcessGroup, files: Sequence[Path]) -> int:
    """Agents in one process, as the field runs them; its process id when all of them poll."""
    programs.start("agents", [sys.executable, "-m", "coldseal", "agent", "run", *map(str, files)])
    for file in files:
        programs.wait_ready("agents", f"ready agent {file.stem}", READY_S)
    return programs.pid("agents")


def processor_s(pid: int) -> float:
    """Processor time that a process has taken, all threads, user and system; in steps of 10 ms."""
    told = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) / _TICKS_S


def resident_mb(pid: int) -> float:
    """Memory that a process holds now, MB (10^6 bytes)."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_BYTES / 1e6


def resident_peak_mb(pid: int) -> float:
    """The most memory that a process held at a time, MB (10^6 bytes)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) * 1024 / 1e6
