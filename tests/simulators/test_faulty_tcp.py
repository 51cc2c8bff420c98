"""Gateways on TCP: the time of the line behind them, packets, units that are not there, and a DTU that dials in."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
import uvloop
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.framer import FramerType

from simulators import faults
from simulators.faulty_tcp import Dtu, Gateway, GatewayServer, dialled_in
from simulators.line_pace import Pace
from simulators.modbus_frames import Framing
from simulators.slaves import Bank

READ_2 = bytes.fromhex("01 03 0000 0002 C40B")
REPLY_2 = bytes.fromhex("01 03 04 0011 0012 2A3B")
REPLY_60_BYTES = 125
PATIENCE_S = 10.0


def slaves() -> dict[int, Bank]:
    """Unit 1."""
    return {1: Bank({(3, address): 0x11 + address for address in range(60)})}


@contextlib.asynccontextmanager
async def connected(gateway: Gateway) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a gateway that listens."""
    async with GatewayServer(gateway) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        yield reader, writer
        writer.close()


async def read(reader: asyncio.StreamReader, size: int) -> bytes:
    """So many bytes."""
    return await asyncio.wait_for(reader.readexactly(size), PATIENCE_S)


@pytest.mark.parametrize(("framing", "framer"), [(Framing.TCP, FramerType.SOCKET), (Framing.RTU, FramerType.RTU)])
async def test_an_independent_client(framing: Framing, framer: FramerType) -> None:
    """Pymodbus reads words through a gateway in either framing."""
    async with GatewayServer(Gateway(slaves(), framing)) as server:
        client = AsyncModbusTcpClient("127.0.0.1", port=server.port, framer=framer, timeout=PATIENCE_S, retries=0)
        assert await client.connect()
        reply = await client.read_holding_registers(1, count=3, device_id=1)
        client.close()
    assert reply.registers == [0x12, 0x13, 0x14]


async def test_an_exchange_takes_the_time_of_the_line_behind() -> None:
    """A gateway has one serial line: two clients at once wait for each other, and no reply is faster than it."""
    pace = Pace(9600)
    wire_s = (8 + REPLY_60_BYTES) * pace.character_s + pace.t35_s
    request = bytes.fromhex("01 03 0000 003C 45DB")
    async with GatewayServer(Gateway(slaves(), Framing.RTU, behind=pace)) as server:
        pairs = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(2)]
        sent_at = time.monotonic()
        for _, writer in pairs:
            writer.write(request)
        await read(pairs[0][0], REPLY_60_BYTES)
        first_s = time.monotonic() - sent_at
        await read(pairs[1][0], REPLY_60_BYTES)
        both_s = time.monotonic() - sent_at
        for _, writer in pairs:
            writer.close()
    assert first_s >= wire_s
    assert both_s >= 2 * wire_s
    assert both_s / (2 * wire_s) < 1.2


async def test_a_dtu_packs_by_its_own_timer() -> None:
    """A reply leaves in packets of so many bytes with a pause between."""
    gateway = Gateway(slaves(), Framing.RTU, packet_bytes=4, packet_gap_s=0.1)
    async with connected(gateway) as (reader, writer):
        writer.write(READ_2)
        found = [await asyncio.wait_for(reader.read(100), PATIENCE_S) for _ in range(3)]
    assert found == [REPLY_2[:4], REPLY_2[4:8], REPLY_2[8:]]


@pytest.mark.parametrize(
    ("sent", "expected"),
    {
        "in pieces": ([READ_2[:3], READ_2[3:]], REPLY_2),
        "two at once": ([READ_2 + READ_2], REPLY_2 + REPLY_2),
        "garbage before": ([b"\x55\x01" + READ_2], REPLY_2),
        "a write": ([bytes.fromhex("01 10 0000 0001 02 0005 6653")], bytes.fromhex("01 90 01 8DC0")),
    }.values(),
)
async def test_rtu_over_tcp_has_no_borders(sent: list[bytes], expected: bytes) -> None:
    """Frames are found by their check sum, however TCP cuts them."""
    async with connected(Gateway(slaves(), Framing.RTU)) as (reader, writer):
        for part in sent:
            writer.write(part)
            await asyncio.sleep(0.01)
        assert await read(reader, len(expected)) == expected


@pytest.mark.parametrize(("code", "expected"), [(11, "0007 0000 0003 09 83 0B"), (10, "0007 0000 0003 09 83 0A")])
async def test_a_unit_that_is_not_there(code: int, expected: str) -> None:
    """Some gateways say that nobody answered, with exception 10 or 11."""
    async with connected(Gateway(slaves(), absent_code=code)) as (reader, writer):
        writer.write(bytes.fromhex("0007 0000 0006 09 03 0000 0001"))
        assert await read(reader, 9) == bytes.fromhex(expected)


