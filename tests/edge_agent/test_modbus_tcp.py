"""Modbus TCP against a slave that misbehaves byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from edge_agent.line import TcpLine
from edge_agent.modbus import LineReader, ReadImage
from edge_agent.plan import Block
from tests.edge_agent.slave import Piece, Request, TcpSlave, tcp_adu
from wire.reading import Reason, Unreadable

BLOCK, OTHER, SETTLE = Block(4, 0, 6), Block(4, 52, 4), Block(4, 0, 2)
TIMEOUT_S = 0.1


@pytest.fixture
async def line(tcp_slave: TcpSlave) -> AsyncIterator[LineReader]:
    """The product's end of the slave's connection."""
    reader = LineReader(TcpLine("127.0.0.1", tcp_slave.port))
    yield reader
    reader.close()
    await asyncio.sleep(0)


async def read(line: LineReader, *blocks: Block, unit: int = 1) -> ReadImage:
    """One poll."""
    return await line.poll(unit, blocks or (BLOCK,), SETTLE, TIMEOUT_S)


def reasons(image: ReadImage) -> set[Reason | None]:
    """The reasons in an image; None where a word was read."""
    return {word.reason if isinstance(word, Unreadable) else None for word in image.values()}


async def test_words_come_as_sent(line: LineReader, tcp_slave: TcpSlave) -> None:
    """A good poll gives every word of each request."""
    image = await read(line, BLOCK, OTHER)
    assert image == {key: tcp_slave.memory.words[key] for key in image}
    assert len(image) == BLOCK.count + OTHER.count


Bend = Callable[[Request, bytes], list[Piece]]

BENT: dict[str, tuple[Bend, Reason]] = {
    "silence": (lambda _r, _p: [], Reason.TIMEOUT),
    "too late": (lambda r, p: [(TIMEOUT_S * 3, tcp_adu(r, p))], Reason.TIMEOUT),
    "old number": (lambda r, p: [(0, tcp_adu(r, p, transaction=r.transaction - 1))], Reason.TIMEOUT),
    "number 0": (lambda r, p: [(0, tcp_adu(r, p, transaction=0))], Reason.TIMEOUT),
    "other unit": (lambda r, p: [(0, tcp_adu(r, p, unit=9))], Reason.WRONG_UNIT),
    "other function": (lambda r, p: [(0, tcp_adu(r, b"\x03" + p[1:]))], Reason.WRONG_FUNCTION),
    "unknown function": (lambda r, p: [(0, tcp_adu(r, b"\x55" + p[1:]))], Reason.WRONG_FUNCTION),
    "short": (lambda r, _p: [(0, tcp_adu(r, b"\x04\x04\x00\x00\x00\x00"))], Reason.WRONG_LENGTH),
    "odd": (lambda r, p: [(0, tcp_adu(r, b"\x04\x0b" + p[2:-1]))], Reason.WRONG_LENGTH),
    "long": (lambda r, p: [(0, tcp_adu(r, b"\x04\x0e" + p[2:] + b"\x00\x00"))], Reason.WRONG_LENGTH),
    "cut": (lambda r, p: [(0, tcp_adu(r, p)[:-3])], Reason.SHORT_FRAME),
    "noise": (lambda _r, _p: [(0, b"HTTP/1.1 400 Bad Request\r\n\r\n")], Reason.BAD_REPLY),
    "empty frame": (lambda r, _p: [(0, tcp_adu(r, b""))], Reason.BAD_REPLY),
    "exception 1": (lambda r, _p: [(0, tcp_adu(r, b"\x84\x01"))], Reason.ILLEGAL_FUNCTION),
    "exception 2": (lambda r, _p: [(0, tcp_adu(r, b"\x84\x02"))], Reason.ILLEGAL_ADDRESS),
    "exception 3": (lambda r, _p: [(0, tcp_adu(r, b"\x84\x03"))], Reason.ILLEGAL_VALUE),
    "exception 4": (lambda r, _p: [(0, tcp_adu(r, b"\x84\x04"))], Reason.DEVICE_FAILURE),
    "exception 5": (lambda r, _p: [(0, tcp_adu(r, b"\x84\x05"))], Reason.ACKNOWLEDGE),
    "exception 6": (lambda r, _p: [(0, tcp_adu(r, b"\x84\x06"))], Reason.BUSY),
    "exception 7": (lambda r, _p: [(0, tcp_adu(r, b"\x84\x07"))], Reason.NEGATIVE_ACKNOWLEDGE),
    "exception 8": (lambda r, _p: [(0, tcp_adu(r, b"\x84\x08"))], Reason.MEMORY_PARITY),
    "exception 9": (lambda r, _p: [(0, tcp_adu(r, b"\x84\x09"))], Reason.UNKNOWN_EXCEPTION),
    "exception 10": (lambda r, _p: [(0, tcp_adu(r, b"\x84\x0a"))], Reason.GATEWAY_PATH),
    "exception 11": (lambda r, _p: [(0, tcp_adu(r, b"\x84\x0b"))], Reason.GATEWAY_TARGET),
    "exception 99": (lambda r, _p: [(0, tcp_adu(r, b"\x84\x63"))], Reason.UNKNOWN_EXCEPTION),
}


@pytest.mark.parametrize("case", BENT)
async def test_a_bent_reply_never_becomes_a_value(case: str, line: LineReader, tcp_slave: TcpSlave) -> None:
    """Each bent reply gives its reason for every word, and the next polls are right again without a restart."""
    bend, expected = BENT[case]
    tcp_slave.script = lambda request: bend(request, tcp_slave.memory.pdu(request))
    assert reasons(await read(line)) == {expected}
    tcp_slave.script = tcp_slave.right
    await asyncio.sleep(TIMEOUT_S * 3)
    assert reasons(await read(line)) == {None}
    assert await read(line) == {key: tcp_slave.memory.words[key] for key in ((4, i) for i in range(6))}


async def test_a_reply_in_pieces_is_whole(line: LineReader, tcp_slave: TcpSlave) -> None:
    """A reply that arrives byte by byte is one reply."""
    tcp_slave.script = lambda r: [(0.001, bytes([b])) for b in tcp_adu(r, tcp_slave.memory.pdu(r))]
    assert reasons(await read(line)) == {None}


async def test_the_rest_of_a_poll_is_not_asked_of_a_silent_unit(line: LineReader, tcp_slave: TcpSlave) -> None:
    """A silent unit costs one wait a poll, not one for each request."""
    tcp_slave.script = lambda _: []
    assert reasons(await read(line, BLOCK, OTHER)) == {Reason.TIMEOUT}
    assert len(tcp_slave.requests) == 1


async def test_one_bad_block_leaves_the_others_their_values(line: LineReader, tcp_slave: TcpSlave) -> None:
    """A garbled reply loses its own block only; its late reply could not be taken for the next one's."""
    tcp_slave.script = lambda r: (
        [(0, tcp_adu(r, b"\x04\x00"))] if (r.address, r.count) == (0, 6) else tcp_slave.right(r)
    )
    image = await read(line, BLOCK, OTHER)
    assert reasons({k: w for k, w in image.items() if k[1] < 6}) == {Reason.WRONG_LENGTH}
    assert reasons({k: w for k, w in image.items() if k[1] >= 52}) == {None}
    assert [(r.address, r.count) for r in tcp_slave.requests] == [(0, 6), (52, 4)]


