"""The same promises on every kind of line: serial at its true pace, Modbus TCP, RTU over TCP, a DTU that dials in."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from edge_agent.door import Caller
from edge_agent.line import DialInLine, Line, RtuTcpLine, SerialLine, TcpLine
from edge_agent.modbus import LineReader, ReadImage
from edge_agent.plan import Block
from edge_agent.replies import crc
from simulators import faults
from simulators.faults import Fault
from simulators.faulty_tcp import Dtu, Gateway, GatewayServer, dialled_in
from simulators.line_pace import Pace
from simulators.meter import Refusal
from simulators.modbus_frames import Framing, rtu_frame
from simulators.paced_line import PacedLine, paced_line
from simulators.slaves import Bank
from wire.profile_files import find
from wire.reading import Reason, Unreadable
from wire.registers import decode

BAUD = 115_200
BLOCK, OTHER, SETTLE = Block(4, 0, 12), Block(4, 40, 8), Block(4, 0, 2)
TIMEOUT_S = 0.4
ARRIVAL_S = 10.0
UNIT = 7


def banks() -> dict[int, Bank]:
    """Units 7 and 8, whose words are their own address plus a thousand times the unit: none is 0."""
    return {unit: Bank({(4, a): 1000 * unit + a for a in range(60)}) for unit in (UNIT, UNIT + 1)}


def right(unit: int = UNIT, *blocks: Block) -> ReadImage:
    """What a good poll gives."""
    return {(4, b.address + i): 1000 * unit + b.address + i for b in blocks or (BLOCK,) for i in range(b.count)}


def reasons(image: ReadImage) -> set[Reason | None]:
    """The reasons in an image; None where a word was read."""
    return {word.reason if isinstance(word, Unreadable) else None for word in image.values()}


async def poll(line: LineReader, *blocks: Block, unit: int = UNIT, timeout_s: float = TIMEOUT_S) -> ReadImage:
    """One poll."""
    return await line.poll(unit, blocks or (BLOCK,), SETTLE, timeout_s)


GiveFault = Callable[[Fault], None]


@contextlib.asynccontextmanager
async def serial() -> AsyncIterator[tuple[LineReader, GiveFault]]:
    """A paced serial line."""
    async with paced_line(banks(), BAUD) as far:
        line = LineReader(SerialLine(far.device, BAUD, "N", 1))
        with contextlib.closing(line):
            yield line, lambda fault: far.faults(UNIT).next(fault)
        assert (far.t35_broken, far.collisions) == (0, 0)


@contextlib.asynccontextmanager
async def tcp(framing: Framing) -> AsyncIterator[tuple[LineReader, GiveFault]]:
    """A gateway in either framing; RTU comes in packets of 7 bytes."""
    packet_bytes = 7 if framing is Framing.RTU else None
    gateway = Gateway(banks(), framing, packet_bytes=packet_bytes, packet_gap_s=0.004)
    async with GatewayServer(gateway) as far:
        make = TcpLine if framing is Framing.TCP else RtuTcpLine
        line = LineReader(make("127.0.0.1", far.port))
        with contextlib.closing(line):
            yield line, lambda fault: gateway.faults(UNIT).next(fault)


@contextlib.asynccontextmanager
async def dial_in(framing: Framing) -> AsyncIterator[tuple[LineReader, GiveFault]]:
    """A DTU that dials in, says who it is, and beats."""
    line = LineReader(
        DialInLine("127.0.0.1", 0, is_rtu=framing is Framing.RTU, register=b"DTU-1", heartbeat=b"\xfe\xfe")
    )
    assert not await line.arrived(0.0)
    gateway = Gateway(banks(), framing)
    dtu = Dtu(gateway, register=b"DTU-1", heartbeat=b"\xfe\xfe", heartbeat_s=0.05, redial_s=0.02)
    async with dialled_in(dtu, "127.0.0.1", line.port or 0):
        assert await line.arrived(ARRIVAL_S)
        with contextlib.closing(line):
            yield line, lambda fault: gateway.faults(UNIT).next(fault)


LINES: dict[str, Callable[[], contextlib.AbstractAsyncContextManager[tuple[LineReader, GiveFault]]]] = {
    "serial": serial,
    "tcp": lambda: tcp(Framing.TCP),
    "rtu over tcp": lambda: tcp(Framing.RTU),
    "dial-in rtu": lambda: dial_in(Framing.RTU),
    "dial-in tcp": lambda: dial_in(Framing.TCP),
}

FAULTS: dict[str, tuple[Fault, Reason]] = {
    "silent": (faults.silent(), Reason.TIMEOUT),
    "short": (faults.short(2), Reason.SHORT_FRAME),
    "odd": (faults.odd(), Reason.WRONG_LENGTH),
    "fewer": (faults.fewer(), Reason.WRONG_LENGTH),
    "more": (faults.more(), Reason.WRONG_LENGTH),
    "wrong unit": (faults.wrong_unit(), Reason.WRONG_UNIT),
    "wrong function": (faults.wrong_function(), Reason.WRONG_FUNCTION),
    "exception 1": (faults.exception(1), Reason.ILLEGAL_FUNCTION),
    "exception 2": (faults.exception(2), Reason.ILLEGAL_ADDRESS),
    "exception 3": (faults.exception(3), Reason.ILLEGAL_VALUE),
    "exception 4": (faults.exception(4), Reason.DEVICE_FAILURE),
    "exception 5": (faults.exception(5), Reason.ACKNOWLEDGE),
    "exception 6": (faults.exception(6), Reason.BUSY),
    "exception 7": (faults.exception(7), Reason.NEGATIVE_ACKNOWLEDGE),
    "exception 8": (faults.exception(8), Reason.MEMORY_PARITY),
    "exception 9": (faults.exception(9), Reason.UNKNOWN_EXCEPTION),
    "exception 10": (faults.exception(10), Reason.GATEWAY_PATH),
    "exception 11": (faults.exception(11), Reason.GATEWAY_TARGET),
}
GARBLED = Fault("garbled data", lambda r: [faults.Piece(0, r.bytes()[:5] + b"\x55" + r.bytes()[6:])])
NOISE = Fault("noise", lambda _: [faults.Piece(0, bytes(range(60, 90)))])
OF_RTU = {"garbled": (GARBLED, Reason.CHECK_SUM), "noise": (NOISE, Reason.BAD_REPLY)}
OF_DECODING = {
    *(Reason.NOT_AVAILABLE, Reason.NOT_A_NUMBER, Reason.OUT_OF_RANGE, Reason.RATIO_UNKNOWN, Reason.NOT_ASKED),
}
"""Reasons that a line never gives."""


@pytest.mark.parametrize("kind", LINES)
async def test_every_failure_has_its_reason(kind: str) -> None:
    """Each fault is every word's reason and no value; behind it the line reads rightly again, without a restart."""
    cases = FAULTS | ({"noise": OF_RTU["noise"]} if kind.endswith("tcp") and "rtu" not in kind else OF_RTU)
    if kind == "dial-in rtu":
        cases["short"] = (faults.short(2), Reason.CHECK_SUM)  # the next heartbeat falls into the half reply
    async with LINES[kind]() as (line, give):
        assert await poll(line, BLOCK, OTHER) == right(UNIT, BLOCK, OTHER)
        for name, (fault, reason) in cases.items():
            give(fault)
            assert (name, reasons(await poll(line))) == (name, {reason})
            assert await line.arrived(ARRIVAL_S)
            for _ in range(2):  # after a silence the unit is asked something else first, or a DTU dials in again
                last = await poll(line)
            assert (name, last) == (name, right())
            assert await poll(line, unit=UNIT + 1) == right(UNIT + 1)


