"""Meters on real ports and pseudo-terminals, asked by clients that know nothing of the simulators."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
import uvloop
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.client.base import ModbusBaseClient

from simulators.meter import ServedMeter
from simulators.modbus_server import MeterServer, serve
from simulators.place import Place, SerialPlace, TcpPlace
from simulators.pty_line import joined
from simulators.trace import Trace
from tests.simulators.fakes import Fixed, MakeMeter, ManualClock
from wire.clock import SystemClock
from wire.errors import SurroundingsError
from wire.profile import Profile, SerialLine
from wire.profile_files import find
from wire.quantities import Quantity
from wire.reading import Unreadable
from wire.registers import decode

SILENCE_S = 0.3
READ_U1 = bytes.fromhex("04 0000 0002")


@contextlib.asynccontextmanager
async def serving(meters: Sequence[ServedMeter], clock: SystemClock | None = None) -> AsyncIterator[list[Place]]:
    """Meters on their places while the context is open."""
    server = MeterServer(meters, clock or SystemClock())
    await server.start()
    try:
        yield server.places
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def tcp_client(place: Place) -> AsyncIterator[AsyncModbusTcpClient]:
    """A client that knows nothing of the simulators."""
    assert isinstance(place, TcpPlace)
    client = AsyncModbusTcpClient(place.host, port=place.port, timeout=SILENCE_S, retries=0)
    assert await client.connect()
    try:
        yield client
    finally:
        client.close()


async def ask(place: Place, *requests: bytes, wait_s: float = 5.0, replies: int = 1) -> list[bytes]:
    """Replies' PDUs (from the unit on) to requests sent in one go; fewer when silence follows."""
    assert isinstance(place, TcpPlace)
    reader, writer = await asyncio.open_connection(place.host, place.port)
    found: list[bytes] = []
    try:
        frames = [struct.pack(">HHH", n, 0, len(request)) + request for n, request in enumerate(requests)]
        writer.write(b"".join(frames))
        with contextlib.suppress(TimeoutError):
            while len(found) < replies:
                head = await asyncio.wait_for(reader.readexactly(6), wait_s)
                assert struct.unpack(">HH", head[:4]) == (len(found), 0)
                found.append(await reader.readexactly(int.from_bytes(head[4:], "big")))
    finally:
        writer.close()
        await writer.wait_closed()
    return found


async def read_profile(client: ModbusBaseClient, profile: Profile, unit: int) -> dict[Quantity, float | Unreadable]:
    """Every register of a profile, asked one by one, decoded."""
    readers = {
        2: client.read_discrete_inputs,
        3: client.read_holding_registers,
        4: client.read_input_registers,
    }
    image: dict[tuple[int, int], int | Unreadable] = {}
    for register in profile.registers:
        count = len(register.span)
        reply = await readers[register.function](register.address, count=count, device_id=unit)
        assert not reply.isError()
        words = reply.bits if register.function == 2 else reply.registers
        for address, word in zip(register.span, words[:count], strict=True):
            image[register.function, address] = int(word)
    return decode(image, profile)


@pytest.mark.parametrize("name", ["eastron_sdm630", "chint_dtsu666", "acrel_adl400", "waveshare_di8"])
async def test_over_tcp(name: str, everything: Callable[[Profile], Fixed], make_meter: MakeMeter) -> None:
    """A pymodbus client over TCP reads what was measured, to each register's resolution."""
    profile = find(name).profile
    source = everything(profile)
    async with serving([make_meter(name, source, 7)]) as places, tcp_client(places[0]) as client:
        found = await read_profile(client, profile, 7)
    for quantity, value in source.values(0).items():
        register = profile.register_of(quantity)
        assert register is not None
        assert found[quantity] == pytest.approx(value, rel=1e-6, abs=abs(register.scale) / 2)


