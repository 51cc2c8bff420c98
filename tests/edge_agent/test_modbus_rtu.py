"""Modbus RTU on a pseudo-terminal, where nothing but time and shape tells whose reply it is."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from edge_agent.connection import RETRY_FIRST_S
from edge_agent.line import SerialLine
from edge_agent.modbus import LineReader, ReadImage
from edge_agent.plan import Block
from tests.edge_agent import frames
from tests.edge_agent.conftest import idle_memory
from tests.edge_agent.slave import Memory, Piece, Request, RtuSlave, rtu_adu
from wire.reading import Reason, Unreadable

BLOCK, OTHER, SETTLE = Block(4, 0, 6), Block(4, 52, 4), Block(4, 0, 2)
TIMEOUT_S = 0.15


@pytest.fixture
async def line(rtu_slave: RtuSlave) -> AsyncIterator[LineReader]:
    """The product's end of the slave's line."""
    reader = LineReader(SerialLine(rtu_slave.device, rtu_slave.baud, "N", 1))
    yield reader
    reader.close()
    await asyncio.sleep(0)


async def read(line: LineReader, *blocks: Block, unit: int = 1, settle: Block = SETTLE) -> ReadImage:
    """One poll."""
    return await line.poll(unit, blocks or (BLOCK,), settle, TIMEOUT_S)


def reasons(image: ReadImage) -> set[Reason | None]:
    """The reasons in an image; None where a word was read."""
    return {word.reason if isinstance(word, Unreadable) else None for word in image.values()}


def addressed(memory: Memory) -> None:
    """Give each word its own address as content, so that a word of another register is recognised."""
    memory.words.update({(4, a): a for a in range(200)})


def foreign(image: ReadImage) -> list[tuple[int, int]]:
    """Words that are not their own address."""
    return [(key[1], word) for key, word in image.items() if isinstance(word, int) and word != key[1]]


async def test_words_come_as_sent(line: LineReader, rtu_slave: RtuSlave) -> None:
    """A good poll gives every word of each request."""
    assert await read(line, BLOCK, OTHER) == {
        (b.function, b.address + i): rtu_slave.memory.words[b.function, b.address + i]
        for b in (BLOCK, OTHER)
        for i in range(b.count)
    }


BENT: dict[str, tuple[bytes, Reason]] = {
    "silence": (b"", Reason.TIMEOUT),
    "bad check sum": (rtu_adu(1, b"\x04\x0c" + bytes(12))[:-1] + b"\x55", Reason.CHECK_SUM),
    "cut": (rtu_adu(1, b"\x04\x0c" + bytes(12))[:-4], Reason.SHORT_FRAME),
    "short": (rtu_adu(1, b"\x04\x04" + bytes(4)), Reason.WRONG_LENGTH),
    "other function": (rtu_adu(1, b"\x03\x0c" + bytes(12)), Reason.WRONG_FUNCTION),
    "unknown function": (rtu_adu(1, b"\x55\x0c" + bytes(12)), Reason.WRONG_FUNCTION),
    "other unit": (rtu_adu(3, b"\x04\x0c" + bytes(12)), Reason.WRONG_UNIT),
    "noise": (bytes(range(40)), Reason.BAD_REPLY),
    "exception 2": (rtu_adu(1, b"\x84\x02"), Reason.ILLEGAL_ADDRESS),
    "exception 6": (rtu_adu(1, b"\x84\x06"), Reason.BUSY),
}


@pytest.mark.parametrize("case", BENT)
async def test_a_bent_reply_never_becomes_a_value(case: str, line: LineReader, rtu_slave: RtuSlave) -> None:
    """Each bent reply gives its reason for every word, and the next poll is right again without a restart."""
    data, expected = BENT[case]
    rtu_slave.script = lambda _: [(0, data)]
    assert reasons(await read(line)) == {expected}
    rtu_slave.script = rtu_slave.right
    assert reasons(await read(line)) == {None}


@pytest.mark.parametrize("late_s", [0.2, 0.35, 0.6, 1.1])
async def test_a_late_reply_of_equal_length_is_nobodys(late_s: float, line: LineReader, rtu_slave: RtuSlave) -> None:
    """Reports r09 and r15: registers of one length, some replies late by any time: no word of another register, ever.

    The slave is serial: it answers in order, so a late reply delays those behind it.
    """
    addressed(rtu_slave.memory)
    busy = asyncio.Lock()
    number = 0

    async def answer(request: Request, delay: float) -> None:
        async with busy:
            await asyncio.sleep(delay)
            os.write(rtu_slave._near, rtu_adu(request.unit, rtu_slave.memory.pdu(request)))

    tasks = []

    def script(request: Request) -> list[Piece]:
        nonlocal number
        number += 1
        tasks.append(asyncio.create_task(answer(request, late_s if number % 3 == 0 else 0.0)))
        return []

    rtu_slave.script = script
    read_words = lost = 0
    for _ in range(5):
        image = await read(line, *(Block(4, a, 2) for a in (0x26, 0x28, 0x2A, 0x2C)), settle=Block(4, 0x26, 4))
        assert foreign(image) == []
        read_words += sum(isinstance(word, int) for word in image.values())
        lost += sum(isinstance(word, Unreadable) for word in image.values())
    await asyncio.gather(*tasks)
    assert read_words > 0
    assert lost > 0


async def test_report_r15(line: LineReader, rtu_slave: RtuSlave) -> None:
    """Report r15: A's reply comes in B's slot: A is missing, B and C have their own values."""
    replies = [f.data for f in frames.read("r15-late-reply-same-shape") if not f.sent]
    late, b, c = (replies[0], replies[1], replies[2])
    own = {0x27: b, 0x28: c}
    state = {"late": True}

    def script(request: Request) -> list[Piece]:
        if request.address == 0x26 and request.count == 2 and state["late"]:
            state["late"] = False
            return [(TIMEOUT_S + 0.03, late)]
        return [(0.01, own.get(request.address, rtu_adu(1, rtu_slave.memory.pdu(request))))]

    rtu_slave.script = script
    settle = Block(4, 0, 4)
    values = []
    for address in (0x26, 0x27, 0x28):
        image = await read(line, Block(4, address, 2), settle=settle)
        words = [image[4, address], image[4, address + 1]]
        values.append(words[1] if isinstance(words[1], int) else words[1].reason)
    assert values == [Reason.TIMEOUT, 10694, 23653]


async def test_the_last_shape_that_nothing_else_has(line: LineReader, rtu_slave: RtuSlave) -> None:
    """A unit with one request only: after a lost reply the next one is thrown away, so a value is never a poll old."""
    addressed(rtu_slave.memory)
    rtu_slave.memory.words[4, 0] = 1
    rtu_slave.script = lambda r: [(TIMEOUT_S * 1.5, rtu_adu(1, rtu_slave.memory.pdu(r)))]
    one = Block(4, 0, 1)
    await read(line, one, settle=one)
    rtu_slave.memory.words[4, 0] = 2
    rtu_slave.script = rtu_slave.right
    assert (await read(line, one, settle=one))[4, 0] == 2
    assert len(rtu_slave.requests) == 3


async def test_silence_between_frames(rtu_slave: RtuSlave) -> None:
    """At 9600 baud no request begins within 3.5 characters after the line's last byte."""
    rtu_slave.baud = 9600
    line = LineReader(SerialLine(rtu_slave.device, 9600, "N", 1))
    for _ in range(5):
        image = await line.poll(1, (BLOCK, OTHER, SETTLE), SETTLE, 0.5)
        assert reasons(image) == {None}
    line.close()
    assert (rtu_slave.sent_early, len(rtu_slave.requests)) == (0, 15)


