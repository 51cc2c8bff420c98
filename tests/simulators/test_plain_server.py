"""The plain server: right words for many units, refusals, and frames however TCP cuts them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from pymodbus.client import AsyncModbusTcpClient

from simulators.plain_server import PlainServer, WordImage

PATIENCE_S = 10.0
READ = "0001 0000 0006 {} 03 0000 0002"
RIGHT = "0001 0000 0007 {} 03 04 0011 0012"


@contextlib.asynccontextmanager
async def serving(units: dict[int, WordImage]) -> AsyncIterator[PlainServer]:
    """A server that is open."""
    server = PlainServer(units)
    await server.start()
    yield server
    await server.stop()


async def exchange(port: int, sent: list[bytes], size: int) -> bytes:
    """What comes back on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in sent:
        writer.write(part)
        await asyncio.sleep(0.01)
    found = await asyncio.wait_for(reader.readexactly(size), PATIENCE_S)
    writer.close()
    return found


def image() -> WordImage:
    """Words with a hole, and a function 4."""
    return WordImage({(3, 0): 0x11, (3, 1): 0x12, (3, 5): 0x16, (4, 100): 0x99})


CASES = {
    "words": (READ.format("01"), RIGHT.format("01")),
    "the last unit": (READ.format("F7"), RIGHT.format("F7")),
    "a hole reads 0": ("0002 0000 0006 01 03 0000 0006", "0002 0000 000F 01 03 0C 0011 0012 0000 0000 0000 0016"),
    "another function": ("FFFF 0000 0006 01 04 0064 0001", "FFFF 0000 0005 01 04 02 0099"),
    "below": ("0001 0000 0006 01 04 0063 0001", "0001 0000 0003 01 84 02"),
    "beyond": ("0001 0000 0006 01 03 0005 0002", "0001 0000 0003 01 83 02"),
    "none": ("0001 0000 0006 01 03 0000 0000", "0001 0000 0003 01 83 03"),
    "too many": ("0001 0000 0006 01 03 0000 007E", "0001 0000 0003 01 83 03"),
    "no such function": ("0001 0000 0006 01 02 0000 0001", "0001 0000 0003 01 82 01"),
    "a write of many": ("0001 0000 0009 01 10 0000 0001 02 0005", "0001 0000 0003 01 90 01"),
    "an absent unit first": (READ.format("09") + READ.format("01"), RIGHT.format("01")),
    "two at once": (READ.format("01") * 2, RIGHT.format("01") * 2),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("cut", [None, 3, 9])
async def test_answers(name: str, cut: int | None) -> None:
    """Each request gets its answer, whole or in pieces."""
    sent, expected = (bytes.fromhex(text) for text in CASES[name])
    parts = [sent] if cut is None else [sent[:cut], sent[cut:]]
    shared = image()
    async with serving({1: shared, 247: shared}) as server:
        assert await exchange(server.port, parts, len(expected)) == expected


async def test_an_independent_client_reads_a_thousand_units() -> None:
    """Pymodbus reads units of several ports; each word tells where it is from."""
    banks = [{unit: WordImage({(3, 0): port * 256 + unit}) for unit in range(1, 248)} for port in range(5)]
    async with contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving(units)) for units in banks]
        for number, server in enumerate(servers):
            client = AsyncModbusTcpClient("127.0.0.1", port=server.port, timeout=PATIENCE_S, retries=0)
            assert await client.connect()
            for unit in (1, 100, 247):
                reply = await client.read_holding_registers(0, count=1, device_id=unit)
                assert reply.registers == [number * 256 + unit]
            client.close()
        assert [server.requests for server in servers] == [3] * 5


async def test_a_word_can_change() -> None:
    """What is set is served from then on."""
    words = image()
    async with serving({1: words}) as server:
        words.set(3, 1, 0xABCD)
        request = bytes.fromhex("0001 0000 0006 01 03 0001 0001")
        assert (await exchange(server.port, [request], 11))[-2:] == b"\xab\xcd"


async def test_no_modbus_closes() -> None:
    """Another protocol is closed, not guessed at."""
    async with serving({1: image()}) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), PATIENCE_S) == b""
        writer.close()


def test_words_only() -> None:
    """Bits are not its business."""
    with pytest.raises(ValueError, match=r"function 2: a plain server reads words; expected 3 or 4"):
        WordImage({(2, 0): 1})
