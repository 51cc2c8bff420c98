"""Each fault byte for byte on the three framings, and when it is given."""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Iterator

import pytest
from pymodbus.framer import FramerRTU

from simulators import faults
from simulators.faults import Fault, Faults, Piece
from simulators.faulty_tcp import Gateway, GatewayServer
from simulators.line_pace import Pace
from simulators.modbus_frames import Framing, Request
from simulators.paced_line import PacedLine
from simulators.slaves import Bank, Slaves
from tests.simulators.line_master import LineMaster

ASK = bytes.fromhex("03 0000 0002")
ANSWER = bytes.fromhex("03 04 0011 0012")
SILENCE_S = 0.03
"""Longer than any pause of the cases but those that stall, which are waited for by their size."""


def rtu(pdu: bytes, unit: int = 1) -> bytes:
    """A frame with pymodbus's check sum."""
    body = bytes([unit]) + pdu
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


def tcp(pdu: bytes, unit: int = 1, transaction: int = 7) -> bytes:
    """A Modbus TCP frame."""
    return transaction.to_bytes(2, "big") + bytes([0, 0, 0, len(pdu) + 1, unit]) + pdu


PATIENCE_S = 10.0


def whole(text: str) -> bytes:
    """Hex of a case."""
    return bytes.fromhex(text)


CASES: dict[str, tuple[Fault, list[tuple[bytes, int]] | bytes]] = {
    "late": (faults.late(0.05), [(ANSWER, 1)]),
    "stalled": (faults.stalled(0.05), [(ANSWER, 1)]),
    "odd": (faults.odd(), [(whole("03 03 0011 00"), 1)]),
    "fewer": (faults.fewer(), [(whole("03 02 0011"), 1)]),
    "more": (faults.more(), [(whole("03 06 0011 0012 0000"), 1)]),
    "duplicated": (faults.duplicated(), [(ANSWER, 1), (ANSWER, 1)]),
    "echoed": (faults.echoed(), [(ASK, 1), (ANSWER, 1)]),
    "silent": (faults.silent(), []),
    "wrong_unit": (faults.wrong_unit(), [(ANSWER, 2)]),
    "wrong_unit_9": (faults.wrong_unit(9), [(ANSWER, 9)]),
    "wrong_function": (faults.wrong_function(), [(whole("04 04 0011 0012"), 1)]),
    **{f"exception_{n}": (faults.exception(n), [(bytes([0x83, n]), 1)]) for n in (*range(1, 12), 255)},
    "previous": (faults.previous(), [(whole("03 02 0012"), 1)]),
    "other_master": (faults.other_master(), [(ASK, 200), (whole("03 04 0001 0002"), 200), (ANSWER, 1)]),
    "unsolicited": (faults.unsolicited(b"\x00\xff"), b"\x00\xff"),
    "unsolicited_apart": (faults.unsolicited(b"\x55", gap_s=0.02), b"\x55"),
}


def expected(name: str, framing: str) -> bytes:
    """What the master hears."""
    frame = tcp if framing == "tcp" else rtu
    frames = CASES[name][1]
    return frames + frame(ANSWER) if isinstance(frames, bytes) else b"".join(frame(pdu, unit) for pdu, unit in frames)


def bank() -> Bank:
    """Two words."""
    return Bank({(3, 0): 0x11, (3, 1): 0x12})


@contextlib.contextmanager
def a_line() -> Iterator[tuple[PacedLine, LineMaster]]:
    """Unit 1 on a fast line."""
    line = PacedLine({1: bank()}, Pace(115_200))
    line.start()
    master = LineMaster(line.device, 115_200)
    try:
        yield line, master
    finally:
        master.close()
        line.stop()


