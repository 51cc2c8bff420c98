"""Report m08: how two thousand agents come back when their broker restarts, by seeds, without a second of waiting."""

import random
import re
from collections import Counter

import pytest

from edge_agent.agent_file import BrokerFile
from edge_agent.reconnect import End, Reconnect
from tests.edge_agent.frames import REPORTS

SCRIPT = (REPORTS / "m08-broker-restart-herd" / "events.txt").read_text(encoding="utf-8")
AGENTS = int(re.findall(r"([\d,]+) agents", SCRIPT)[0].replace(",", ""))
SPREAD_S = BrokerFile("h").reconnect_spread_s
HOUR_MS = 3_600_000


def back_s(seed: int, broker_away_s: float) -> tuple[float, list[float]]:
    """When one agent is back after its broker's end at 0 s, and when it tried in vain."""
    link = Reconnect(SPREAD_S, random.Random(seed))
    link.connected(0)
    at_s, tries = link.delay_s(End.CLOSED, HOUR_MS), []
    while at_s < broker_away_s:
        tries.append(at_s)
        at_s += link.delay_s(End.NOT_REACHED, HOUR_MS + round(at_s * 1000))
    return at_s, tries


@pytest.mark.parametrize("broker_away_s", [0.0, 10.0, 600.0])
def test_a_herd_comes_back_over_minutes(broker_away_s: float) -> None:
    """However long the broker was away, no second brings more than two per cent, and nobody stays away for long."""
    came = [back_s(seed, broker_away_s) for seed in range(AGENTS)]
    back = [at for at, _ in came]
    attempts = Counter(int(at) for _, tries in came for at in tries) + Counter(int(at) for at in back)

    assert AGENTS == 2000
    assert max(attempts.values()) <= AGENTS * 0.02
    assert max(back) - min(back) > 100
    assert max(back) <= broker_away_s + 1.5 * SPREAD_S


def test_a_line_that_fails_by_itself_is_tried_soon() -> None:
    """An unanswered keep-alive concerns one agent: the first attempt comes within two seconds."""
    link = Reconnect(SPREAD_S, random.Random(1))
    link.connected(0)

    assert link.delay_s(End.LINE, HOUR_MS) <= 1.5


def test_attempts_grow_up_to_the_spread() -> None:
    """An agent that finds no broker from the start tries soon, then ever more slowly, never in step with another."""
    delays = []
    for seed in range(50):
        link = Reconnect(SPREAD_S, random.Random(seed))
        delays.append([link.delay_s(End.NOT_REACHED, 0) for _ in range(12)])
    for attempt, column in enumerate(zip(*delays, strict=True)):
        nominal = min(SPREAD_S, 2.0**attempt)
        assert len(set(column)) == len(column)
        assert all(0.5 * nominal <= delay <= 1.5 * nominal for delay in column)


def test_two_boxes_with_one_id_slow_down() -> None:
    """Report m03: a connection that ends at once counts as a failure, however often the broker takes us."""
    link = Reconnect(SPREAD_S, random.Random(1))
    delays = []
    for n in range(12):
        link.connected(n * 1000)
        delays.append(link.delay_s(End.TAKEN_OVER, n * 1000 + 500))

    assert link.short == 12
    assert delays[0] <= 1.5
    assert min(delays[-3:]) >= 0.5 * SPREAD_S


def test_a_steady_connection_forgets() -> None:
    """After a connection of more than half a minute the delays begin anew."""
    link = Reconnect(SPREAD_S, random.Random(1))
    for _ in range(8):
        link.delay_s(End.NOT_REACHED, 0)
    link.connected(0)
    link.delay_s(End.LINE, 31_000)

    assert (link.failures, link.short) == (1, 0)