def test_no_reason_is_left_out() -> None:
    """Every reason is one that a line gives (above, and no connection) or one that decoding gives."""
    of_lines = {reason for _, reason in (FAULTS | OF_RTU).values()} | {Reason.DISCONNECTED}
    assert of_lines | OF_DECODING == set(Reason)
    assert of_lines & OF_DECODING == set()


@pytest.mark.parametrize("reason", Reason)
def test_no_reason_can_become_a_number(reason: Reason) -> None:
    """A meter whose every word is unread for this reason has no quantity that is a number, 0 least of all."""
    for name in ("eastron_sdm630", "chint_dtsu666", "waveshare_di8"):
        profile = find(name).profile
        image: ReadImage = {(r.function, a): Unreadable(reason) for r in profile.registers for a in r.span}
        assert {type(value) for value in decode(image, profile).values()} == {Unreadable}


async def test_a_line_that_is_not_there() -> None:
    """Nothing listens, no device, a port that is taken, nobody has dialled in: each is DISCONNECTED, none an error."""
    async with GatewayServer(Gateway(banks(), Framing.TCP)) as taken:
        port = taken.port
        lines: list[Line] = [
            DialInLine("127.0.0.1", port),
            DialInLine("127.0.0.1", 0),
            SerialLine("/dev/ttyNOT", 9600, "N", 1),
        ]
        for place in lines:
            line = LineReader(place)
            assert reasons(await poll(line)) == {Reason.DISCONNECTED}
            line.close()
    lines = [TcpLine("127.0.0.1", port), RtuTcpLine("127.0.0.1", port)]
    for place in lines:
        line = LineReader(place)
        assert reasons(await poll(line)) == {Reason.DISCONNECTED}
        line.close()