@pytest.mark.parametrize(("parity", "stopbits"), [("N", 1), ("E", 1), ("N", 2)])
async def test_over_a_serial_line(
    parity: str, stopbits: int, everything: Callable[[Profile], Fixed], make_meter: MakeMeter
) -> None:
    """Modbus RTU over a pseudo-terminal: two meters of different units on one line, whatever its setting."""
    chint, waveshare = (find(name).profile for name in ("chint_dtsu666", "waveshare_di8"))
    source = everything(chint)
    async with joined() as line:
        place = SerialPlace(line.near, SerialLine(parity=parity, stopbits=stopbits))
        meters = [
            make_meter("chint_dtsu666", source, 1, place=place),
            make_meter("waveshare_di8", Fixed({Quantity.CONTACT_OPEN: 1.0}), 2, place=place),
        ]
        async with serving(meters):
            client = AsyncModbusSerialClient(line.far, baudrate=9600, timeout=2, retries=0)
            assert await client.connect()
            found = await read_profile(client, chint, 1)
            contact = await read_profile(client, waveshare, 2)
            client.close()
    assert found[Quantity.ACTIVE_POWER_W] == pytest.approx(source.values(0)[Quantity.ACTIVE_POWER_W], rel=1e-6)
    assert contact == {Quantity.CONTACT_OPEN: 1.0}


EXCEPTIONS = {
    "function not in the profile": ("01 0000 0002", "81 01"),
    "write one register": ("06 0000 0001", "86 01"),
    "write many registers": ("10 0000 0001 02 0001", "90 01"),
    "write a coil": ("05 0000 FF00", "85 01"),
    "diagnostics": ("08 0000 1234", "88 01"),
    "identification": ("2B 0E 01 00", "AB 01"),
    "a function that Modbus does not know": ("41 00", "C1 01"),
    "address not in the profile": ("04 4000 0002", "84 02"),
    "too many registers": ("04 0000 003E", "84 03"),
    "no registers": ("04 0000 0000", "84 03"),
    "far too many registers": ("04 0000 FFFF", "84 03"),
    "request cut short": ("04 0000", "84 03"),
}


@pytest.mark.parametrize("name", EXCEPTIONS)
async def test_exceptions(name: str, make_meter: MakeMeter) -> None:
    """On the wire a refusal is the function with its high bit and the code of Modbus §7, under the asked unit."""
    request, reply = EXCEPTIONS[name]
    async with serving([make_meter("eastron_sdm630", Fixed({Quantity.VOLTAGE_L1_V: 230.0}), 3)]) as places:
        assert await ask(places[0], b"\x03" + bytes.fromhex(request)) == [b"\x03" + bytes.fromhex(reply)]


async def test_foreign_unit_is_silent(make_meter: MakeMeter, capfd: pytest.CaptureFixture[str]) -> None:
    """A unit that is not there does not answer, neither to a sound nor to a foreign request, and nothing is logged."""
    async with serving([make_meter("eastron_sdm630", Fixed({Quantity.VOLTAGE_L1_V: 230.0}))]) as places:
        for unit in (0, 2, 0xFF):
            for request in (READ_U1, bytes.fromhex("41 00")):
                assert await ask(places[0], bytes([unit]) + request, wait_s=SILENCE_S) == []
        assert len(await ask(places[0], b"\x01" + READ_U1)) == 1
    assert capfd.readouterr() == ("", "")


async def test_dead_meter_is_silent(make_meter: MakeMeter) -> None:
    """A meter whose source has nothing does not answer until it has."""
    source = Fixed({})
    async with serving([make_meter("eastron_sdm630", source)]) as places:
        assert await ask(places[0], b"\x01" + READ_U1, wait_s=SILENCE_S) == []
        source.now = {Quantity.VOLTAGE_L1_V: 230.0}
        assert await ask(places[0], b"\x01" + READ_U1) == [bytes.fromhex("01 04 04 43660000")]


async def test_requests_behind_one_another(make_meter: MakeMeter) -> None:
    """Requests that arrive together are each answered, in order."""
    async with serving([make_meter("eastron_sdm630", Fixed({Quantity.VOLTAGE_L1_V: 230.0}))]) as places:
        replies = await ask(places[0], *[b"\x01" + READ_U1] * 50, replies=50)
    assert replies == [bytes.fromhex("01 04 04 43660000")] * 50


async def test_request_in_pieces(make_meter: MakeMeter) -> None:
    """A request that arrives byte by byte is answered once, when it is whole."""
    async with serving([make_meter("eastron_sdm630", Fixed({Quantity.VOLTAGE_L1_V: 230.0}))]) as places:
        assert isinstance(places[0], TcpPlace)
        reader, writer = await asyncio.open_connection(places[0].host, places[0].port)
        for byte in bytes.fromhex("0001 0000 0006 01") + READ_U1:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.002)
        assert await asyncio.wait_for(reader.readexactly(13), 5) == bytes.fromhex("0001 0000 0007 01 04 04 43660000")
        writer.close()
        await writer.wait_closed()


