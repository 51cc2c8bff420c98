"""The bench of polling, tiny: each part measures what it says, and says which limit was not kept. No speed is asserted."""

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from coldseal import poll_bench, poll_bench_bus, poll_bench_cpu, poll_bench_fleet, poll_bench_memory, poll_bench_pace
from coldseal import poll_bench_requests as requests
from coldseal.bare_pymodbus import BareClient
from coldseal.local_plant import HOST
from coldseal.poll_bench_bus import Bus, BusFigures
from coldseal.poll_bench_cpu import CpuFigures, Turns
from coldseal.poll_bench_fleet import FleetFigures, missed
from coldseal.poll_bench_memory import MemoryFigures
from coldseal.poll_bench_meters import melting, words_of
from coldseal.poll_bench_pace import LineFigures
from coldseal.poll_bench_parts import Part
from coldseal.poll_bench_requests import RequestFigures
from edge_agent.plan import Block
from simulators.plain_server import PlainServer, WordImage
from tests.docs.pages import ROOT, first_cells
from wire import profile_files
from wire.batch import Row
from wire.quantities import Quantity
from wire.reading import Reason, State, Unreadable
from wire.registers import decode

BENCH = ROOT / "docs" / "bench.md"
LINE = LineFigures(
    baud=9600, profile="p", seconds=1.0, exchanges=9, exchange_ms=84.0, wire_limit_ms=83.0, rate_of_limit=0.98,
    rate_of_limit_at_least=0.95, whole_agent_rate_of_limit=0.9, t35_broken=0, t35_broken_at_most=0, collisions=0,
)  # fmt: skip
CPU = CpuFigures(
    profile="p", polls=1, rounds=1, bare_us=10.0, agent_us=20.0, ratio=2.0, ratio_at_most=2.0, whole_us=90.0,
    whole_ratio=9.0, ratio_median=2.0, ratio_worst=3.0, worst_profile="q", profiles=[], not_measured=[],
)  # fmt: skip
FLEET = FleetFigures(
    meters=100, agents=2, lines=2, signing_and_outbox=True, seconds=1.0, cpu_share=0.1, cpu_per_poll_us=9.0,
    resident_mb=50.0, resident_peak_mb=51.0, envelopes=3, cycles=10_000, missed=1, missed_share=0.0001,
    missed_share_at_most=0.0001, missed_cycles=[], missed_not_listed=0,
)  # fmt: skip
BUS = BusFigures(
    baud=9600, meters=32, dead=3, late=1, garbage=1, rounds=9, cycle_mean_s=8.0, cycle_max_s=10.0,
    cycle_max_at_most_s=10.0, live=27, live_unread=0, live_unread_at_most=0, late_unread=1, garbage_taken=0,
    garbage_taken_at_most=0, return_max_s=5.0, return_max_at_most_s=5.0, t35_broken=0, t35_broken_at_most=0,
    collisions=0,
)  # fmt: skip
MEMORY = MemoryFigures(
    meters=32, seconds=9.0, batch_s=3.0, envelopes=9, resident_mb=40.0, resident_peak_mb=50.0,
    resident_peak_at_most_mb=50.0, ratio=1.0,
)  # fmt: skip
REQUESTS = RequestFigures(profiles=[], ratio_median=5.0, ratio_median_at_least=5.0, whole_ratio_median=1.0)

Kept = LineFigures | CpuFigures | FleetFigures | BusFigures | MemoryFigures | RequestFigures

BROKEN: dict[str, tuple[Kept, dict[str, float], str]] = {
    "too many requests": (REQUESTS, {"ratio_median": 4.99}, "requests.ratio_median"),
    "a slow line": (LINE, {"rate_of_limit": 0.9499}, "pace.9600.rate_of_limit"),
    "faster than the wire": (LINE, {"rate_of_limit": 1.001}, "pace.9600.rate_of_limit"),
    "no silence kept": (LINE, {"t35_broken": 1}, "pace.9600.t35_broken"),
    "a dear poll": (CPU, {"ratio": 2.01}, "cpu.ratio"),
    "dear polls of the median model": (CPU, {"ratio_median": 2.01}, "cpu.ratio_median"),
    "missed cycles": (FLEET, {"missed_share": 0.00011}, "fleet.100.missed_share"),
    "a long cycle": (BUS, {"cycle_max_s": 10.01}, "bus.cycle_max_s"),
    "a live meter unread": (BUS, {"live_unread": 1}, "bus.live_unread"),
    "garbage believed": (BUS, {"garbage_taken": 1}, "bus.garbage_taken"),
    "a late return": (BUS, {"return_max_s": 5.01}, "bus.return_max_s"),
    "no silence kept on the bus": (BUS, {"t35_broken": 1}, "bus.t35_broken"),
    "much memory": (MEMORY, {"resident_peak_mb": 50.1}, "memory.resident_peak_mb"),
}


