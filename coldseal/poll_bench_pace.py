"""How near the agent's exchanges come to the limit of a serial line, silences of both sides included.

The line is simulators/paced_line.py: a pseudo-terminal at the true pace of its speed, whose slaves keep their silence.
The limit is reckoned from the very requests that the line heard. A client that is faster than the limit breaks the
specification; the line counts each frame that begins too early.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import uvloop

from coldseal.poll_bench_agents import STOP_S, BenchMeter, Rhythm, start_agents, start_broker, write_settings
from coldseal.poll_bench_meters import melting, words_of
from coldseal.processes import ProcessGroup
from edge_agent.config import Meter
from edge_agent.line import SerialLine
from edge_agent.modbus import LineReader
from edge_agent.poller import LinePoller
from simulators.line_pace import Pace
from simulators.paced_line import PacedLine
from simulators.slaves import Bank
from wire.clock import SystemClock
from wire.profile_files import find
from wire.reading import Reading

PROFILE = "eastron_sdm630"
RATE_AT_LEAST = {9_600: 0.95, 19_200: 0.95, 115_200: 0.90}
TIMEOUT_S, WAKE_POWER_W = 0.4, 500.0
SHORTEST_S = 0.001
"""A period that no exchange fits into: the poller goes on at once."""
AGENT_METERS, AGENT_PERIOD_S = 16, 0.1
"""So many at the shortest period that settings allow keep a line busy at any of these speeds."""
FIRST_ROUNDS = 3
"""Not counted: in them the poller asks everything."""
REQUEST_BYTES, REPLY_EXTRA_BYTES = 8, 5
EDGE_STEP_S, EDGE_WAIT_S = 0.0005, 60.0

Say = Callable[[str], None]


class LineFigures(msgspec.Struct, frozen=True):
    """One speed.

    Attributes:
        exchanges: requests with their replies, in seconds.
        exchange_ms, wire_limit_ms: what one took on the average, and the least that it can take.
        rate_of_limit: the limit over what it took.
        whole_agent_rate_of_limit: the same of an agent's whole process, with signing and outbox, on 16 meters.
        t35_broken: frames that began less than 3.5 characters after the last byte, in both runs.
        collisions: times that two spoke at once, in both runs.
    """

    baud: int
    profile: str
    seconds: float
    exchanges: int
    exchange_ms: float
    wire_limit_ms: float
    rate_of_limit: float
    rate_of_limit_at_least: float
    whole_agent_rate_of_limit: float
    t35_broken: int
    t35_broken_at_most: int
    collisions: int

    def not_kept(self) -> list[str]:
        """The limits that do not hold; faster than the wire is no less wrong than slow."""
        name = f"pace.{self.baud}"
        wrong = []
        if not self.rate_of_limit_at_least <= self.rate_of_limit <= 1.0:
            wrong.append(f"{name}.rate_of_limit")
        if self.t35_broken > self.t35_broken_at_most:
            wrong.append(f"{name}.t35_broken")
        return wrong


class _Mark(msgspec.Struct, frozen=True):
    """The line between two exchanges: time, and requests heard so far."""

    at_s: float
    requests: int


class _Run(msgspec.Struct, frozen=True):
    """What lay between two marks."""

    took_s: float
    limit_s: float
    exchanges: int
    t35_broken: int
    collisions: int


def measure(seconds: float, say: Say, bauds: Sequence[int] = tuple(RATE_AT_LEAST)) -> list[LineFigures]:
    """Keep a line busy at each speed.

    Args:
        seconds: how long each of two runs takes: the poller alone, and a whole agent.
        say: told how far it is.
        bauds: speeds, of RATE_AT_LEAST.
    """
    words = words_of(find(PROFILE).profile, melting())
    figures = []
    for baud in bauds:
        say(f"pace: {baud} baud, the poller for {seconds:g} s, then an agent")
        figures.append(_figures(baud, _poller(baud, words, seconds), _agent(baud, words, seconds)))
    return figures


def _figures(baud: int, poller: _Run, agent: _Run) -> LineFigures:
    return LineFigures(
        baud=baud,
        profile=PROFILE,
        seconds=round(poller.took_s, 1),
        exchanges=poller.exchanges,
        exchange_ms=round(1000 * poller.took_s / poller.exchanges, 3),
        wire_limit_ms=round(1000 * poller.limit_s / poller.exchanges, 3),
        rate_of_limit=round(poller.limit_s / poller.took_s, 4),
        rate_of_limit_at_least=RATE_AT_LEAST[baud],
        whole_agent_rate_of_limit=round(agent.limit_s / agent.took_s, 4),
        t35_broken=poller.t35_broken + agent.t35_broken,
        t35_broken_at_most=0,
        collisions=poller.collisions + agent.collisions,
    )


def _poller(baud: int, words: dict[tuple[int, int], int], seconds: float) -> _Run:
    """The agent's own line reader and poller, on one meter."""
    line = PacedLine({1: Bank(words)}, Pace(baud))
    line.start()
    try:
        first, last = uvloop.run(_poll(line, baud, seconds))
        return _between(line, first, last)
    finally:
        line.stop()