async def test_the_line_runs_dry_after_a_lost_reply(line: LineReader, rtu_slave: RtuSlave) -> None:
    """While a late reply is still on the line nothing is sent to any unit: it would collide."""
    slow = [(TIMEOUT_S * 0.9, rtu_adu(1, b"\x04\x0c" + bytes(12))[:8])]
    rest = [(0.03, b"\x00"), (0.03, b"\x00"), (0.03, b"\x00")]
    ends: list[float] = []
    rtu_slave.script = lambda r: slow + rest if r.unit == 1 else rtu_slave.right(r)
    await read(line, unit=1)
    ends.append(rtu_slave._last)
    began = asyncio.get_running_loop().time()
    await read(line, unit=2)
    assert began - ends[0] >= 0.04


async def test_only_reads_leave(line: LineReader, rtu_slave: RtuSlave) -> None:
    """Every byte on the line, through good and bad replies, is a request of functions 1 to 4 with its check sum."""
    blocks = (Block(1, 0, 8), Block(2, 0, 8), Block(3, 0, 2), BLOCK, OTHER)
    for data, _ in BENT.values():
        rtu_slave.script = lambda _r, data=data: [(0, data)]  # type: ignore[misc]  # bound now
        await line.poll(1, blocks, SETTLE, 0.03)
    rtu_slave.script = rtu_slave.right
    await line.poll(1, blocks, SETTLE, 0.1)
    captured = rtu_slave.heard
    assert all(frame == rtu_adu(frame[0], frame[1:6]) for frame in captured)
    assert {frame[1] for frame in captured} == {1, 2, 3, 4}


async def test_an_adapter_that_is_pulled_and_comes_back(tmp_path: Path) -> None:
    """Report p03: the device goes while it is open; when another one is there under its name, reading goes on."""
    name, memory = tmp_path / "ttyUSB0", idle_memory()
    first, second = RtuSlave(memory), RtuSlave(memory)
    first.start()
    name.symlink_to(first.device)
    line = LineReader(SerialLine(str(name), 115_200, "N", 1))
    assert reasons(await read(line)) == {None}
    first.stop()
    name.unlink()
    await asyncio.sleep(0.05)
    assert reasons(await read(line)) == {Reason.DISCONNECTED}
    second.start()
    name.symlink_to(second.device)
    await asyncio.sleep(RETRY_FIRST_S)
    assert reasons(await read(line)) == {None}
    line.close()
    second.stop()


async def test_missing_device() -> None:
    """A device that is not there is DISCONNECTED, not an exception."""
    line = LineReader(SerialLine("/dev/ttyNOT", 9600, "N", 1))
    assert reasons(await read(line)) == {Reason.DISCONNECTED}
    line.close()