def quiet(_: str) -> None:
    """Progress that nobody reads."""


@pytest.mark.parametrize("name", BROKEN)
def test_each_limit_can_fail(name: str) -> None:
    """A figure at its limit keeps it; one beyond is named."""
    figures, change, told = BROKEN[name]

    assert figures.not_kept() == []
    assert msgspec.structs.replace(figures, **change).not_kept() == [told]


def test_requests_of_every_profile() -> None:
    """Every register map is counted, and each ratio is what its row says."""
    figures = requests.measure()

    assert [one.profile for one in figures.profiles] == list(profile_files.names())
    assert all(one.ratio == round(one.quantities_per_cycle / one.requests_per_cycle, 2) for one in figures.profiles)
    assert all(one.requests >= one.requests_per_cycle for one in figures.profiles)


def test_the_benchs_meters_measure_a_furnace() -> None:
    """The words that are served decode to a melting furnace, every quantity of them: no poll is cheap for want of values."""
    profile = profile_files.find("eastron_sdm630").profile
    values = decode(words_of(profile, melting()), profile)
    power = values[Quantity.ACTIVE_POWER_W]

    assert not [q for q, v in values.items() if isinstance(v, Unreadable)]
    assert isinstance(power, float)
    assert power > 100_000
    assert words_of(profile, melting(), 2) != words_of(profile, melting(), 1), "another unit, another serial number"


def test_pace_counts_what_the_line_heard() -> None:
    """At the fastest speed: exchanges of both runs, and no frame that began too early."""
    (line,) = poll_bench_pace.measure(1.0, quiet, bauds=[115_200])

    assert line.exchanges > 10
    assert line.t35_broken == line.collisions == 0
    assert 0 < line.rate_of_limit <= 1.0
    assert 0 < line.whole_agent_rate_of_limit <= 1.0
    assert line.wire_limit_ms <= line.exchange_ms


def test_cpu_measures_each_of_the_three() -> None:
    """Bare, decoded and signed polls of a chosen model and of the first one; what is read by bits is named as left out."""
    said: list[str] = []
    figures = poll_bench_cpu.measure(said.append, ["seal_loop", "waveshare_di8"], Turns(polls=5, rounds=2))

    assert [one.profile for one in figures.profiles] == ["eastron_sdm630", "seal_loop"]
    assert figures.not_measured == ["waveshare_di8"]
    assert all(one.bare_us > 0 and one.agent_us > 0 and one.whole_us > 0 for one in figures.profiles)
    assert figures.ratio_worst == max(one.ratio for one in figures.profiles)
    assert len(said) == 2


async def test_the_bare_client_believes_no_refusal() -> None:
    """The bare loop ends where the server refuses: it can never look cheap for want of an answer."""
    server = PlainServer({1: WordImage({(3, 0): 7, (3, 1): 8})})
    await server.start()
    async with BareClient(HOST, server.port) as client:
        await client.read(1, [Block(3, 0, 2)])
        with pytest.raises(ValueError, match="expected 3 registers, got"):
            await client.read(1, [Block(3, 0, 3)])
    await server.stop()
    assert server.requests == 2


def test_fleet_counts_from_the_signed_envelopes() -> None:
    """A few meters in one agent: every due reading is found in checked envelopes, or is listed with its reason."""
    figures = poll_bench_fleet.measure(6, 3.0, quiet)

    assert (figures.meters, figures.agents, figures.signing_and_outbox) == (6, 1, True)
    assert figures.envelopes >= 1
    assert figures.cycles == pytest.approx(18, abs=1)
    assert figures.missed == len(figures.missed_cycles) + figures.missed_not_listed
    assert all(one.reason and one.at for one in figures.missed_cycles)
    assert figures.resident_peak_mb >= figures.resident_mb > 5


