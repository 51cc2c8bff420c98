"""Looking for meters on a line."""

import asyncio
import contextlib

import pytest

from edge_agent import scan
from edge_agent.line import RtuTcpLine, SerialLine, TcpLine
from edge_agent.progress import WIDTH, bar
from edge_agent.scan import Answer, Progress, Scan
from simulators import faults
from simulators.faulty_tcp import Gateway, GatewayServer
from simulators.modbus_frames import Framing
from simulators.paced_line import paced_line
from tests.edge_agent.commissioning import sites
from tests.edge_agent.commissioning.sites import LOAD, Site, dlt645_behind_dtu, served
from wire.clock import SystemClock

TIMEOUT_S = 0.08
FAST = (19200, "N", 1)


async def test_a_bus_is_found_at_its_speed_and_then_no_other_is_tried() -> None:
    """Two meters at 19200 are found after 9600 was tried; slower settings are not; each is told at once."""
    told: list[Answer] = []
    meters = {3: served("eastron_sdm630", Site(LOAD)), 5: served("acrel_adl400", Site(LOAD))}
    async with paced_line(meters, baud=19200) as wire:
        line = SerialLine(wire.device, 9600, "N", 1)
        plan = scan.steps(line, [(9600, "N", 1), FAST, (4800, "N", 1)], range(1, 7))
        running = Scan(plan, SystemClock(), TIMEOUT_S, told.append)
        await running.run()
        functions = {frame[1] for frame in wire.heard if len(frame) == 8 and frame[0] in (3, 5)}

    assert [(a.unit, a.line) for a in running.found] == [(u, SerialLine(wire.device, *FAST)) for u in (3, 5)]
    assert told == running.found
    assert functions <= {3, 4}
    document = running.document()
    assert (document["complete"], document["asked"], document["of"]) == (True, 12, 18)
    assert isinstance(document["found"], list)
    assert document["found"][0] | {"line": "", "said": ""} == {
        "line": "",
        "unit": 3,
        "said": "",
        "baud": 19200,
        "parity": "N",
        "stopbits": 1,
    }


@pytest.mark.parametrize(
    ("line", "options"),
    [
        (SerialLine("/dev/tty a", 19200, "E", 1), "--serial '/dev/tty a' --baud 19200 --parity E --stopbits 1"),
        (TcpLine("10.0.0.2", 502), "--tcp 10.0.0.2:502"),
        (RtuTcpLine("10.0.0.2", 8899), "--rtu-tcp 10.0.0.2:8899"),
    ],
)
def test_the_next_command_has_the_settings_found(line: SerialLine | TcpLine | RtuTcpLine, options: str) -> None:
    """After a find the text names the probe of each unit, ready to be copied."""
    running = Scan((), SystemClock())
    running.found.append(Answer(line, 7, "data"))

    assert f"next: coldseal agent probe {options} --unit 7" in scan.text(running).split("\n")


async def test_a_stopped_scan_keeps_what_was_found() -> None:
    """Ctrl-C cancels the scan: units found before stay, and it is said that the rest was not asked."""
    meters = {1: served("eastron_sdm630", Site(LOAD)), 30: served("eastron_sdm630", Site(LOAD))}
    async with GatewayServer(Gateway(meters, Framing.TCP)) as server:
        found = asyncio.Event()
        plan = scan.steps(TcpLine("127.0.0.1", server.port), units=range(1, 40))
        running = Scan(plan, SystemClock(), TIMEOUT_S, lambda _: found.set())
        task = asyncio.create_task(running.run())
        await asyncio.wait_for(found.wait(), 20)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    assert [a.unit for a in running.found] == [1]
    assert not running.is_complete
    assert "stopped before the end" in scan.text(running)


async def test_progress_has_the_time_left() -> None:
    """Before each unit it is told how many are done and how long the rest takes; the end is near at the end."""
    told: list[Progress] = []
    async with GatewayServer(Gateway({4: served("eastron_sdm630", Site(LOAD))}, Framing.TCP)) as server:
        plan = scan.steps(TcpLine("127.0.0.1", server.port), units=range(1, 5))
        await Scan(plan, SystemClock(), TIMEOUT_S, on_progress=told.append).run()

    assert [(p.done, p.of, p.unit) for p in told] == [(0, 4, 1), (1, 4, 2), (2, 4, 3), (3, 4, 4)]
    assert told[0].left_s > told[-1].left_s > 0