async def test_a_unit_that_knows_only_garbage_takes_no_more_time(line: LineReader, tcp_slave: TcpSlave) -> None:
    """Two garbled replies end its poll, one the next; the first good one is followed by all the others again."""
    blocks = (BLOCK, OTHER, Block(4, 70, 2))
    tcp_slave.script = lambda r: [(0, tcp_adu(r, b"\x04\x00"))]
    asked = []
    for number in range(4):
        if number == 2:
            tcp_slave.script = tcp_slave.right
        tcp_slave.requests.clear()
        image = await read(line, *blocks)
        asked.append([(r.address, r.count) for r in tcp_slave.requests])
        assert reasons(image) == ({Reason.WRONG_LENGTH} if number < 2 else {None})
    assert asked[0] == [(0, 6), (52, 4)]
    assert asked[1][0] == (0, 2), "an earlier reply may still come, so that another request is answered first"
    assert len(asked[1]) == 1
    assert asked[3] == [(0, 6), (52, 4), (70, 2)]


async def test_after_a_bad_block_its_shape_is_not_trusted(line: LineReader, tcp_slave: TcpSlave) -> None:
    """Before a request of the shape that is missing, the unit must answer another one, which is thrown away."""
    tcp_slave.script = lambda r: (
        [(0, tcp_adu(r, b"\x04\x00"))] if r.address == 0 and r.count == 6 else tcp_slave.right(r)
    )
    image = await read(line, BLOCK, Block(4, 20, 6))
    assert reasons({k: w for k, w in image.items() if k[1] >= 20}) == {None}
    assert [(r.address, r.count) for r in tcp_slave.requests] == [(0, 6), (0, 2), (20, 6)]


async def test_a_gateway_that_passes_a_late_reply_under_the_new_number(line: LineReader, tcp_slave: TcpSlave) -> None:
    """An RTU gateway may put a late reply under the next request's number: no value of it is ever taken.

    The script is a queue: each reply carries the words of the request before, as after one lost slot.
    """
    waiting: list[bytes] = []

    def one_behind(request: Request) -> list[Piece]:
        waiting.append(tcp_slave.memory.pdu(request))
        return [(0, tcp_adu(request, waiting.pop(0)))] if len(waiting) > 1 else []

    tcp_slave.script = one_behind
    for _ in range(4):
        image = await read(line, Block(4, 0, 4), Block(4, 52, 4))
        assert None not in reasons(image)