class Talk:
    """A connection to a gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, request: bytes, size: int) -> bytes:
        """Write, and take at least so many bytes and what follows until it is silent or closed."""
        self.writer.write(request)
        found = await asyncio.wait_for(self.reader.readexactly(size), PATIENCE_S)
        with contextlib.suppress(TimeoutError):
            while data := await asyncio.wait_for(self.reader.read(4096), SILENCE_S):
                found += data
        return found


@contextlib.asynccontextmanager
async def a_gateway(framing: Framing) -> AsyncIterator[tuple[Gateway, Talk]]:
    """Unit 1 behind TCP, and a connection to it."""
    async with GatewayServer(Gateway({1: bank()}, framing)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        yield server.gateway, Talk(reader, writer)
        writer.close()


@pytest.mark.parametrize("name", CASES)
def test_a_fault_on_a_line(name: str) -> None:
    """A fault changes one reply as its name says, and the next is right."""
    fault, right = CASES[name][0], expected(name, "line")
    with a_line() as (line, master):
        assert master.ask(rtu(whole("03 0001 0001")), 7).data == rtu(whole("03 02 0012"))
        time.sleep(line.pace.t35_s)
        line.faults(1).next(fault)
        found = master.ask(rtu(ASK), len(right)).data + master.rest(SILENCE_S)
        assert master.ask(rtu(ASK), len(rtu(ANSWER))).data == rtu(ANSWER)
        assert line.faults(1).given == {fault.name: 1}
        assert (line.t35_broken, line.collisions) == (0, 0)
    assert found == right


@pytest.mark.parametrize("framing", [Framing.RTU, Framing.TCP])
@pytest.mark.parametrize("name", CASES)
async def test_a_fault_over_tcp(name: str, framing: Framing) -> None:
    """The same faults as a TCP client sees them, in either framing."""
    frame = tcp if framing is Framing.TCP else rtu
    async with a_gateway(framing) as (gateway, talk):
        await talk.ask(frame(whole("03 0001 0001")), 7)
        gateway.faults(1).next(CASES[name][0])
        right = expected(name, framing.value)
        assert await talk.ask(frame(ASK), len(right)) == right
        assert await talk.ask(frame(ASK), 1) == frame(ANSWER)


async def test_wrong_transaction() -> None:
    """Modbus TCP alone has a number that can be wrong; it is the last one's, or what the test wants."""
    async with a_gateway(Framing.TCP) as (gateway, talk):
        gateway.faults(1).script({0: faults.wrong_transaction(), 1: faults.wrong_transaction(0)})
        found = [await talk.ask(tcp(ASK), 1) for _ in range(3)]
    assert found == [tcp(ANSWER, transaction=number) for number in (6, 0, 7)]


async def test_dropped_and_back() -> None:
    """A connection that is closed in place of a reply can be made again."""
    async with GatewayServer(Gateway({1: bank()})) as server:
        server.gateway.faults(1).next(faults.dropped())
        talks = [Talk(*await asyncio.open_connection("127.0.0.1", server.port)) for _ in range(2)]
        assert [await talk.ask(tcp(ASK), 0) for talk in talks] == [b"", tcp(ANSWER)]
        assert talks[0].reader.at_eof()
        assert (server.gateway.connections, server.gateway.requests) == (2, 2)
        for talk in talks:
            talk.writer.close()


def test_late_is_late() -> None:
    """A late reply comes when it was told to, and the request that follows is answered after it."""
    with a_line() as (line, master):
        line.faults(1).next(faults.late(0.3))
        sent_at = time.monotonic()
        os.write(master.descriptor, rtu(ASK))
        assert master.rest(0.1) == b""
        os.write(master.descriptor, rtu(whole("03 0001 0001")))
        assert master.rest(0.4) == rtu(ANSWER) + rtu(whole("03 02 0012"))
        assert time.monotonic() - sent_at >= 0.3


def test_stalled_stalls_where_it_was_told() -> None:
    """The bytes before the pause come first."""
    with a_line() as (line, master):
        line.faults(1).next(faults.stalled(0.2, after_bytes=3))
        os.write(master.descriptor, rtu(ASK))
        assert master.rest(0.1) == rtu(ANSWER)[:3]
        assert master.rest(0.3) == rtu(ANSWER)[3:]


def request() -> Request:
    """The question as a slave of a serial line hears it."""
    return Request(1, ASK[0], ASK[1:], rtu(ASK))


def said(slaves: Slaves, times: int) -> list[bytes]:
    """What is sent in answer to so many requests."""
    return [b"".join(piece.data or b"" for piece in slaves.replies(request())) for _ in range(times)]