async def test_line_recovers_from_noise(make_meter: MakeMeter) -> None:
    """Half a frame on a serial line is forgotten when the line falls silent; the next request is answered."""
    async with joined() as line:
        meter = make_meter(
            "eastron_sdm630", Fixed({Quantity.VOLTAGE_L1_V: 230.0}), place=SerialPlace(line.near, SerialLine())
        )
        async with serving([meter]):
            client = AsyncModbusSerialClient(line.far, baudrate=9600, timeout=2, retries=0)
            assert await client.connect()
            client.ctx.send(bytes.fromhex("01 04 00 00"))
            await asyncio.sleep(0.1)
            reply = await client.read_input_registers(0, count=2, device_id=1)
            client.close()
    assert reply.registers == [0x4366, 0]


async def test_time_runs_from_the_opening(clock: ManualClock, make_meter: MakeMeter) -> None:
    """The source's time 0 is the moment when the port opened, and it runs with the clock."""
    trace = Trace([0, 10], {Quantity.VOLTAGE_L1_V: [230.0, 115.0]})
    meter = make_meter("eastron_sdm630", trace)
    clock.now_ms += 5_000_000  # between making and opening
    async with serving([meter], clock) as places, tcp_client(places[0]) as client:
        words = []
        for step_ms in (0, 9_999, 1):
            clock.now_ms += step_ms
            words.append((await client.read_input_registers(0, count=2, device_id=1)).registers[0])
    assert words == [0x4366, 0x4366, 0x42E6]


async def test_one_reply_is_of_one_moment(clock: ManualClock, make_meter: MakeMeter) -> None:
    """All registers of a reply come from one row, however often the source changes."""
    rows = [float(n) for n in range(1000)]
    trace = Trace(rows, dict.fromkeys(find("acrel_adl400").profile.quantities[:3], rows))
    async with serving([make_meter("acrel_adl400", trace)], clock) as places, tcp_client(places[0]) as client:
        for _ in range(50):
            clock.now_ms += 7_321
            reply = await client.read_holding_registers(0x0800, count=6, device_id=1)
            values = struct.unpack(">3f", struct.pack(">6H", *reply.registers))
            assert len(set(values)) == 1


async def test_two_hundred_meters(make_meter: MakeMeter) -> None:
    """Two hundred ports in one process, each with a meter of its own, each read once."""
    meters = [make_meter("eastron_sdm630", Fixed({Quantity.VOLTAGE_L1_V: 200.0 + n})) for n in range(200)]
    async with serving(meters) as places:
        replies = await asyncio.gather(*(ask(place, b"\x01" + READ_U1) for place in places))
    assert len(set(places)) == 200
    assert [struct.unpack(">f", reply[0][3:])[0] for reply in replies] == [200.0 + n for n in range(200)]


async def test_many_units_behind_one_port(make_meter: MakeMeter) -> None:
    """Meters that share an address share the port and differ by unit."""
    async with serving([make_meter("eastron_sdm630", Fixed({Quantity.VOLTAGE_L1_V: 1.0}))]) as places:
        free = places[0]
    meters = [
        make_meter("eastron_sdm630", Fixed({Quantity.VOLTAGE_L1_V: float(unit)}), unit, place=free)
        for unit in range(1, 248)
    ]
    async with serving(meters) as places:
        replies = await ask(free, *[bytes([unit]) + READ_U1 for unit in range(1, 248)], replies=247)
    assert set(places) == {free}
    assert [struct.unpack(">f", reply[3:])[0] for reply in replies] == [float(unit) for unit in range(1, 248)]


async def test_same_unit_twice_is_our_mistake(make_meter: MakeMeter) -> None:
    """Two meters of one unit on one port would both answer: the caller is told."""
    meters = [make_meter("eastron_sdm630", Fixed({}), 4, place=TcpPlace("127.0.0.1", 50)) for _ in range(2)]
    with pytest.raises(ValueError, match=r"127\.0\.0\.1:50: unit 4 is given to two meters; expected distinct units"):
        await MeterServer(meters, SystemClock()).start()


