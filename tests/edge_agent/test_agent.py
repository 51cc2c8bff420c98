"""The whole agent against real parts: a slave on a port, Mosquitto, a server that receipts."""

import asyncio
import json
import re
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from edge_agent import health
from edge_agent.agent import Agent, Timing
from edge_agent.config import Settings, load
from edge_agent.courier import Pace
from edge_agent.errors import LineUnusable
from edge_agent.health import Fault
from edge_agent.identity import load_or_make_key
from tests.edge_agent.broker import Mosquitto, Server, until
from tests.edge_agent.conftest import IDLE, TinyDisk, Write
from tests.edge_agent.frames import REPORTS
from tests.edge_agent.slave import RtuSlave, TcpSlave, rtu_adu
from wire.batch import Batch, Row, rows
from wire.clock import SystemClock
from wire.limits import BURST_POLLS
from wire.quantities import Quantity
from wire.reading import Reason, State, Unreadable

QUICK = Timing(pace=Pace(receipt_wait_s=0.5, hint_after_s=2.0), health_period_s=0.5)


@asynccontextmanager
async def running(settings: Settings, executor: ThreadPoolExecutor) -> AsyncIterator[Agent]:
    """An agent that runs until the block ends, and is then stopped cleanly."""
    agent = Agent(settings, SystemClock(), executor, QUICK)
    task = asyncio.create_task(agent.run())
    ready = asyncio.create_task(agent.ready.wait())
    await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    try:
        if task.done():
            task.result()
        yield agent
    finally:
        agent.stop()
        await asyncio.wait((task,))
    task.result()


@pytest.fixture
def settings(write: Write, mosquitto: Mosquitto, server: Server, tcp_slave: TcpSlave) -> Settings:
    """An agent of this slave, broker and server; polls ten times a second, batches each second."""
    return write(tcp_slave.port, mosquitto.port, str(server.key.public), batch_s="1")


def batches(server: Server, settings: Settings) -> list[Batch]:
    """What the server has, its signatures checked with the agent's own key."""
    return server.batches(load_or_make_key(settings.data).public)


def all_rows(server: Server, settings: Settings) -> list[Row]:
    """Every row that the server has."""
    return [row for batch in batches(server, settings) for row in rows(batch)]


def power(slave: TcpSlave, power_w: float) -> None:
    """Let the meter tell another power."""
    slave.memory.set("eastron_sdm630", {**IDLE, Quantity.ACTIVE_POWER_W: power_w})


async def test_from_meter_to_server(
    settings: Settings, server: Server, tcp_slave: TcpSlave, executor: ThreadPoolExecutor
) -> None:
    """What the meter says arrives signed, each row once, in order, and the last envelope is the end of a clean stop."""
    async with running(settings, executor):
        await until(lambda: len(server.envelopes) >= 3, "three envelopes")
    found = batches(server, settings)
    assert [batch.seq for batch in found] == list(range(1, len(found) + 1))
    assert [batch.fin for batch in found] == [False] * (len(found) - 1) + [True]
    assert found[0].ev == [(0, "first_reading", ["m1"])]
    assert len({batch.boot for batch in found}) == 1
    assert {batch.cfg for batch in found} == {settings.digest}
    every = all_rows(server, settings)
    assert [row.wall_ms for row in every] == sorted(row.wall_ms for row in every)
    asked = [row for row in every if row.state is not State.DISCONNECTED]  # a busy machine may connect late
    assert len(asked) == sum(request.address == 52 for request in tcp_slave.requests)
    read = [row for row in asked if row.state is not State.TIMEOUT]
    assert {row.values[Quantity.FREQUENCY_HZ] for row in read} == {50.0}
    assert {row.values[Quantity.ACTIVE_POWER_W] for row in read} == {0.0}
    assert health.read(settings.data)["outbox"] == {
        "waiting": 0, "first_seq": None, "last_seq": None, "bytes": 0, "oldest_ms": None, "pending_rows": 0,
        "held_rows": 0, "disk_full": False, "receipt_ack": len(found), "receipt_ms": 1_700_000_000_000,
    }  # fmt: skip


