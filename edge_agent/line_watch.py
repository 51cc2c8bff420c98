"""What is wrong with the lines to the meters: somebody else asks on them, or they are too slow for the poll period."""

from collections.abc import Mapping

from edge_agent.health import Fault, Health
from edge_agent.line import Line
from edge_agent.modbus import LineReader
from edge_agent.poller import LinePoller

ROUNDS_TOO_LONG = 3
"""Looks in a row at which a line's round was longer than the period."""


class LineWatch:
    """Looks at each line now and then, and tells health."""

    def __init__(self, lines: Mapping[Line, tuple[LineReader, LinePoller]], period_s: float, health: Health) -> None:
        self._lines, self._period_ms, self._health = lines, round(period_s * 1000), health
        self._masters = dict.fromkeys(lines, 0)
        self._too_long = dict.fromkeys(lines, 0)

    def look(self) -> None:
        """Count, and raise or clear the faults."""
        readers = [reader for reader, _ in self._lines.values()]
        counters = self._health.counters
        counters["late_ticks"] = sum(poller.late_ticks for _, poller in self._lines.values())
        counters["line_noise"] = sum(reader.noise for reader in readers)
        counters["junk_replies"] = sum(reader.junk_replies for reader in readers)
        counters["other_masters"] = sum(reader.other_masters for reader in readers)
        self._tell(Fault.OTHER_MASTER, [said for line in self._lines if (said := self._other_master(line))])
        self._tell(Fault.LINE_TOO_SLOW, [said for line in self._lines if (said := self._too_slow(line))])

    def _tell(self, fault: Fault, said: list[str]) -> None:
        if said:
            self._health.raise_fault(fault, "; ".join(said))
        else:
            self._health.clear(fault)

    def _other_master(self, line: Line) -> str:
        heard, before = self._lines[line][0].other_masters, self._masters[line]
        self._masters[line] = heard
        if heard == before:
            return ""
        return (
            f"{line}: another master asks on this bus; both lose answers. Find it (a gateway, a display, a second agent) "
            "and take it off, or give the agent a bus of its own"
        )

    def _too_slow(self, line: Line) -> str:
        poller = self._lines[line][1]
        is_long = poller.round_ms > self._period_ms
        self._too_long[line] = self._too_long[line] + 1 if is_long else 0
        if self._too_long[line] < ROUNDS_TOO_LONG:
            return ""
        return (
            f"{line}: one round of its meters takes longer than poll_period_s ({self._period_ms / 1000:g} s), so ticks are "
            "left out; raise the line's speed, give some meters another line, or set poll_period_s higher"
        )

    def document(self) -> dict[str, object]:
        """Each line, for the health file."""
        return {
            str(line): {
                "round_ms": poller.round_ms,
                "late_ticks": poller.late_ticks,
                "other_masters": reader.other_masters,
                "noise": reader.noise,
                "last_wrong": reader.last_wrong,
            }
            for line, (reader, poller) in self._lines.items()
        }