async def test_port_in_use(make_meter: MakeMeter) -> None:
    """A taken port is one line that says so; ports that were opened before it are closed again."""
    async with serving([make_meter("eastron_sdm630", Fixed({}))]) as places:
        taken = make_meter("eastron_sdm630", Fixed({}), place=places[0])
        second = MeterServer([make_meter("eastron_sdm630", Fixed({})), taken], SystemClock())
        with pytest.raises(SurroundingsError, match=r"127\.0\.0\.1:\d+: cannot be opened: another program uses the"):
            await second.start()
        assert second.places == []


OPENINGS: dict[str, tuple[Place, str]] = {
    "no such device": (SerialPlace("/dev/ttyNONE9", SerialLine()), r"no such device; check the cable and the name"),
    "not a serial device": (SerialPlace("/dev/null", SerialLine()), r"/dev/null: cannot be opened: "),
    "no such address": (TcpPlace("203.0.113.1", 0), r"this machine has no such address; use 127\.0\.0\.1"),
    "no such host": (TcpPlace("nowhere.invalid", 0), r"nowhere\.invalid:0: cannot be opened: .*; check the address"),
}


@pytest.mark.parametrize("name", OPENINGS)
async def test_places_that_cannot_be_opened(name: str, make_meter: MakeMeter) -> None:
    """Whatever keeps a place from opening is told in one line with what to do."""
    place, message = OPENINGS[name]
    with pytest.raises(SurroundingsError, match=message):
        await MeterServer([make_meter("eastron_sdm630", Fixed({}), place=place)], SystemClock()).start()


async def test_device_that_another_program_holds(make_meter: MakeMeter) -> None:
    """A serial device is opened exclusively: the second server is told that it is held."""
    async with joined() as line:
        place = SerialPlace(line.near, SerialLine())
        async with serving([make_meter("eastron_sdm630", Fixed({}), place=place)]):
            with pytest.raises(SurroundingsError, match="another program holds the device; stop it"):
                await MeterServer([make_meter("eastron_sdm630", Fixed({}), place=place)], SystemClock()).start()


async def test_serve_until_cancelled(make_meter: MakeMeter) -> None:
    """`serve` says where it listens, serves until it is cancelled, and frees the port, so that it can be built twice."""
    meter = make_meter("eastron_sdm630", Fixed({Quantity.VOLTAGE_L1_V: 230.0}))
    for _ in range(2):
        ready: asyncio.Future[Sequence[Place]] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(serve([meter], SystemClock(), ready.set_result))
        place = (await asyncio.wait_for(ready, 5))[0]
        assert len(await ask(place, b"\x01" + READ_U1)) == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError, match=r"^$"):
            await task
        with pytest.raises(ConnectionRefusedError, match="Connect call failed"):
            await ask(place, b"\x01" + READ_U1)


def test_on_uvloop(make_meter: MakeMeter) -> None:
    """A program that runs on uvloop can serve meters too, on ports and on lines."""

    async def talk() -> list[bytes]:
        source = Fixed({Quantity.VOLTAGE_L1_V: 230.0})
        async with joined() as line:
            place = SerialPlace(line.near, SerialLine())
            meters = [make_meter("eastron_sdm630", source), make_meter("eastron_sdm630", source, place=place)]
            async with serving(meters) as places:
                return await ask(places[0], b"\x01" + READ_U1)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(talk()) == [bytes.fromhex("01 04 04 43660000")]


async def test_links_name_the_line(tmp_path: Path) -> None:
    """A line's ends can have names that stay; they and the devices are gone afterwards, and bytes go both ways."""
    near, far = tmp_path / "near", tmp_path / "far"
    async with joined(near, far) as line:
        assert (str(near.resolve()), str(far.resolve())) == line
        with near.open("r+b", buffering=0) as one, far.open("r+b", buffering=0) as other:
            for sender, receiver in ((one, other), (other, one)):
                sender.write(b"\x00\x03\r\n\x11\x13\xff")
                await asyncio.sleep(0.05)
                assert receiver.read(100) == b"\x00\x03\r\n\x11\x13\xff"
    assert not near.is_symlink()
    assert not far.is_symlink()
