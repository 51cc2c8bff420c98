"""Processor time of one poll in the client's process, against a bare pymodbus loop that asks the same requests.

The server is another process on the same core. The three take turns on one event loop of this process (uvloop, as the
agent has), and each figure is the median of the turns:

* bare: pymodbus asks the requests and the words are thrown away.
* agent: LineReader and MeterPoll, which judge each reply, decode it and make a Reading. Their clock stands still, so that each
  poll asks the fast requests, as the bare loop does.
* whole: the same, and the Recorder with its outbox on disk and its signed envelopes. Its clock goes on by a second a
  poll, so that slow requests come each minute as in the field; the outbox's thread is counted.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import msgspec
import uvloop

from coldseal import poll_bench_meters
from coldseal.bare_pymodbus import BareClient
from coldseal.local_plant import HOST
from coldseal.poll_bench_agents import READY_S, BenchMeter, Rhythm, write_settings
from coldseal.processes import ProcessGroup
from edge_agent import identity
from edge_agent.config import Settings, load
from edge_agent.disk import Disk
from edge_agent.health import Health
from edge_agent.known_meters import KnownMeters
from edge_agent.ledger import Ledger
from edge_agent.line import TcpLine
from edge_agent.meter_poll import MeterPoll
from edge_agent.modbus import LineReader
from edge_agent.outbox import Outbox
from edge_agent.plan import Turn, plan, turn_of
from edge_agent.recorder import Recorder
from edge_agent.row_writer import RowWriter
from edge_agent.signer import Author
from wire.chain import genesis
from wire.profile_files import find, names
from wire.reading import Reading
from wire.release import RELEASE

PROFILE = "eastron_sdm630"
"""The model that the limit is for; 60 words in two requests."""
RATIO_AT_MOST = 2.0
WARM_POLLS = 20
STEP_MS = 1_000
_WORD_FUNCTIONS = (3, 4)
_START_MS = 1_700_000_000_000

Say = Callable[[str], None]
_Poll = Callable[[], Awaitable[object]]


class Turns(msgspec.Struct, frozen=True):
    """How often the three take turns, and the polls of each."""

    polls: int = 200
    rounds: int = 9


TURNS = Turns()


class ProfileCpu(msgspec.Struct, frozen=True):
    """One register map: processor time of a poll, microseconds, and the agent's over the bare loop's."""

    profile: str
    requests_per_poll: int
    words_per_poll: int
    quantities: int
    bare_us: float
    agent_us: float
    whole_us: float
    ratio: float


class CpuFigures(msgspec.Struct, frozen=True):
    """What a poll costs.

    Attributes:
        polls, rounds: polls of a turn, and turns.
        bare_us, agent_us, whole_us: of PROFILE.
        ratio: agent over bare, of PROFILE.
        ratio_median, ratio_worst, worst_profile: over every register map that is read by words.
        profiles: each of them.
        not_measured: maps that are read by bits, which the plain server does not serve.
    """

    profile: str
    polls: int
    rounds: int
    bare_us: float
    agent_us: float
    ratio: float
    ratio_at_most: float
    whole_us: float
    whole_ratio: float
    ratio_median: float
    ratio_worst: float
    worst_profile: str
    profiles: list[ProfileCpu]
    not_measured: list[str]

    def not_kept(self) -> list[str]:
        """The limits that do not hold: of PROFILE, and of the median map."""
        pairs = {"cpu.ratio": self.ratio, "cpu.ratio_median": self.ratio_median}
        return [name for name, ratio in pairs.items() if ratio > self.ratio_at_most]


class SteppedClock:
    """A clock that goes on by so much whenever it is told to.

    Attributes:
        passed_ms: since the beginning.
    """

    def __init__(self) -> None:
        self.passed_ms = 0

    def wall_ms(self) -> int:
        """Milliseconds since 1970."""
        return _START_MS + self.passed_ms

    def monotonic_ms(self) -> int:
        """Milliseconds since the beginning, and a while."""
        return 1_000_000 + self.passed_ms

    async def sleep(self, seconds: float) -> None:
        """Nobody waits in this bench."""
        self.passed_ms += round(1000 * seconds)


def measure(say: Say, profiles: Sequence[str] = (), turns: Turns = TURNS) -> CpuFigures:
    """Measure every register map.

    Args:
        say: told how far it is.
        profiles: which ones besides PROFILE; all when empty.
        turns: how often.
    """
    wanted = [PROFILE, *[name for name in profiles or names() if name != PROFILE]]
    served = [name for name in wanted if _is_of_words(name)]
    with (
        tempfile.TemporaryDirectory(prefix="coldseal-bench-") as folder,
        _on_one_core(),
        ProcessGroup(Path(folder) / "log") as programs,
    ):
        poll_bench_meters.write(Path(folder), [{1: name} for name in served])
        programs.start("meters", [sys.executable, "-m", "coldseal.poll_bench_meters", folder])
        ports = [int(port) for port in programs.wait_ready("meters", "ready", READY_S).split()[1:]]
        measured = []
        for name, port in zip(served, ports, strict=True):
            measured.append(uvloop.run(_Model(name, port, Path(folder), turns).measure()))
            say(f"cpu: {name}: bare {measured[-1].bare_us:g}, agent {measured[-1].agent_us:g} us a poll")
    return _figures(measured, turns, [name for name in wanted if name not in served])


@contextmanager
def _on_one_core() -> Iterator[None]:
    """This process, and those that it starts meanwhile, on one core: waking another one costs more than a poll."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _is_of_words(name: str) -> bool:
    return all(block.function in _WORD_FUNCTIONS for block in plan(find(name).profile).every)