async def test_a_change_leaves_at_once_and_in_full(
    write: Write, mosquitto: Mosquitto, server: Server, tcp_slave: TcpSlave, executor: ThreadPoolExecutor
) -> None:
    """The reading that shows the rise ends its envelope, with raw words; the next polls leave one by one."""
    settings = write(tcp_slave.port, mosquitto.port, str(server.key.public), batch_s="60")
    async with running(settings, executor):
        await until(lambda: len(tcp_slave.requests) > 20 and server.envelopes, "some idle polls")
        power(tcp_slave, 161_250.0)
        await until(lambda: len(server.envelopes) >= 2 + BURST_POLLS, "the burst")
    found = batches(server, settings)
    shown = found[1]
    last = rows(shown)[-1]
    at_ms = last.wall_ms - (shown.t0 or 0)
    assert shown.ev == [
        (at_ms, "power_rose", ["m1"]),
        (at_ms, "local_alarm", ["m1", "active_power_w", 161_250]),
    ]
    assert last.values[Quantity.ACTIVE_POWER_W] == 161_250.0
    assert {row.values[Quantity.ACTIVE_POWER_W] for row in rows(shown)[:-1]} == {0.0}
    assert {at for _, at, _ in shown.mtr[0].raw} == {"4:0", "4:34"}
    assert {index for index, _, _ in shown.mtr[0].raw} == {last.index}
    assert [len(rows(batch)) for batch in found[2 : 2 + BURST_POLLS]] == [1] * BURST_POLLS
    assert all(batch.mtr[0].raw for batch in found[2 : 2 + BURST_POLLS])


async def test_another_meter_is_told_at_once(
    write: Write, mosquitto: Mosquitto, server: Server, tcp_slave: TcpSlave, executor: ThreadPoolExecutor
) -> None:
    """A meter that was exchanged leaves as an event at once; rows before it stand under the old serial number."""
    settings = write(tcp_slave.port, mosquitto.port, str(server.key.public), batch_s="60")
    told = {Quantity.DEVICE_SERIAL: 21_033_417.0}
    tcp_slave.memory.set("eastron_sdm630", {**IDLE, **told})
    async with running(settings, executor):
        await until(lambda: len(tcp_slave.requests) > 20 and server.envelopes, "some idle polls")
        silent(tcp_slave)
        await until(lambda: changes(server, settings)[-1] == "meter_silent", "the outage")
        tcp_slave.memory.set("eastron_sdm630", {**IDLE, Quantity.DEVICE_SERIAL: 21_055_012.0})
        tcp_slave.script = tcp_slave.right
        await until(lambda: "fingerprint_changed" in changes(server, settings), "the event")
    found = batches(server, settings)
    shown = next(batch for batch in found if any(code == "fingerprint_changed" for _, code, _ in batch.ev))
    assert [details for _, code, details in shown.ev if code != "meter_answers"] == [
        ["m1", "serial", "21033417", "21055012"],
        ["m1", "serial", 0],
    ]
    assert [batch.mtr[0].ser for batch in found if batch.seq < shown.seq and batch.mtr] == ["21033417"] * (
        shown.seq - 1
    )
    assert shown.mtr[0].ser == "21055012"
    assert [row.values[Quantity.DEVICE_SERIAL] for row in rows(shown)] == [21_055_012.0]


def changes(server: Server, settings: Settings) -> list[str]:
    """Every event's code that the server has."""
    return [code for batch in batches(server, settings) for _, code, _ in batch.ev]