async def test_a_unit_that_is_not_there_is_silent_otherwise() -> None:
    """Behind any other gateway nothing comes, and the next unit is answered."""
    async with connected(Gateway(slaves())) as (reader, writer):
        writer.write(bytes.fromhex("0007 0000 0006 09 03 0000 0001 0008 0000 0006 01 03 0000 0001"))
        assert await read(reader, 11) == bytes.fromhex("0008 0000 0005 01 03 02 0011")


async def test_no_modbus_is_dropped() -> None:
    """Bytes of another protocol get no answer, and the connection serves on."""
    async with connected(Gateway(slaves())) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        await asyncio.sleep(0.05)
        writer.write(bytes.fromhex("0008 0000 0006 01 03 0000 0001"))
        assert await read(reader, 11) == bytes.fromhex("0008 0000 0005 01 03 02 0011")


async def test_inject() -> None:
    """Bytes that nobody asked for reach every connection."""
    gateway = Gateway(slaves())
    async with connected(gateway) as (reader, writer):
        writer.write(bytes.fromhex("0008 0000 0006 01 03 0000 0001"))
        await read(reader, 11)
        gateway.inject(b"\x00\x01")
        assert await read(reader, 2) == b"\x00\x01"


class Centre:
    """A port on which a test waits for DTUs."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self.port = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A DTU has dialled in."""
        await self.calls.put((reader, writer))

    async def call(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The next that dials in."""
        return await asyncio.wait_for(self.calls.get(), PATIENCE_S)


@pytest.fixture
async def centre() -> AsyncIterator[Centre]:
    """A port that is open."""
    centre = Centre()
    server = await asyncio.start_server(centre.take, "127.0.0.1", 0)
    centre.port = server.sockets[0].getsockname()[1]
    yield centre
    server.close()


async def test_a_dtu_dials_in_registers_and_beats(centre: Centre) -> None:
    """It says who it is, answers RTU frames, beats its heart, and dials again when the connection is gone."""
    dtu = Dtu(Gateway(slaves(), Framing.RTU), register=b"DTU-1", heartbeat=b"\xfe", heartbeat_s=0.2, redial_s=0.05)
    async with dialled_in(dtu, "127.0.0.1", centre.port) as gateway:
        for _ in range(2):
            reader, writer = await centre.call()
            assert await read(reader, 5) == b"DTU-1"
            assert await read(reader, 2) == b"\xfe\xfe"
            writer.write(READ_2)
            assert REPLY_2 in await read(reader, len(REPLY_2)) + await read(reader, 1)
            writer.close()
        assert (gateway.connections, gateway.requests) == (2, 2)


async def test_a_dtu_without_a_heart_stays(centre: Centre) -> None:
    """Without registration and heartbeat it says nothing by itself, and faults are those of any gateway."""
    dtu = Dtu(Gateway(slaves(), Framing.TCP))
    dtu.gateway.faults(1).next(faults.silent())
    async with dialled_in(dtu, "127.0.0.1", centre.port):
        reader, writer = await centre.call()
        for transaction in (7, 8):
            writer.write(transaction.to_bytes(2, "big") + bytes.fromhex("0000 0006 01 03 0000 0001"))
        assert await read(reader, 11) == bytes.fromhex("0008 0000 0005 01 03 02 0011")
        writer.close()


async def test_a_dtu_waits_for_its_centre(centre: Centre) -> None:
    """While nobody listens it dials again and again."""
    unused = await asyncio.start_server(centre.take, "127.0.0.1", 0)
    port = unused.sockets[0].getsockname()[1]
    unused.close()
    await unused.wait_closed()
    dtu = Dtu(Gateway(slaves(), Framing.RTU), register=b"here", redial_s=0.05)
    async with dialled_in(dtu, "127.0.0.1", port):
        await asyncio.sleep(0.15)
        late = await asyncio.start_server(centre.take, "127.0.0.1", port)
        reader, writer = await centre.call()
        assert await read(reader, 4) == b"here"
        writer.close()
        late.close()


def test_on_uvloop() -> None:
    """A program that runs on uvloop can hold a gateway."""

    async def talk() -> bytes:
        async with connected(Gateway(slaves(), Framing.RTU)) as (reader, writer):
            writer.write(READ_2)
            return await read(reader, len(REPLY_2))

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(talk()) == REPLY_2
