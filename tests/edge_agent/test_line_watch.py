"""What is wrong with a line, told as a fault and told to be over."""

from edge_agent.health import Fault, Health
from edge_agent.line import SerialLine
from edge_agent.line_watch import ROUNDS_TOO_LONG, LineWatch
from edge_agent.modbus import LineReader
from edge_agent.poller import LinePoller
from simulators.faults import other_master
from simulators.paced_line import paced_line
from tests.edge_agent.broker import until
from tests.edge_agent.fakes import FakeClock, FakeLine, meter, telling
from tests.edge_agent.test_bus import bank, heard
from wire.reading import Reading


async def test_another_master_is_told() -> None:
    """Somebody who asks on our bus is a fault that names the line and what to do; it is over when he is silent."""
    async with paced_line({1: bank(0.0)}, 115_200) as line, heard(line, 115_200, 0.2, 1) as bus:
        health = Health("a1")
        serial = SerialLine(line.device, 115_200, "N", 1)
        watch = LineWatch({serial: (bus.reader, bus.poller)}, 0.2, health)
        await until(lambda: len(bus.rounds) >= 2, "a good start")
        watch.look()
        assert health.faults == {}
        line.faults(1).next(other_master(), 3)
        await until(lambda: bus.reader.other_masters, "the other master")
        watch.look()
        message = health.faults[Fault.OTHER_MASTER]
        assert message.startswith(f"{serial}: another master asks on this bus")
        assert "take it off" in message
        await until(lambda: line.faults(1).given["other_master"] == 3, "his end")
        seen = len(bus.rounds)
        await until(lambda: len(bus.rounds) >= seen + 2, "quiet rounds")
        watch.look()
        watch.look()
        assert health.faults == {}
        assert health.counters["other_masters"] >= 1


async def test_a_line_that_is_too_slow_is_told() -> None:
    """A line whose rounds are longer than the period is a fault after some looks, and over once they are short again."""
    clock, health = FakeClock(), Health("a1")
    takes = [1500]
    line = FakeLine(clock, telling("eastron_sdm630", {}), lambda _: takes[0])

    async def sink(reading: Reading) -> None:
        del reading

    poller = LinePoller(line, [meter()], 1.0, clock, sink)
    watch = LineWatch({meter().line: (LineReader(meter().line), poller)}, 1.0, health)
    for look in range(ROUNDS_TOO_LONG + 1):
        assert (Fault.LINE_TOO_SLOW in health.faults) == (look >= ROUNDS_TOO_LONG)
        await poller.round(clock.now_ms + 1000)
        watch.look()
    assert "poll_period_s (1 s)" in health.faults[Fault.LINE_TOO_SLOW]
    takes[0] = 100
    await poller.round(clock.now_ms + 1000)
    watch.look()
    assert health.faults == {}
