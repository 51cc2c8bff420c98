"""What polling costs and how near it comes to the wire, part by part, each figure beside its limit from the same run."""

from collections.abc import Callable, Collection, Sequence

import msgspec

from coldseal import poll_bench_bus, poll_bench_cpu, poll_bench_fleet, poll_bench_memory, poll_bench_pace
from coldseal import poll_bench_requests as requests
from coldseal.poll_bench_bus import BusFigures
from coldseal.poll_bench_cpu import CpuFigures
from coldseal.poll_bench_fleet import FleetFigures
from coldseal.poll_bench_memory import MemoryFigures
from coldseal.poll_bench_pace import LineFigures
from coldseal.poll_bench_parts import Part
from coldseal.poll_bench_requests import RequestFigures

PACE_SECONDS_MAX = 30.0
"""Of each run on a paced line: some hundreds of exchanges at 9,600 baud."""

Say = Callable[[str], None]


class Figures(msgspec.Struct, frozen=True):
    """What the bench prints; null where a part was left out.

    Attributes:
        not_kept: every limit that did not hold, by its part and name.
    """

    bench: str
    requests: RequestFigures | None
    pace: list[LineFigures] | None
    cpu: CpuFigures | None
    fleet: list[FleetFigures] | None
    bus: BusFigures | None
    memory: MemoryFigures | None
    not_kept: list[str]


def measure(parts: Collection[Part], meters: Sequence[int], seconds: float, say: Say) -> Figures:
    """Measure the parts one after the other.

    Args:
        parts: which ones.
        meters: sizes of the fleets.
        seconds: of each fleet and of the memory; of a paced line PACE_SECONDS_MAX at the most.
        say: told how far it is, a line at a time.
    """
    counted = requests.measure() if Part.REQUESTS in parts else None
    pace = poll_bench_pace.measure(min(seconds, PACE_SECONDS_MAX), say) if Part.PACE in parts else None
    cpu = poll_bench_cpu.measure(say) if Part.CPU in parts else None
    fleet = [poll_bench_fleet.measure(size, seconds, say) for size in meters] if Part.FLEET in parts else None
    bus = poll_bench_bus.measure(say) if Part.BUS in parts else None
    memory = poll_bench_memory.measure(seconds, say) if Part.MEMORY in parts else None
    measured = [one for one in (counted, *(pace or ()), cpu, *(fleet or ()), bus, memory) if one is not None]
    return Figures(
        bench="poll",
        requests=counted,
        pace=pace,
        cpu=cpu,
        fleet=fleet,
        bus=bus,
        memory=memory,
        not_kept=[limit for one in measured for limit in one.not_kept()],
    )


def lines(figures: Figures) -> list[str]:
    """The figures for people, one a line, named by their path."""
    return list(_lines("", msgspec.to_builtins(figures)))


def _lines(path: str, node: object) -> list[str]:
    match node:
        case dict():
            return [line for name, value in node.items() for line in _lines(f"{path}.{name}" if path else name, value)]
        case list() if node:
            return [
                line for index, value in enumerate(node) for line in _lines(f"{path}.{_label(index, value)}", value)
            ]
        case _:
            return [f"{path:<60} {'none' if node in (None, []) else node}"]


def _label(index: int, value: object) -> str:
    """How a list's member is named: by what tells it from the others."""
    if isinstance(value, dict):
        for key in ("profile", "baud", "meters"):
            if key in value:
                return str(value[key] if key != "profile" or "baud" not in value else value["baud"])
    return str(index)