def row(wall_ms: int, state: State = State.OK, reason: Reason | None = None) -> Row:
    """A reading at a time."""
    return Row("m1", 0, wall_ms, state, {Quantity.ACTIVE_POWER_W: Unreadable(reason) if reason else 1.0})


MISSED: dict[str, tuple[list[Row], list[str]]] = {
    "none": ([row(t) for t in (400, 1_390, 2_420, 3_400)], []),
    "late by less than half a period": ([row(t) for t in (400, 1_800, 2_400, 3_400)], []),
    "one left out": ([row(t) for t in (400, 2_400, 3_400)], ["no poll: the next reading came 2000 ms"]),
    "the first two": ([row(t) for t in (2_400, 3_400)], ["no poll: the next reading came 2400 ms"]),
    "none at all": ([], ["no poll", "no poll"]),
    "no answer": (
        [row(400), row(1_400, State.TIMEOUT, Reason.TIMEOUT), row(2_400), row(3_400)],
        ["timeout: timeout"],
    ),
    "before and after the time that counts": (
        [row(-500, State.FAILED, Reason.BUSY), *[row(t) for t in (400, 1_400, 2_400)], row(3_400, State.FAILED)],
        [],
    ),
}


@pytest.mark.parametrize("name", MISSED)
def test_missed_cycles_are_explained(name: str) -> None:
    """A cycle is missed where a reading failed or none was taken; each one is told with meter and reason."""
    read, reasons = MISSED[name]
    found = list(missed("m1", read, 0, 3_000))

    assert [one.reason[: len(reason)] for one, reason in zip(found, reasons, strict=True)] == reasons
    assert all(one.meter == "m1" for one in found)


def test_an_envelope_that_is_missing_is_no_small_matter(tmp_path: Path) -> None:
    """Nothing signed yet: an empty outbox has no envelopes, and no figure is made of it."""
    assert list(poll_bench_fleet.signed(tmp_path / "a1", "a1")) == []


def test_bus_with_dead_late_and_mad_meters() -> None:
    """A short bus: every live meter in every cycle, no garbage believed, the dead one is read again after its return."""
    bus = Bus(baud=115_200, meters=6, dead=(2,), late=3, garbage=4, rounds=4)
    figures = poll_bench_bus.measure(quiet, bus)

    assert (figures.live, figures.dead, figures.rounds >= 4) == (3, 1, True)
    assert figures.live_unread == figures.garbage_taken == figures.t35_broken == 0
    assert 0 < figures.return_max_s <= figures.return_max_at_most_s


def test_memory_of_a_real_agent() -> None:
    """A real agent's process with 32 meters signs its batches, and stays below the limit."""
    figures = poll_bench_memory.measure(4.0, quiet)

    assert figures.meters == 32
    assert figures.envelopes >= 2
    assert figures.not_kept() == []


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "coldseal", "bench", "poll", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_prints_what_was_asked_for() -> None:
    """--only leaves the other parts null; --strict ends with 0 where the limits hold."""
    done = run("--only", "requests", "--json", "--strict")
    told = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert (told["bench"], told["cpu"], told["fleet"], told["not_kept"]) == ("poll", None, None, [])
    assert told["requests"]["ratio_median"] >= told["requests"]["ratio_median_at_least"]


def test_the_command_prints_lines_for_people() -> None:
    """Without --json each figure has a line, named by its path."""
    told = run("--only", "requests").stdout.splitlines()

    assert any(line.startswith("requests.profiles.eastron_sdm630.ratio ") for line in told)
    assert any(line.startswith("requests.ratio_median_at_least ") and line.endswith("5.0") for line in told)


def test_an_unknown_part_is_wrong_use() -> None:
    """What can be left out is a closed list."""
    done = run("--only", "weather")

    assert done.returncode == 2
    assert "weather" in done.stderr


TABLES: dict[str, type[msgspec.Struct]] = {
    "requests": RequestFigures,
    "pace": LineFigures,
    "cpu": CpuFigures,
    "fleet": FleetFigures,
    "bus": BusFigures,
    "memory": MemoryFigures,
}


@pytest.mark.parametrize("part", Part)
def test_every_figure_is_explained(part: Part) -> None:
    """Each figure of a part is in its table of the page, in its order."""
    told = first_cells(BENCH, f"| figure of {part.value} | what it is |")

    assert sorted(told) == sorted(TABLES[part.value].__struct_fields__)
    assert part.value in poll_bench.Figures.__struct_fields__
