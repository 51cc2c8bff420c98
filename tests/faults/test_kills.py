"""kill -9 of agent, broker and server in turn during a melt: nothing that the agent's file held is lost or doubled."""

import functools
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from coldseal.processes import ProcessGroup
from tests.faults.plant import AGENT, READY_S, Plant, RowKey

RESUMES_S = 7.0
PERIOD_MS = 1_000
LATE_MS = 400
"""How late a poll may be on a busy machine before we call the next one lost."""

WAIT_S = 60.0


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until something is so; a generous bound, not a measurement."""
    for _ in range(round(WAIT_S / 0.2)):
        if condition():
            return
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen within {WAIT_S} s")


def lost_polls(rows: list[RowKey], killed_ms: tuple[int, int]) -> list[tuple[int, int]]:
    """Times between neighbouring rows that are longer than a period, but for the one in which the agent was dead."""
    times = [at for at, _ in rows]
    return [
        (before, after)
        for before, after in itertools.pairwise(times)
        if after - before > PERIOD_MS + LATE_MS and not (before <= killed_ms[1] and after >= killed_ms[0])
    ]


def kill_in_turn(plant: Plant, copies: Path) -> tuple[list[RowKey], tuple[int, int]]:
    """Server, broker and agent, each started again before the next dies; the agent's file, and when it was dead."""
    programs = plant.programs
    for name, ready in (("server", "ready"), ("broker", "ready")):
        programs.kill(name)
        time.sleep(3)
        programs.restart(name)
        programs.wait_ready(name, ready, READY_S)
        time.sleep(2)
    return kill_agent(plant, copies)


def kill_together(plant: Plant, copies: Path) -> tuple[list[RowKey], tuple[int, int]]:
    """Server, then broker, then agent, all dead at once; the agent comes back first, to a deaf world."""
    programs = plant.programs
    for name in ("server", "broker"):
        programs.kill(name)
        time.sleep(3)
    held, dead_ms = kill_agent(plant, copies)
    assert len(held) >= 6, "the agent went on while server and broker were gone"
    for name in ("broker", "server"):
        programs.restart(name)
        programs.wait_ready(name, "ready", READY_S)
    return held, dead_ms


def kill_agent(plant: Plant, copies: Path) -> tuple[list[RowKey], tuple[int, int]]:
    """Kill the agent, look into its file, start it again."""
    killed_ms = round(time.time() * 1000)
    plant.programs.kill(AGENT)
    held = plant.outbox(copies)
    time.sleep(2)
    plant.programs.restart(AGENT)
    plant.programs.wait_ready(AGENT, "ready agent", READY_S)
    alive_ms = round(time.time() * 1000)
    time.sleep(2)
    return held, (killed_ms - PERIOD_MS, alive_ms + PERIOD_MS)


@pytest.mark.parametrize("kill", [kill_in_turn, kill_together])
def test_every_program_killed(
    tmp_path: Path, kill: Callable[[Plant, Path], tuple[list[RowKey], tuple[int, int]]]
) -> None:
    """Agent, broker and server are killed during one melt: each row is stored once, in order, and one violation stays."""
    with ProcessGroup(tmp_path / "log") as programs:
        plant = Plant(tmp_path / "plant", programs, RESUMES_S)
        plant.start()
        wait_for(lambda: bool(plant.violations()), "the violation")
        first_seen = plant.violations()
        held, dead_ms = kill(plant, tmp_path / "copy")
        wait_for(functools.partial(plant.holds, held), "delivery of what the agent's file held")
        programs.restart(AGENT)  # ends it cleanly first: the last rows leave before it goes
        numbers, rows = plant.stored()
        after = plant.violations()

    assert numbers == list(range(1, len(numbers) + 1)), "every envelope once"
    times = [at for at, _ in rows]
    assert times == sorted(set(times)), "every row once, in order"
    assert lost_polls(rows, dead_ms) == []
    melting = [power for at, power in rows if at > first_seen[0][2]]
    assert 0.0 not in melting, "a lost poll is a gap, never a 0"
    assert after == first_seen, "the same violation, begun at the same moment"


def test_at_most_one_poll_is_lost_by_a_kill_of_the_agent(tmp_path: Path) -> None:
    """Rows that were committed before the kill come out of the file; the hole is the agent's absence and one poll."""
    with ProcessGroup(tmp_path / "log") as programs:
        plant = Plant(tmp_path / "plant", programs, 3_600.0)
        plant.start()
        wait_for(lambda: len(plant.stored()[1]) >= 5, "the first batch")
        kills = list[int]()
        for kill in range(3):
            time.sleep(2.3)
            kills.append(round(time.time() * 1000))
            programs.kill(AGENT)
            held = plant.outbox(tmp_path / f"copy-{kill}")
            programs.restart(AGENT)
            programs.wait_ready(AGENT, "ready agent", READY_S)
            wait_for(functools.partial(plant.holds, held), "delivery of the held rows")
        _, rows = plant.stored()

    times = [at for at, _ in rows]
    assert times == sorted(set(times))
    for killed_ms in kills:
        last = max(at for at in times if at <= killed_ms)
        assert killed_ms - last <= PERIOD_MS * 2, "more than one poll before the kill is missing"