async def _poll(line: PacedLine, baud: int, seconds: float) -> tuple[_Mark, _Mark]:
    """Marks of the first and the last round that count."""
    serial = SerialLine(line.device, baud, "N", 1)
    marks: list[_Mark] = []
    is_over = asyncio.Event()

    async def take(_: Reading) -> None:
        marks.append(_Mark(time.monotonic(), line.requests))
        if len(marks) > FIRST_ROUNDS + 1 and marks[-1].at_s - marks[FIRST_ROUNDS].at_s >= seconds:
            is_over.set()

    meter = Meter("m1", serial, 1, TIMEOUT_S, WAKE_POWER_W, find(PROFILE))
    task = asyncio.create_task(LinePoller(LineReader(serial), [meter], SHORTEST_S, SystemClock(), take).run())
    over = asyncio.create_task(is_over.wait())
    await asyncio.wait((task, over), return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    over.cancel()
    await asyncio.wait((task, over))
    if not task.cancelled():
        task.result()
    return marks[FIRST_ROUNDS], next(mark for mark in marks if mark.at_s - marks[FIRST_ROUNDS].at_s >= seconds)


def _agent(baud: int, words: dict[tuple[int, int], int], seconds: float) -> _Run:
    """An agent's whole process, on enough meters to keep the line busy."""
    line = PacedLine({unit: Bank(words) for unit in range(1, AGENT_METERS + 1)}, Pace(baud))
    line.start()
    try:
        serial = SerialLine(line.device, baud, "N", 1)
        meters = [BenchMeter(f"m{unit}", PROFILE, serial, unit) for unit in range(1, AGENT_METERS + 1)]
        with (
            tempfile.TemporaryDirectory(prefix="coldseal-bench-") as folder,
            ProcessGroup(Path(folder) / "log", STOP_S) as programs,
        ):
            rhythm = Rhythm(poll_period_s=AGENT_PERIOD_S)
            start_agents(programs, [write_settings(Path(folder), "a1", meters, rhythm, start_broker(programs))])
            first = _edge(line, FIRST_ROUNDS)
            time.sleep(seconds)
            return _between(line, first, _edge(line, 1), behind=1)
    finally:
        line.stop()


def _edge(line: PacedLine, more: int) -> _Mark:
    """The moment in which the line has heard so many requests more.

    Raises:
        TimeoutError: it hears none.
    """
    wanted, end = line.requests + more, time.monotonic() + EDGE_WAIT_S
    while (heard := line.requests) < wanted:
        if time.monotonic() > end:
            raise TimeoutError(f"{line.device}: expected {more} requests within {EDGE_WAIT_S:g} s, got none")
        time.sleep(EDGE_STEP_S)
    return _Mark(time.monotonic(), heard)


def _between(line: PacedLine, first: _Mark, last: _Mark, behind: int = 0) -> _Run:
    """Time and limit of the exchanges between two marks; every frame that the line heard must have been a request.

    Args:
        line: the line.
        first: a mark.
        last: a later one.
        behind: requests at a mark whose reply was still to come.
    """
    frames = list(line.heard)
    replies = frames[first.requests - behind : last.requests - behind]
    read = [REPLY_EXTRA_BYTES + 2 * int.from_bytes(frame[4:6], "big") for frame in replies]
    return _Run(
        took_s=last.at_s - first.at_s,
        limit_s=sum(line.pace.cycle_s(REQUEST_BYTES, size) for size in read),
        exchanges=len(read),
        t35_broken=line.t35_broken,
        collisions=line.collisions,
    )