async def test_buses_that_came_up_exchanged(
    write: Write, mosquitto: Mosquitto, server: Server, executor: ThreadPoolExecutor
) -> None:
    """Report p03: after a reboot two buses are swapped: nothing is filed under the wrong furnace, and the fix is named."""
    story = (REPORTS / "p03-usb-renumber" / "events.txt").read_text(encoding="utf-8")
    serials = [float(text) for text in re.findall(r"\b21\d{6}\b", story)]
    assert len(serials) == 2
    buses = [TcpSlave(), TcpSlave()]
    for bus, serial, power_w in zip(buses, serials, (0.0, 161_250.0), strict=True):
        bus.memory.set("eastron_sdm630", {**IDLE, Quantity.DEVICE_SERIAL: serial, Quantity.ACTIVE_POWER_W: power_w})
        await bus.start()

    def settings_of(*ports: int) -> Settings:
        meters = ", ".join(
            f"{{id: m{n}, profile: eastron_sdm630, timeout_s: 0.1, tcp: '127.0.0.1:{port}'}}"
            for n, port in enumerate(ports)
        )
        return write(1, mosquitto.port, str(server.key.public), batch_s="1", meters=f"[{meters}]")

    async with running(settings_of(buses[0].port, buses[1].port), executor):
        await until(lambda: len(server.envelopes) >= 3, "a first run")
    before = len(server.envelopes)
    swapped = settings_of(buses[1].port, buses[0].port)
    async with running(swapped, executor) as agent:
        await until(lambda: Fault.BUSES_EXCHANGED in agent.health.faults, "the fault")
        await until(lambda: len(server.envelopes) >= before + 4, "rows of it")
        message = agent.health.faults[Fault.BUSES_EXCHANGED]
    assert message.startswith("buses are exchanged: ")
    assert "/dev/serial/by-path" in message
    after = batches(server, swapped)[before:]
    told = {(row.meter, row.state, row.values.get(Quantity.ACTIVE_POWER_W)) for batch in after for row in rows(batch)}
    assert told == {(m, State.FAILED, Unreadable(Reason.WRONG_UNIT)) for m in ("m0", "m1")}
    blocks = [block for batch in after for block in batch.mtr]
    assert [{index for index, _, _ in block.raw} for block in blocks] == [set(range(block.n)) for block in blocks]
    events = {(code, *details) for batch in after for _, code, details in batch.ev if code == "buses_exchanged"}
    assert events == {
        ("buses_exchanged", "m0", "m1", f"{serials[1]:.0f}"),
        ("buses_exchanged", "m1", "m0", f"{serials[0]:.0f}"),
    }
    async with running(settings_of(buses[0].port, buses[1].port), executor) as agent:
        before = len(server.envelopes)
        await until(lambda: len(server.envelopes) >= before + 3, "the right way round again")
        assert agent.health.faults == {}
    assert {row.state for batch in batches(server, swapped)[before + 1 :] for row in rows(batch)} == {State.OK}
    for bus in buses:
        await bus.stop()


async def test_only_reads_leave(
    settings: Settings, server: Server, tcp_slave: TcpSlave, executor: ThreadPoolExecutor
) -> None:
    """Of a whole run, with outages and garbage, every captured byte to the meter is a request of function 3 or 4."""
    async with running(settings, executor):
        for script in (tcp_slave.right, lambda _: [], lambda _: [(0.0, b"\x00" * 12)], tcp_slave.right):
            tcp_slave.script = script
            count = len(tcp_slave.heard)
            await until(lambda count=count: len(tcp_slave.heard) > count + 5, "requests")  # type: ignore[misc]  # bound now
    captured = b"".join(tcp_slave.heard)
    frames = [captured[at : at + 12] for at in range(0, len(captured), 12)]
    assert len(captured) % 12 == 0
    assert {frame[2:7].hex() for frame in frames} == {"0000000601"}
    assert {frame[7] for frame in frames} == {3, 4}
    assert server.envelopes


def silent(slave: TcpSlave) -> None:
    """The meter does not answer."""
    slave.script = lambda _: []


def refusing(slave: TcpSlave) -> None:
    """The meter knows none of the registers."""
    slave.memory.words.clear()


@pytest.mark.parametrize(
    ("bend", "state", "reason"),
    [(silent, State.TIMEOUT, Reason.TIMEOUT), (refusing, State.FAILED, Reason.ILLEGAL_ADDRESS)],
)
async def test_a_meter_that_fails_is_told_at_once(
    bend: Callable[[TcpSlave], None],
    state: State,
    reason: Reason,
    settings: Settings,
    server: Server,
    tcp_slave: TcpSlave,
    executor: ThreadPoolExecutor,
) -> None:
    """Every poll of a failing meter is a row with its state and reason, the first one leaves at once; none is 0."""
    async with running(settings, executor):
        await until(lambda: len(server.envelopes) >= 1, "a good start")
        bend(tcp_slave)
        await until(lambda: any(b.ev and b.ev[-1][1] == "meter_silent" for b in batches(server, settings)), "the event")
        await until(lambda: sum(r.state is state for r in all_rows(server, settings)) > 5, "rows of it")
    failed = [row for row in all_rows(server, settings) if row.state is state]
    assert {row.values[Quantity.ACTIVE_POWER_W] for row in failed} == {Unreadable(reason)}