async def test_a_silent_unit_does_not_close_the_connection_for_others(line: LineReader, tcp_slave: TcpSlave) -> None:
    """Report p01: unit 2 is silent for many polls; 1, 3 and 4 are read each time over the same connection."""
    tcp_slave.script = lambda r: [] if r.unit == 2 else tcp_slave.right(r)
    for _ in range(8):
        got = {unit: reasons(await read(line, unit=unit)) for unit in (1, 2, 3, 4)}
        assert got == {1: {None}, 2: {Reason.TIMEOUT}, 3: {None}, 4: {None}}
    assert tcp_slave.connections == 1


async def test_a_connection_on_which_nobody_answers_is_opened_again(line: LineReader, tcp_slave: TcpSlave) -> None:
    """After several requests without any answer the connection is renewed: its other end may be long gone."""
    tcp_slave.script = lambda _: []
    for _ in range(7):
        await read(line)
    assert tcp_slave.connections == 2


async def test_a_dead_meter_does_not_throw_its_dtu_out_for_ever(line: LineReader, tcp_slave: TcpSlave) -> None:
    """Each further renewal comes after twice as many silent polls; one answer makes it quick again."""
    tcp_slave.script = lambda _: []
    for _ in range(5 + 10 + 20 - 1):
        await line.poll(1, (BLOCK,), SETTLE, 0.01)
    assert tcp_slave.connections == 3
    tcp_slave.script = tcp_slave.right
    while reasons(await read(line)) != {None}:
        pass
    tcp_slave.script = lambda _: []
    before = tcp_slave.connections
    for _ in range(6):
        await line.poll(1, (BLOCK,), SETTLE, 0.01)
    assert tcp_slave.connections == before + 1


async def test_slave_that_goes_and_comes_back(line: LineReader, tcp_slave: TcpSlave) -> None:
    """A closed port is DISCONNECTED at once, and is read again soon after it is back."""
    await read(line)
    port = tcp_slave.port
    await tcp_slave.stop()
    assert reasons(await read(line)) == {Reason.DISCONNECTED}
    await tcp_slave.start(port)
    for _ in range(100):
        await asyncio.sleep(0.05)
        if reasons(await read(line)) == {None}:
            break
    assert reasons(await read(line)) == {None}


async def test_connection_attempts_grow_apart() -> None:
    """To a closed port the first attempts follow soon, later ones at a distance of some seconds."""
    closed = TcpSlave()
    await closed.start()
    await closed.stop()
    line = LineReader(TcpLine("127.0.0.1", closed.port))
    waits = []
    for _ in range(8):
        line._exchange.connection.retry_at = 0.0
        assert reasons(await read(line)) == {Reason.DISCONNECTED}
        waits.append(line._exchange.connection.retry_s)
    assert waits == [0.25, 0.5, 1, 2, 4, 5, 5, 5]


async def test_only_reads_leave(line: LineReader, tcp_slave: TcpSlave) -> None:
    """Every byte that reaches a slave, through good and bad replies, is a request of functions 1 to 4."""
    blocks = (Block(1, 0, 8), Block(2, 0, 8), Block(3, 0, 2), BLOCK, OTHER)
    for bend, _ in BENT.values():
        tcp_slave.script = lambda r, bend=bend: bend(r, tcp_slave.memory.pdu(r))  # type: ignore[misc]  # bound now
        for block in blocks:
            await line.poll(1, [block], SETTLE, 0.02)
    captured = b"".join(tcp_slave.heard)
    assert len(captured) % 12 == 0
    requests = [captured[at : at + 12] for at in range(0, len(captured), 12)]
    assert {request[2:7].hex() for request in requests} == {"0000000601"}
    assert {request[7] for request in requests} == {1, 2, 3, 4}


async def test_a_write_is_stopped_before_the_wire(line: LineReader, tcp_slave: TcpSlave) -> None:
    """Nothing builds a write; one that is handed to the connection itself is stopped by its last look at a frame."""
    await read(line)
    before = len(tcp_slave.heard)
    with pytest.raises(AssertionError, match="function 6 must never be sent"):
        line._exchange.connection.send(bytes.fromhex("0001 0000 0006 01 06 0000 0001"))
    await asyncio.sleep(0.05)
    assert len(tcp_slave.heard) == before


@pytest.mark.parametrize("count", [1, 8, 9])
async def test_bits(count: int, line: LineReader, tcp_slave: TcpSlave) -> None:
    """Inputs come as single bits, without the padding of the last byte."""
    tcp_slave.memory.words = {(2, i): i % 3 == 0 for i in range(count)}
    block = Block(2, 0, count)
    assert await read(line, block) == {(2, i): int(i % 3 == 0) for i in range(count)}