def _figures(measured: Sequence[ProfileCpu], turns: Turns, not_measured: list[str]) -> CpuFigures:
    first, worst = measured[0], max(measured, key=lambda one: one.ratio)
    return CpuFigures(
        profile=first.profile,
        polls=turns.polls,
        rounds=turns.rounds,
        bare_us=first.bare_us,
        agent_us=first.agent_us,
        ratio=first.ratio,
        ratio_at_most=RATIO_AT_MOST,
        whole_us=first.whole_us,
        whole_ratio=round(first.whole_us / first.bare_us, 2),
        ratio_median=round(statistics.median(one.ratio for one in measured), 2),
        ratio_worst=worst.ratio,
        worst_profile=worst.profile,
        profiles=list(measured),
        not_measured=not_measured,
    )


class _Model:
    """One register map under measurement."""

    def __init__(self, name: str, port: int, folder: Path, turns: Turns) -> None:
        self._line, self._folder, self._turns = TcpLine(HOST, port), folder, turns
        self._loaded = find(name)
        self._plan = plan(self._loaded.profile)
        self._meter = BenchMeter("m1", name, self._line, 1)
        self._latest: Reading | None = None

    async def measure(self) -> ProfileCpu:
        """The three in turn."""
        took: dict[str, list[float]] = {"bare": [], "agent": [], "whole": []}
        with ThreadPoolExecutor(1) as executor, ExitStack() as stack:
            async with BareClient(self._line.host, self._line.port) as bare:
                polls = (self._bare(bare), self._agent(stack), self._whole(stack, Disk(executor)))
                for poll in polls:
                    await _turn(poll, WARM_POLLS)
                for _ in range(self._turns.rounds):
                    for of, poll in zip(took.values(), polls, strict=True):
                        of.append(await _turn(poll, self._turns.polls))
                    self._check()
        return self._told({kind: round(1e6 * statistics.median(of), 1) for kind, of in took.items()})

    def _bare(self, client: BareClient) -> _Poll:
        async def poll() -> None:
            await client.read(1, self._plan.fast)

        return poll

    def _agent(self, stack: ExitStack) -> _Poll:
        reader, clock = stack.enter_context(closing(LineReader(self._line))), SteppedClock()
        meter = MeterPoll(self._configured().meters[0])

        async def poll() -> None:
            self._latest = await meter.read(reader, clock)

        return poll

    def _whole(self, stack: ExitStack, disk: Disk) -> _Poll:
        """As the agent, with what becomes of a reading; put together as edge_agent/agent.py does."""
        settings, clock, health = self._configured(), SteppedClock(), Health("bench")
        key, kid = identity.load_or_make_key(settings.data), identity.kid(settings.agent)
        start = genesis(settings.deployment, settings.agent, kid, key.public)
        outbox = stack.enter_context(closing(Outbox(settings.data, start, settings.outbox_bytes_max)))
        boot = outbox.begin(identity.boot(settings, RELEASE))
        ledger = Ledger(boot, Author(settings.deployment, settings.agent, kid, key), outbox, clock, health)
        writer = RowWriter(ledger, disk, 0.0, lambda: None)
        recorder = Recorder(settings, writer, KnownMeters(settings.data, ["m1"]), health)
        reader, meter = stack.enter_context(closing(LineReader(self._line))), MeterPoll(settings.meters[0])

        async def poll() -> None:
            clock.passed_ms += STEP_MS
            await recorder.take(await meter.read(reader, clock))
            await writer.flush()

        return poll

    def _configured(self) -> Settings:
        return load(write_settings(self._folder, f"a{self._line.port}", [self._meter], Rhythm(), self._line.port))

    def _check(self) -> None:
        """The agent must have asked what the bare loop asks, and have had an answer to each."""
        asked = set(self._latest.raw) if self._latest else set()
        if asked != {block.key for block in self._plan.fast}:
            raise RuntimeError(f"{self._meter.profile}: expected answers to {self._plan.fast}, got those to {asked}")

    def _told(self, us: Mapping[str, float]) -> ProfileCpu:
        return ProfileCpu(
            profile=self._meter.profile,
            requests_per_poll=len(self._plan.fast),
            words_per_poll=sum(block.count for block in self._plan.fast),
            quantities=sum(turn_of(register) is Turn.FAST for register in self._loaded.profile.registers),
            bare_us=us["bare"],
            agent_us=us["agent"],
            whole_us=us["whole"],
            ratio=round(us["agent"] / us["bare"], 2),
        )


async def _turn(poll: _Poll, polls: int) -> float:
    """Processor time of one of so many polls, seconds, all threads of this process."""
    before = time.process_time()
    for _ in range(polls):
        await poll()
    return (time.process_time() - before) / polls
