"""Resident memory of an agent's real process with 32 meters, signing, outbox and delivery to a broker on."""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from coldseal import poll_bench_agents, poll_bench_meters
from coldseal.local_plant import HOST
from coldseal.poll_bench_agents import READY_S, STOP_S, BenchMeter, Rhythm
from coldseal.poll_bench_fleet import signed
from coldseal.processes import ProcessGroup
from edge_agent.line import TcpLine

PROFILE = "eastron_sdm630"
METERS = 32
RESIDENT_AT_MOST_MB = 50.0
BATCHES = 2
"""Whole batches that are signed while the memory is watched."""

Say = Callable[[str], None]


class MemoryFigures(msgspec.Struct, frozen=True):
    """One agent's process.

    Attributes:
        seconds: how long it ran.
        batch_s: time between two of its batches.
        envelopes: that it signed; all are in its outbox.
        resident_mb, resident_peak_mb: at the end and at the most, 10^6 bytes. The limit is for the most.
    """

    meters: int
    seconds: float
    batch_s: float
    envelopes: int
    resident_mb: float
    resident_peak_mb: float
    resident_peak_at_most_mb: float
    ratio: float

    def not_kept(self) -> list[str]:
        """The limits that do not hold."""
        return ["memory.resident_peak_mb"] if self.resident_peak_mb > self.resident_peak_at_most_mb else []


def measure(seconds: float, say: Say) -> MemoryFigures:
    """Run an agent for so long.

    Args:
        seconds: its batches come so often that it signs BATCHES of them, and each minute at the most.
        say: told how far it is.
    """
    batch_s = max(1.0, min(60.0, seconds / BATCHES - 1))
    with tempfile.TemporaryDirectory(prefix="coldseal-bench-") as name:
        folder = Path(name)
        with ProcessGroup(folder / "log", STOP_S) as programs:
            poll_bench_meters.write(folder, [dict.fromkeys(range(1, METERS + 1), PROFILE)])
            programs.start("meters", [sys.executable, "-m", "coldseal.poll_bench_meters", name])
            line = TcpLine(HOST, int(programs.wait_ready("meters", "ready", READY_S).split()[1]))
            meters = [BenchMeter(f"m{unit}", PROFILE, line, unit) for unit in range(1, METERS + 1)]
            broker = poll_bench_agents.start_broker(programs)
            file = poll_bench_agents.write_settings(folder, "a1", meters, Rhythm(batch_s=batch_s), broker)
            pid = poll_bench_agents.start_agents(programs, [file])
            say(f"memory: {METERS} meters, {seconds:g} s")
            time.sleep(seconds)
            resident, peak = poll_bench_agents.resident_mb(pid), poll_bench_agents.resident_peak_mb(pid)
        return MemoryFigures(
            meters=METERS,
            seconds=seconds,
            batch_s=batch_s,
            envelopes=sum(1 for _ in signed(folder / "a1", "a1")),
            resident_mb=round(resident, 1),
            resident_peak_mb=round(peak, 1),
            resident_peak_at_most_mb=RESIDENT_AT_MOST_MB,
            ratio=round(peak / RESIDENT_AT_MOST_MB, 2),
        )