def on_a_line() -> Slaves:
    """Unit 1 without a line."""
    return Slaves({1: bank()}, Framing.RTU, 0.004)


@pytest.mark.parametrize("seed", range(20))
def test_short_and_garbled_are_never_right(seed: int) -> None:
    """By chance cut or flipped: never the reply, always with a wrong check sum, and the same for the same seed."""
    found = []
    for _ in range(2):
        slaves = on_a_line()
        slaves.faults(1).at_rate(1.0, [faults.short(), faults.garbled()], seed)
        found.append(said(slaves, 50))
    assert found[0] == found[1]
    for data in found[0]:
        assert data != rtu(ANSWER)
        assert len(data) < 4 or rtu(data[1:-2], data[0]) != data
    assert {len(data) for data in found[0]} >= {1, len(rtu(ANSWER))}


def test_garbled_over_tcp_spares_the_words() -> None:
    """Modbus TCP has no check sum, so a flipped word is a word: only the head and the count are flipped."""
    slaves = Slaves({1: bank()}, Framing.TCP, 0.0)
    slaves.faults(1).always(faults.garbled())
    found = said(slaves, 200)
    right = tcp(ANSWER, transaction=0)
    assert all(data != right and data[9:] == right[9:] for data in found)


def test_script_next_always_rate() -> None:
    """The script comes first, then what was asked for next, then always, then the rate; clear ends them all."""
    slaves = on_a_line()
    given = slaves.faults(1)
    given.at_rate(1.0, [faults.exception(4)], seed=1)
    given.script({1: faults.exception(1)})
    given.next(faults.exception(2), times=2)
    given.next(faults.exception(3))
    codes = [data[2] for data in said(slaves, 5)]
    given.always(faults.exception(6))
    codes += [data[2] for data in said(slaves, 2)]
    given.clear()
    assert codes == [2, 1, 2, 3, 4, 6, 6]
    assert said(slaves, 1) == [rtu(ANSWER)]
    assert (given.requests, given.given.total(), given.given["exception_2"]) == (8, 7, 2)


def test_rate_is_a_share_that_repeats() -> None:
    """About the share that was asked for, the same requests for a seed, others for another."""
    draws = {}
    for name, seed in (("a", 1), ("again", 1), ("other", 2)):
        given = Faults()
        given.at_rate(0.1, [faults.silent(), faults.odd()], seed)
        draws[name] = [drawn and drawn[0].name for drawn in (given.draw() for _ in range(5000))]
    assert draws["a"] == draws["again"] != draws["other"]
    share = {name: draws["a"].count(name) / 5000 for name in ("silent", "odd")}
    assert share == pytest.approx({"silent": 0.05, "odd": 0.05}, abs=0.015)


def test_a_fault_of_the_whole_line() -> None:
    """Without a unit a fault is every unit's; a unit's own comes first."""
    slaves = Slaves({1: bank(), 2: bank()}, Framing.RTU, 0.0)
    slaves.faults().always(faults.silent())
    slaves.faults(1).next(faults.exception(6))
    assert said(slaves, 2) == [rtu(bytes([0x83, 6])), b""]
    assert slaves.replies(Request(2, ASK[0], ASK[1:], b"")) == []


def test_a_fault_of_ones_own() -> None:
    """A fault is a name and a function of the right reply."""
    slaves = on_a_line()
    slaves.faults(1).next(Fault("halved", lambda reply: [Piece(0, reply.bytes()[:4])]))
    assert said(slaves, 1) == [rtu(ANSWER)[:4]]
    assert slaves.faults(1).given == {"halved": 1}


@pytest.mark.parametrize("name", CASES)
def test_a_dead_slave_has_nothing_to_bend(name: str) -> None:
    """A slave that does not answer sends no reply under any fault; what others send still comes."""

    class Dead:
        def answer(self, *_: object) -> None:
            return None

    slaves = Slaves({1: Dead()}, Framing.RTU, 0.0)
    slaves.faults(1).next(CASES[name][0])
    assert rtu(ANSWER) not in said(slaves, 1)[0]