async def test_a_gateway_that_says_that_nobody_is_there() -> None:
    """Exception 11 of a gateway is no meter."""
    gateway = Gateway({2: served("eastron_sdm630", Site(LOAD))}, Framing.TCP, absent_code=11)
    async with GatewayServer(gateway) as server:
        running = Scan(scan.steps(TcpLine("127.0.0.1", server.port), units=range(1, 5)), SystemClock(), TIMEOUT_S)
        await running.run()

    assert [a.unit for a in running.found] == [2]


async def test_a_device_that_answers_to_every_unit_is_said_to_be_one() -> None:
    """Units that all answer over TCP are most likely one device."""
    meter = served("eastron_sdm630", Site(LOAD))
    async with GatewayServer(Gateway(dict.fromkeys(range(1, 10), meter), Framing.TCP)) as server:
        running = Scan(scan.steps(TcpLine("127.0.0.1", server.port), units=range(1, 10)), SystemClock(), TIMEOUT_S)
        await running.run()

    assert "every unit answers: most likely one device" in scan.text(running)


async def test_what_is_garbled_is_told_and_keeps_dlt645_away() -> None:
    """Bytes that are no answer are no meter; the setting is named, and nothing else is sent to that line."""
    async with paced_line({1: served("eastron_sdm630", Site(LOAD))}, baud=19200) as wire:
        wire.faults(1).always(faults.garbled())
        running = Scan(scan.steps(SerialLine(wire.device, *FAST), [FAST], [1]), SystemClock(), TIMEOUT_S)
        await running.run()
        sent = list(wire.heard)

    assert (running.found, running.dlt645) == ([], None)
    assert list(running.unclear) == [str(SerialLine(wire.device, *FAST))]
    assert not [frame for frame in sent if frame.startswith(b"\xfe")]


async def test_a_dlt645_meter_is_found_last() -> None:
    """Where no unit answers Modbus, a DL/T 645 meter is found, with what to do."""
    async with dlt645_behind_dtu() as (port, heard):
        running = Scan(scan.steps(RtuTcpLine("127.0.0.1", port), units=[1, 2]), SystemClock(), 0.02)
        await running.run()
        sent = bytes(heard)

    assert running.dlt645 is not None
    assert running.dlt645.address == sites.ADDRESS
    assert sent.endswith(sites.ASK_ADDRESS + sites.ASK_IMPORT)
    assert "DL/T 645-2007" in scan.text(running)


async def test_a_line_that_cannot_be_opened_is_named() -> None:
    """A port that nobody listens to is no silent bus."""
    async with GatewayServer(Gateway({}, Framing.TCP)) as server:
        port = server.port
    running = Scan(scan.steps(TcpLine("127.0.0.1", port), units=range(1, 30)), SystemClock(), TIMEOUT_S)
    await running.run()

    assert running.unopened == [f"127.0.0.1:{port}"]
    assert "cannot be opened" in scan.text(running)


def test_likely_settings_come_first() -> None:
    """9600 8N1 and the factory's units are asked before anything else; nothing twice."""
    settings, units = scan.usual_settings(), scan.likely_units()

    assert settings[:3] == ((9600, "N", 1), (9600, "E", 1), (9600, "N", 2))
    assert units[0] == 1
    assert units.index(11) < units.index(2), "the DTSU666-H leaves the factory as 11"
    assert len(set(settings)) == len(settings)
    assert len(set(units)) == len(units)


@pytest.mark.parametrize(
    ("done", "left_s", "line"),
    [
        (0, 65.0, "[............]   0% 1:05 left 9600 8N1 u1"),
        (5, 3.2, "[######......]  50% 0:03 left 9600 8N1 u1"),
        (10, None, "[############] 100% 9600 8N1 u1"),
    ],
)
def test_the_bar_fits_a_phone(done: int, left_s: float | None, line: str) -> None:
    """The progress line is at most as wide as a phone's terminal."""
    assert bar(done, 10, left_s, "9600 8N1 u1") == line[:WIDTH]
