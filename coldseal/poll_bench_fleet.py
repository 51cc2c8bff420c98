"""Many meters at one poll a second over TCP: processor, memory, and every cycle that was missed, with its reason.

Agents of at most 64 meters run in one process, as `coldseal agent run` runs them, with signing and outbox. Their meters
are plain servers in another process. A broker takes what they deliver, and nobody receipts it, so that the outbox grows.
What was read is counted from the signed envelopes, after their signatures and their chain were checked.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from coldseal import poll_bench_agents, poll_bench_meters
from coldseal.local_plant import HOST
from coldseal.poll_bench_agents import DEPLOYMENT, READY_S, STOP_S, BenchMeter, Rhythm
from coldseal.processes import ProcessGroup
from edge_agent.identity import kid, load_or_make_key
from edge_agent.line import TcpLine
from edge_agent.outbox import Outbox
from wire.batch import Batch, Row, rows
from wire.chain import genesis
from wire.clock import SystemClock, iso
from wire.envelope import check_signature, parse, take_apart
from wire.limits import METERS_MAX
from wire.reading import State, Unreadable

PROFILE = "eastron_sdm630"
PERIOD_MS = 1_000
MISSED_AT_MOST = 0.0001
"""Of the cycles of all meters."""
SETTLE_S = 5.0
"""From the last agent's start to the first cycle that counts: in it every meter is asked who it is."""
LISTED_MAX = 1_000

Say = Callable[[str], None]


class Missed(msgspec.Struct, frozen=True):
    """One cycle of one meter without a good reading: agent and meter, Beijing time, and why."""

    meter: str
    at: str
    reason: str


class FleetFigures(msgspec.Struct, frozen=True):
    """So many meters.

    Attributes:
        agents, lines: the agents that share one process, and their connections; units of one port are asked in turn.
        seconds: how long cycles were counted.
        cpu_share: processor time of the agents' process over that time; 1.0 is one core.
        cpu_per_poll_us: the same by polls.
        resident_mb, resident_peak_mb: of that process, at the end and at its most, 10^6 bytes.
        cycles, missed, missed_share: due readings of all meters, those without a good one, and the second by the first.
        missed_cycles: each of them; missed_not_listed says how many more than LISTED_MAX there were.
        envelopes: signed ones, all checked.
    """

    meters: int
    agents: int
    lines: int
    signing_and_outbox: bool
    seconds: float
    cpu_share: float
    cpu_per_poll_us: float
    resident_mb: float
    resident_peak_mb: float
    envelopes: int
    cycles: int
    missed: int
    missed_share: float
    missed_share_at_most: float
    missed_cycles: list[Missed]
    missed_not_listed: int

    def not_kept(self) -> list[str]:
        """The limits that do not hold."""
        return [f"fleet.{self.meters}.missed_share"] if self.missed_share > self.missed_share_at_most else []


class _Window(msgspec.Struct, frozen=True):
    """The time that counts, and what the process took in it."""

    first_ms: int
    last_ms: int
    cpu_s: float
    resident_mb: float
    resident_peak_mb: float