async def test_a_meter_that_is_not_there_from_the_start(
    write: Write, mosquitto: Mosquitto, server: Server, executor: ThreadPoolExecutor
) -> None:
    """Nobody at the port: the agent runs and says so, row by row."""
    settings = write(1, mosquitto.port, str(server.key.public), batch_s="1")
    async with running(settings, executor):
        await until(lambda: len(server.envelopes) >= 2, "envelopes")
    assert {row.state for row in all_rows(server, settings)} == {State.DISCONNECTED}


async def test_rtu_from_meter_to_server(
    write: Write, mosquitto: Mosquitto, server: Server, rtu_slave: RtuSlave, executor: ThreadPoolExecutor
) -> None:
    """The same over a serial line whose slave is sometimes late: each value is the meter's own, or has a reason."""
    meter = f"{{id: m1, profile: eastron_sdm630, timeout_s: 0.1, serial: {{device: {rtu_slave.device}, baud: 115200}}}}"
    settings = write(1, mosquitto.port, str(server.key.public), batch_s="1", meters=f"[{meter}]")
    late = [0.0]

    def script(request: object) -> list[tuple[float, bytes]]:
        late[0] = 0.15 if len(rtu_slave.requests) % 9 == 0 else 0.0
        return [(late[0], rtu_adu(1, rtu_slave.memory.pdu(request)))]  # type: ignore[arg-type]  # a Request

    rtu_slave.script = script
    async with running(settings, executor):
        await until(lambda: len(all_rows(server, settings)) > 30, "rows")
    told: dict[Quantity, set[object]] = {}
    for row in all_rows(server, settings):
        for quantity, value in row.values.items():
            told.setdefault(quantity, set()).add(value if isinstance(value, float) else None)
    assert told[Quantity.VOLTAGE_L1_V] - {None} == {230.0}
    assert told[Quantity.ACTIVE_POWER_W] - {None} == {0.0}
    assert None in told[Quantity.ACTIVE_POWER_W]
    assert {frame[1] for frame in rtu_slave.heard} <= {3, 4}


async def test_polling_goes_on_without_a_broker(
    write: Write, mosquitto: Mosquitto, server: Server, tcp_slave: TcpSlave, executor: ThreadPoolExecutor
) -> None:
    """The broker is away: polls are kept on disk; when it is back everything arrives, none twice under other bytes."""
    settings = write(tcp_slave.port, mosquitto.port, str(server.key.public), batch_s="1")
    mosquitto.stop()
    async with running(settings, executor) as agent:
        await until(lambda: Fault.BROKER_UNREACHABLE in agent.health.faults, "the fault")
        await until(lambda: len(tcp_slave.requests) > 30, "polls meanwhile")
        mosquitto.start()
        await until(lambda: len(server.envelopes) >= 3, "what waited")
    assert [batch.seq for batch in batches(server, settings)] == list(range(1, len(server.envelopes) + 1))
    assert all(len(copies) == 1 for copies in server.copies.values())


async def test_a_full_disk(
    write: Write,
    mosquitto: Mosquitto,
    server: Server,
    tcp_slave: TcpSlave,
    executor: ThreadPoolExecutor,
    tiny_disk: TinyDisk,
) -> None:
    """Report o01, whole: the disk fills under a running agent: it polls on, says so at once, and recovers by itself."""
    settings = write(
        tcp_slave.port, mosquitto.port, str(server.key.public), batch_s="1", data=str(tiny_disk.folder / "data")
    )
    async with running(settings, executor) as agent:
        await until(lambda: len(server.envelopes) >= 2, "a good start")
        tiny_disk.fill()
        await until(lambda: Fault.DISK_FULL in agent.health.faults, "the fault")
        tiny_disk.fill()
        await until(lambda: server.statuses[-1]["faults"] == ["disk_full"], "the status")
        count = len(tcp_slave.requests)
        await until(lambda: len(tcp_slave.requests) > count + 20, "polls on a full disk")
        tiny_disk.free()
        await until(lambda: Fault.DISK_FULL not in agent.health.faults, "recovery")
        await until(lambda: len(server.envelopes) >= 4, "what was kept")
    found = batches(server, settings)
    assert [batch.seq for batch in found] == list(range(1, len(found) + 1))
    assert len(all_rows(server, settings)) == sum(request.address == 52 for request in tcp_slave.requests)