async def test_a_dtu_that_comes_again_replaces_its_old_connection() -> None:
    """A DTU dials in a second time while its old connection is half open: the new one is read, at once."""
    line = LineReader(DialInLine("127.0.0.1", 0))
    await line.arrived(0.0)
    first, second = (Gateway(banks(), Framing.RTU) for _ in range(2))
    async with dialled_in(Dtu(first, redial_s=60.0), "127.0.0.1", line.port or 0):
        assert await line.arrived(ARRIVAL_S)
        assert await poll(line) == right()
        async with dialled_in(Dtu(second), "127.0.0.1", line.port or 0):
            for _ in range(100):
                if line.connects == 2:
                    break
                await asyncio.sleep(0.05)
            assert await poll(line) == right()
            assert (first.requests, second.requests, line.connects) == (1, 1, 2)
            line.close()


async def test_a_stranger_is_not_taken_for_the_dtu() -> None:
    """Whoever does not say the registration packet is turned away and disturbs nothing."""
    line = LineReader(DialInLine("127.0.0.1", 0, register=b"DTU-1"))
    await line.arrived(0.0)
    async with dialled_in(Dtu(Gateway(banks(), Framing.RTU), register=b"DTU-1"), "127.0.0.1", line.port or 0):
        assert await line.arrived(ARRIVAL_S)
        reader, writer = await asyncio.open_connection("127.0.0.1", line.port)
        writer.write(b"GET / HTTP/1.1\r\n")
        assert await asyncio.wait_for(reader.read(), ARRIVAL_S) == b""
        writer.close()
        assert await poll(line) == right()
        assert line.connects == 1
        line.close()


def test_a_caller_is_given_time_to_say_who_it_is() -> None:
    """A registration packet in pieces, glued to heartbeats and replies: the replies alone are passed on."""
    heard: list[bytes] = []
    entered: list[Caller] = []
    reply = rtu_frame(UNIT, b"\x04\x02\xfe\x05")

    async def call() -> None:
        place = DialInLine("127.0.0.1", 0, register=b"DTU-1", heartbeat=b"\xfe")
        caller = Caller(place, heard.append, entered.append, lambda _: None)
        caller.callback_connected()
        for piece in (b"DT", b"U-1\xfe\xfe" + reply, b"\xfe", b"\xfe" + reply[:3], reply[3:], b"DTU-1"):
            caller.data_received(piece)

    asyncio.run(call())
    assert (heard, len(entered)) == ([reply, reply[:3], reply[3:]], 1)


@pytest.mark.parametrize("echo", [True, False])
async def test_local_echo(echo: bool) -> None:
    """An adapter that hears what it sends is read; where the settings do not say so, the hint does."""
    async with paced_line(banks(), BAUD, echo=True) as far:
        line = LineReader(SerialLine(far.device, BAUD, "N", 1, echo))
        for _ in range(3):
            assert await poll(line, BLOCK, OTHER) == right(UNIT, BLOCK, OTHER)
        far.faults(UNIT).next(faults.silent())
        assert reasons(await poll(line)) == {Reason.TIMEOUT}
        assert line.last_wrong == ("" if echo else "the line repeats what we send; set serial.echo: true")
        line.close()


async def test_junk_before_each_reply() -> None:
    """Report r13 on a line: the reply behind a junk byte is read, counted, and the hint says what to look at."""
    async with serial() as (line, give):
        for _ in range(3):
            give(faults.unsolicited(b"\x1d"))
            assert await poll(line) == right()
        assert (line.junk_replies, line.last_wrong) == (
            3,
            "junk before a reply; check biasing, termination and direction switching",
        )