def measure(meters: int, seconds: float, say: Say) -> FleetFigures:
    """Read so many meters each second for so long.

    Args:
        meters: how many.
        seconds: how long cycles are counted.
        say: told how far it is.
    """
    sizes = _shares(meters, -(-meters // METERS_MAX))
    with tempfile.TemporaryDirectory(prefix="coldseal-bench-") as name:
        folder = Path(name)
        with ProcessGroup(folder / "log", STOP_S) as programs:
            poll_bench_meters.write(folder, [dict.fromkeys(range(1, size + 1), PROFILE) for size in sizes])
            programs.start("meters", [sys.executable, "-m", "coldseal.poll_bench_meters", name])
            ports = programs.wait_ready("meters", "ready", READY_S).split()[1:]
            broker = poll_bench_agents.start_broker(programs)
            plans = [
                _meters(agent, int(port), size) for agent, (port, size) in enumerate(zip(ports, sizes, strict=True))
            ]
            files = [
                poll_bench_agents.write_settings(folder, f"a{agent}", plan, Rhythm(), broker)
                for agent, plan in enumerate(plans)
            ]
            pid = poll_bench_agents.start_agents(programs, files)
            say(f"fleet: {meters} meters, {len(sizes)} agents, {seconds:g} s")
            window = _watch(pid, seconds)
        say(f"fleet: {meters} meters: the signed envelopes are checked")
        return _figures(folder, plans, window)


def _shares(whole: int, parts: int) -> list[int]:
    """As equal as whole numbers are."""
    return [whole // parts + (part < whole % parts) for part in range(parts)]


def _meters(agent: int, port: int, size: int) -> list[BenchMeter]:
    line = TcpLine(HOST, port)
    return [BenchMeter(f"a{agent}-m{unit}", PROFILE, line, unit) for unit in range(1, size + 1)]


def _watch(pid: int, seconds: float) -> _Window:
    clock = SystemClock()
    time.sleep(SETTLE_S)
    before, first_ms = poll_bench_agents.processor_s(pid), clock.wall_ms()
    time.sleep(seconds)
    took, last_ms = poll_bench_agents.processor_s(pid) - before, clock.wall_ms()
    resident, peak = poll_bench_agents.resident_mb(pid), poll_bench_agents.resident_peak_mb(pid)
    time.sleep(2 * PERIOD_MS / 1000)  # the readings behind the window tell whether its last cycle was missed
    return _Window(first_ms, last_ms, took, resident, peak)


def _figures(folder: Path, plans: Sequence[Sequence[BenchMeter]], window: _Window) -> FleetFigures:
    envelopes, read = 0, dict[str, list[Row]]()
    for agent in range(len(plans)):
        for batch in signed(folder / f"a{agent}", f"a{agent}"):
            envelopes += 1
            for row in rows(batch):
                read.setdefault(row.meter, []).append(row)
    meters = [meter.id for plan in plans for meter in plan]
    lost = [one for meter in meters for one in missed(meter, read.get(meter, []), window.first_ms, window.last_ms)]
    lasted_s = (window.last_ms - window.first_ms) / 1000
    cycles = len(meters) * (window.last_ms - window.first_ms) // PERIOD_MS
    return FleetFigures(
        meters=len(meters),
        agents=len(plans),
        lines=len(plans),
        signing_and_outbox=True,
        seconds=round(lasted_s, 1),
        cpu_share=round(window.cpu_s / lasted_s, 3),
        cpu_per_poll_us=round(1e6 * window.cpu_s / cycles, 1),
        resident_mb=round(window.resident_mb, 1),
        resident_peak_mb=round(window.resident_peak_mb, 1),
        envelopes=envelopes,
        cycles=cycles,
        missed=len(lost),
        missed_share=round(len(lost) / cycles, 6),
        missed_share_at_most=MISSED_AT_MOST,
        missed_cycles=lost[:LISTED_MAX],
        missed_not_listed=max(0, len(lost) - LISTED_MAX),
    )


def signed(data: Path, agent: str) -> Iterator[Batch]:
    """What an agent's outbox holds, each envelope checked: its signature, and that it follows the one before.

    Raises:
        BadSignature, Malformed: it is no envelope of this agent's key.
        ValueError: one is missing.
    """
    key = load_or_make_key(data).public
    outbox = Outbox(data, genesis(DEPLOYMENT, agent, kid(agent), key), sys.maxsize)
    try:
        after = 0
        while found := outbox.peek(after, 100):
            for seq, raw in found:
                sealed = take_apart(raw)
                check_signature(sealed, key)
                if seq != after + 1:
                    raise ValueError(f"{data}: expected envelope {after + 1}, got {seq}")
                after = seq
                yield parse(sealed.body, Batch)
    finally:
        outbox.close()


def missed(meter: str, read: Sequence[Row], first_ms: int, last_ms: int) -> Iterator[Missed]:
    """The cycles of a meter that have no good reading.

    Args:
        meter: its id.
        read: its rows, in the order taken.
        first_ms: wall time from which on cycles count.
        last_ms: wall time up to which they do.
    """
    for row in read:
        if first_ms <= row.wall_ms < last_ms and row.state is not State.OK:
            yield Missed(meter, iso(row.wall_ms), _why(row))
    times = [first_ms, *[row.wall_ms for row in read if first_ms <= row.wall_ms < last_ms + 2 * PERIOD_MS]]
    ends = times if times[-1] >= last_ms else [*times, last_ms]
    for before, after in pairwise(ends):
        for cycle in range(1, round((after - before) / PERIOD_MS)):
            at = before + cycle * PERIOD_MS
            if at < last_ms:
                yield Missed(meter, iso(at), f"no poll: the next reading came {after - before} ms after the one before")


def _why(row: Row) -> str:
    """The state's name, and the first reason that a quantity gives."""
    reason = next((value.reason.value for value in row.values.values() if isinstance(value, Unreadable)), "no value")
    return f"{row.state.name.lower()}: {reason}"