async def test_rows_of_a_killed_run_come_first(
    settings: Settings, server: Server, tcp_slave: TcpSlave, executor: ThreadPoolExecutor
) -> None:
    """A run that ends without its clean stop leaves rows behind; the next run sends them first, under the old boot."""
    agent = Agent(settings, SystemClock(), executor, QUICK)
    task = asyncio.create_task(agent.run())
    await until(lambda: len(server.envelopes) >= 1 and len(tcp_slave.requests) > 6, "rows")
    task.cancel()
    await asyncio.wait((task,))
    polled = agent.health.counters["polls"]
    async with running(settings, executor):
        await until(lambda: len({batch.bn for batch in batches(server, settings)}) == 2, "the second run")
    found = batches(server, settings)
    assert [batch.bn for batch in found] == sorted(batch.bn for batch in found)
    of_first = [row for batch in found if batch.bn == 1 for row in rows(batch)]
    assert polled - 1 <= len(of_first) <= polled


async def test_many_agents_in_one_process(
    write: Write, mosquitto: Mosquitto, server: Server, tcp_slave: TcpSlave, executor: ThreadPoolExecutor
) -> None:
    """Twenty agents share a loop and a disk thread: no thread each but the MQTT client's, and all deliver."""
    first = write(tcp_slave.port, mosquitto.port, str(server.key.public), batch_s="1", poll_period_s="0.5")
    text = first.file.read_text(encoding="utf-8")
    agents = []
    for number in range(20):
        file = first.file.with_name(f"n{number}.yaml")
        file.write_text(
            text.replace("agent: a1", f"agent: n{number}").replace("data: data", f"data: d{number}"), "utf-8"
        )
        agents.append(Agent(load(file), SystemClock(), executor, QUICK))
    before = threading.active_count()
    async with asyncio.TaskGroup() as group:
        for agent in agents:
            group.create_task(agent.run())
        await until(lambda: all(agent.health.counters["connects"] for agent in agents), "all connected")
        await until(lambda: len(server.arrivals) >= 40, "envelopes")
        threads = threading.active_count() - before
        for agent in agents:
            agent.stop()
    assert threads <= len(agents) + 1
    assert {agent.health.counters["failed"] for agent in agents} == {0}


async def test_a_missing_serial_device_ends_the_start(write: Write, executor: ThreadPoolExecutor) -> None:
    """A device that is not there at the start is the installer's business: one line with the key and what to do."""
    settings = write(meters="[{id: m1, profile: eastron_sdm630, serial: {device: /dev/ttyNOT}}]")
    with pytest.raises(LineUnusable, match=r"meters\[0\]\.serial\.device: /dev/ttyNOT is missing; plug the adapter in"):
        async with running(settings, executor):
            pass


async def test_health_file(
    settings: Settings, server: Server, tcp_slave: TcpSlave, executor: ThreadPoolExecutor
) -> None:
    """The file for people is whole at any time and names meters, counters and faults."""
    async with running(settings, executor):
        await until(lambda: len(server.envelopes) >= 2, "envelopes")
        await until(lambda: health.read(settings.data).get("broker_connected"), "the file")
        silent(tcp_slave)
        for _ in range(200):
            json.loads((settings.data / health.HEALTH_FILE).read_text(encoding="utf-8"))
            await asyncio.sleep(0.005)
        document = health.read(settings.data)
    assert document["agent"] == "a1"
    assert document["faults"] == []
    meters = document["meters"]
    assert isinstance(meters, dict)
    assert meters["m1"]["state"] == "T"
    assert meters["m1"]["active_power_w"] == {"reason": "timeout"}