async def test_another_master_is_noticed() -> None:
    """Somebody else's request is counted, in our pauses and before our reply; a reply that could be his is not taken."""
    async with paced_line(banks(), BAUD) as far:
        line = LineReader(SerialLine(far.device, BAUD, "N", 1))
        far.faults(UNIT).next(faults.other_master(unit=200))
        assert await poll(line) == right()
        assert (line.other_masters, line.last_wrong) == (1, "another master asks unit 200 by function 3")
        far.faults(UNIT).next(faults.other_master(unit=UNIT, function=4))
        assert reasons(await poll(line)) == {Reason.BAD_REPLY}
        before = line.other_masters
        far.inject(bytes.fromhex("c8 03 0000 0002 d592"))
        for _ in range(100):
            if line.other_masters > before:
                break
            await asyncio.sleep(0.02)
        assert line.other_masters == before + 1
        line.close()


async def test_the_answer_to_another_master_is_not_ours() -> None:
    """His request is heard while we are idle, his reply comes behind our request and is of its shape: it is not taken."""
    async with paced_line(banks(), BAUD) as far:
        line = LineReader(SerialLine(far.device, BAUD, "N", 1))
        assert await poll(line) == right()
        foreign = bytes([UNIT, BLOCK.function, 1, 0, 0, BLOCK.count])
        far.inject(foreign + crc(foreign).to_bytes(2, "little"))
        async with asyncio.timeout(ARRIVAL_S):
            while not line.other_masters:  # noqa: ASYNC110 - the line has no event for it
                await asyncio.sleep(0.02)
        his = bytes([BLOCK.function, BLOCK.byte_count]) + bytes(BLOCK.byte_count)
        far.faults(UNIT).next(Fault("his reply first", lambda r: [faults.Piece(0, r.frame(his)), *r.right()]))
        assert await poll(line) == right()
        line.close()


async def heard_at(baud: int, stopbits: int, timeout_s: float) -> PacedLine:
    """A line after a hundred requests with every kind of fault but lateness between them."""
    every = [fault for fault, _ in (FAULTS | OF_RTU).values()]
    async with paced_line(banks(), baud, "N", stopbits) as far:
        far.faults(UNIT).at_rate(0.3, [*every, faults.echoed()], seed=baud)
        line = LineReader(SerialLine(far.device, baud, "N", stopbits))
        for number in range(25):
            await poll(line, BLOCK, OTHER, unit=UNIT + number % 2, timeout_s=timeout_s)
        line.close()
        return far


@pytest.mark.parametrize(("baud", "stopbits"), [(9600, 1), (19_200, 2), (57_600, 1), (115_200, 1)])
async def test_silence_is_kept(baud: int, stopbits: int) -> None:
    """No request begins within 3.5 characters of anything on the line, nor while a slave speaks, whatever went wrong.

    A busy machine can hold a slave back past the wait, so that it speaks late: then it is waited for longer.
    """
    for timeout_s in (0.05, 0.2, 0.8):
        far = await heard_at(baud, stopbits, timeout_s)
        assert far.requests >= 25
        assert far.t35_broken == 0
        if far.collisions == 0:
            break
    assert (far.collisions, far.spoilt) == (0, 0)


async def test_a_slow_line_is_given_its_time() -> None:
    """At 1200 baud a reply lasts longer than the wait for it: what has begun in time is read to its end."""
    async with paced_line(banks(), 1200) as far:
        line = LineReader(SerialLine(far.device, 1200, "N", 1))
        assert far.pace.cycle_s(8, 29) > 0.25
        assert await poll(line, timeout_s=0.1) == right()
        line.close()


async def test_a_pause_of_the_meters_own() -> None:
    """A meter that needs longer between requests than the line gets it."""
    async with GatewayServer(Gateway(banks(), Framing.TCP)) as far:
        line = LineReader(TcpLine("127.0.0.1", far.port))
        began = asyncio.get_running_loop().time()
        for _ in range(4):
            assert await line.poll(UNIT, (BLOCK,), SETTLE, TIMEOUT_S, pause_s=0.05) == right()
        assert asyncio.get_running_loop().time() - began >= 0.15
        line.close()


async def test_a_late_answer_does_not_meet_the_next_one() -> None:
    """A unit that always answers too late costs its bus-mate no reading, and is known to be late."""
    async with paced_line(banks(), BAUD) as far:
        far.faults(UNIT).always(faults.late(TIMEOUT_S * 1.4))
        line = LineReader(SerialLine(far.device, BAUD, "N", 1))
        for _ in range(4):
            assert reasons(await poll(line)) == {Reason.TIMEOUT}
            assert await poll(line, unit=UNIT + 1) == right(UNIT + 1)
        assert (line.late_units, far.collisions) == ({UNIT}, 0)
        far.faults(UNIT).clear()
        await poll(line)
        assert await poll(line) == right()
        assert line.late_units == set()
        line.close()


async def test_one_request_by_itself() -> None:
    """Identity and scan read a block at a time: words, or why not, and never a late reply of an earlier request."""
    async with serial() as (line, give):
        assert await line.read(UNIT, Block(4, 5, 2), TIMEOUT_S) == (7005, 7006)
        assert await line.read(UNIT, Block(3, 0, 2), TIMEOUT_S) == Unreadable(Reason.ILLEGAL_FUNCTION)
        assert await line.read(99, Block(4, 0, 2), 0.05, late_s=0.0) == Unreadable(Reason.TIMEOUT)
        give(faults.late(TIMEOUT_S + 0.1))
        assert await line.read(UNIT, Block(4, 5, 2), TIMEOUT_S, late_s=0.0) == Unreadable(Reason.TIMEOUT)
        answers = [await line.read(UNIT, Block(4, 30, 2), TIMEOUT_S) for _ in range(3)]
        assert answers[-1] == (7030, 7031)
        assert {a for a in answers if isinstance(a, tuple)} == {(7030, 7031)}


class MuteOnHolding(Bank):
    """A unit that says nothing at all to a function it has not."""

    def answer(self, function: int, address: int, count: int, elapsed_s: float) -> list[int] | Refusal | None:
        """Its words; nothing at all by function 3."""
        return None if function == 3 else super().answer(function, address, count, elapsed_s)


@pytest.mark.parametrize("framing", Framing)
async def test_a_unit_that_is_silent_on_the_settle_request(framing: Framing) -> None:
    """One lost reply costs it two polls: then its own answer is thrown away, and no value is ever an older one."""
    bank = MuteOnHolding(banks()[UNIT].words)
    gateway = Gateway({UNIT: bank}, framing)
    async with GatewayServer(gateway) as far:
        line = LineReader((TcpLine if framing is Framing.TCP else RtuTcpLine)("127.0.0.1", far.port))
        got: list[Reason | int] = []
        for number in range(12):
            bank.words[4, 0] = number
            if number in {1, 6}:
                gateway.faults(UNIT).next(faults.silent())
            word = (await line.poll(UNIT, (BLOCK,), Block(3, 0x8000, 1), TIMEOUT_S))[4, 0]
            got.append(word.reason if isinstance(word, Unreadable) else word)
        assert got == [0, *[Reason.TIMEOUT] * 2, 3, 4, 5, *[Reason.TIMEOUT] * 2, 8, 9, 10, 11]
        assert (line.connects, gateway.requests) == (1, 14)
        line.close()


async def test_a_line_that_is_behind_is_not_taken_for_a_unit_that_is_silent() -> None:
    """Two replies are lost, then each comes one request late: no word is taken, although the settle request is lost."""
    gateway = Gateway(banks(), Framing.RTU)
    async with GatewayServer(gateway) as far:
        line = LineReader(RtuTcpLine("127.0.0.1", far.port))
        gateway.faults(UNIT).next(faults.silent(), times=2)
        assert [reasons(await poll(line)) for _ in range(2)] == [{Reason.TIMEOUT}] * 2
        gateway.faults(UNIT).always(faults.previous())
        for _ in range(5):
            assert None not in reasons(await poll(line))
            await line.arrived(ARRIVAL_S)
        line.close()


@pytest.mark.parametrize("framing", Framing)
async def test_what_a_new_connection_forgets(framing: Framing) -> None:
    """Nothing of an old Modbus TCP connection comes through a new one; a serial line behind it is settled as before."""
    gateway = Gateway(banks(), framing)
    async with GatewayServer(gateway) as far:
        line = LineReader((TcpLine if framing is Framing.TCP else RtuTcpLine)("127.0.0.1", far.port))
        gateway.faults(UNIT).next(faults.silent())
        assert reasons(await poll(line)) == {Reason.TIMEOUT}
        gateway.drop()
        await asyncio.sleep(0.05)
        assert await line.arrived(ARRIVAL_S)
        assert await poll(line) == right()
        assert (line.connects, gateway.requests) == (2, 2 if framing is Framing.TCP else 3)
        line.close()


async def test_behind_a_slow_line() -> None:
    """A gateway in front of a 9600 baud line is waited for as the settings say."""
    async with GatewayServer(Gateway(banks(), Framing.RTU, behind=Pace(9600))) as far:
        line = LineReader(RtuTcpLine("127.0.0.1", far.port))
        assert await poll(line, BLOCK, OTHER, timeout_s=1.0) == right(UNIT, BLOCK, OTHER)
        line.close()
