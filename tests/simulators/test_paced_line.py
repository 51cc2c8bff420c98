"""The paced line as a wire: never faster than its speed, exact over a frame, half duplex, and silent between frames."""

import contextlib
import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusSerialClient

from simulators import faults
from simulators.line_pace import Pace
from simulators.meter import Refusal
from simulators.paced_line import PacedLine, paced_line
from simulators.slaves import Bank
from tests.simulators.line_master import Heard, LineMaster
from wire.errors import SurroundingsError

READ_60 = bytes.fromhex("01 03 0000 003C 45DB")
READ_1_OF_2 = bytes.fromhex("02 03 0000 0001 8439")
REPLY_60_BYTES, REPLY_1_BYTES = 125, 7
SLOWER = 1.1
"""Upper bound of the best exchange over what a wire needs; a wire's own limit is 1."""
TRIES_MAX = 60
"""Exchanges until one is undisturbed: on a machine that does other work too the reader is woken late now and then."""
MASTER_S = 0.02
"""Silence that is long enough for every speed here."""

SETTINGS = [
    (1200, "E", 1, 11), (9600, "N", 1, 10), (9600, "E", 1, 11), (9600, "N", 2, 11), (19200, "N", 1, 10),
    (38400, "O", 1, 11), (115_200, "N", 1, 10),
]  # fmt: skip


def bank() -> Bank:
    """Words that tell their address."""
    return Bank({(3, address): 0x1100 + address for address in range(100)})


@contextlib.contextmanager
def opened(pace: Pace, **options: bool | float) -> Iterator[tuple[PacedLine, LineMaster]]:
    """A line with units 1 and 2, and a master at its speed."""
    line = PacedLine({1: bank(), 2: bank()}, pace, **options)  # type: ignore[arg-type] # a test's own options
    line.start()
    master = LineMaster(line.device, pace.baud)
    try:
        yield line, master
    finally:
        master.close()
        line.stop()


@pytest.mark.parametrize(("baud", "parity", "stopbits", "bits"), SETTINGS)
def test_pace_is_the_wires(baud: int, parity: str, stopbits: int, bits: int) -> None:
    """No byte comes before a wire could bring it, and the best exchange takes what a wire needs."""
    character_s = bits / baud
    silence_s = 3.5 * character_s if baud <= 19_200 else 0.00175
    request, size = (READ_1_OF_2, REPLY_1_BYTES) if baud < 9600 else (READ_60, REPLY_60_BYTES)
    wire_s = (len(request) + size) * character_s + silence_s
    with opened(Pace(baud, parity, stopbits)) as (line, master):
        exchanges: list[Heard] = []
        while len(exchanges) < TRIES_MAX and not (exchanges and exchanges[-1].took_s / wire_s < SLOWER):
            time.sleep(silence_s + MASTER_S)
            exchanges.append(master.ask(request, size))
        assert line.t35_broken == line.spoilt == line.collisions == 0
    for exchange in exchanges:
        count = 0
        for came_at, data in exchange.heaps:
            count += len(data)
            assert came_at - exchange.sent_at >= (len(request) + count) * character_s + silence_s
    assert min(exchange.took_s for exchange in exchanges) / wire_s < SLOWER
    assert line.pace.cycle_s(len(request), size) == pytest.approx(wire_s + silence_s)


class Watch:
    """A slave that notes when it was asked."""

    asked_at = 0.0

    def answer(self, function: int, address: int, count: int, elapsed_s: float) -> list[int] | Refusal | None:
        """Zeros."""
        del function, address, elapsed_s
        self.asked_at = time.monotonic()
        return [0] * count


def test_a_slave_hears_no_byte_before_its_time() -> None:
    """What the master writes at once reaches the slaves only when it has left, and 3.5 characters of silence too."""
    watch, pace = Watch(), Pace(1200)
    line = PacedLine({1: watch}, pace)
    line.start()
    master = LineMaster(line.device, 1200)
    heard = master.ask(READ_60[:6] + READ_60[6:], REPLY_60_BYTES)
    master.close()
    line.stop()
    assert watch.asked_at - heard.sent_at >= len(READ_60) * pace.character_s + pace.t35_s


def test_a_request_in_two_writes_is_one_frame() -> None:
    """A driver may hand over a frame in parts; while they follow each other on the wire nothing is broken."""
    with opened(Pace(2400)) as (line, master):
        os.write(master.descriptor, READ_60[:3])
        heard = master.ask(READ_60[3:], REPLY_60_BYTES)
        assert heard.data[:3] == b"\x01\x03\x78"
        assert (line.t35_broken, line.requests, line.spoilt) == (0, 1, 0)
        assert list(line.heard) == [READ_60]


def test_turnaround() -> None:
    """A slave that needs time beyond the silence takes it."""
    with opened(Pace(19_200), turnaround_s=0.2) as (line, master):
        heard = master.ask(READ_1_OF_2, REPLY_1_BYTES)
        assert heard.took_s >= 15 * line.pace.character_s + line.pace.t35_s + 0.2
        assert heard.heaps[0][0] - heard.sent_at >= 0.2


def test_a_heap_is_a_uarts() -> None:
    """Characters come in small heaps, at most what a UART's buffer hands over at once."""
    assert [Pace(baud).heap for baud in (300, 1200, 9600, 19_200, 115_200)] == [1, 1, 3, 7, 14]
    with opened(Pace(9600, heap_chars=1)) as (_, master):
        heaps = 0
        for _ in range(TRIES_MAX):
            heaps = max(heaps, len(master.ask(READ_1_OF_2, REPLY_1_BYTES).heaps))
            if heaps == REPLY_1_BYTES:
                break
            time.sleep(MASTER_S)
        assert heaps == REPLY_1_BYTES


def test_a_hasty_master_is_counted_and_not_understood() -> None:
    """To unit 2 a request right behind unit 1's reply is part of that frame; after 3.5 characters it is heard."""
    with opened(Pace(1200)) as (line, master):
        master.ask(READ_60[:2] + bytes.fromhex("0000 0001 840A"), REPLY_1_BYTES)
        os.write(master.descriptor, READ_1_OF_2)
        assert master.rest(0.4) == b""
        assert (line.t35_broken, line.spoilt, line.requests) == (1, 1, 1)
        assert master.ask(READ_1_OF_2, REPLY_1_BYTES).data[:3] == bytes.fromhex("02 03 02")
        assert (line.t35_broken, line.spoilt, line.requests) == (1, 1, 2)


def test_the_unit_that_spoke_last_hears_a_hasty_request() -> None:
    """A slave does not hear itself: the same unit answers a hasty master, which is counted all the same."""
    with opened(Pace(1200)) as (line, master):
        for _ in range(2):
            assert master.ask(READ_1_OF_2, REPLY_1_BYTES).data[:1] == b"\x02"
        assert (line.t35_broken, line.spoilt, line.requests) == (1, 0, 2)


def test_two_requests_without_silence_are_one_frame() -> None:
    """Nobody answers what runs together."""
    with opened(Pace(9600)) as (line, master):
        os.write(master.descriptor, READ_1_OF_2)
        os.write(master.descriptor, READ_1_OF_2)
        assert master.rest(0.2) == b""
        assert (line.requests, line.spoilt) == (0, 1)


def test_who_speaks_into_a_reply_spoils_both() -> None:
    """The line is half duplex: the rest of the reply is not what was meant, and the request is not heard."""
    with opened(Pace(1200)) as (line, master):
        right = master.ask(READ_60, REPLY_60_BYTES).data
        time.sleep(MASTER_S + line.pace.t35_s)
        begun = master.ask(READ_60, 20)
        os.write(master.descriptor, READ_1_OF_2)
        whole = master.hear(begun, REPLY_60_BYTES).data
        assert master.rest(0.2) == b""
        assert (line.collisions, line.requests) == (1, 2)
    assert whole[:20] == right[:20]
    assert whole != right


def test_a_late_reply_into_a_request_spoils_both() -> None:
    """A slave that comes late does not look whether the master speaks again."""
    with opened(Pace(1200)) as (line, master):
        line.faults(1).next(faults.late(0.3))
        os.write(master.descriptor, READ_60)
        time.sleep(8 * line.pace.character_s + line.pace.t35_s + 0.29)
        master.ask(READ_1_OF_2, REPLY_60_BYTES)
        assert master.rest(0.2) == b""
        assert (line.collisions, line.requests, line.spoilt) == (1, 1, 1)


def test_only_what_is_addressed_answers() -> None:
    """Units that are not there, noise and broken frames get silence; functions and spans that are not there a refusal."""
    cases = {
        "no such unit": ("09 03 0000 0001 8542", ""),
        "wrong check sum": ("01 03 0000 003C 45DC", ""),
        "noise": ("00 FF 55", ""),
        "no such function": ("01 04 0000 0001 31CA", "01 84 01 82C0"),
        "no such word": ("01 03 0063 0002 3415", "01 83 02 C0F1"),
        "no words": ("01 03 0000 0000 45CA", "01 83 03 0131"),
        "write": ("01 06 0000 0001 480A", "01 86 01 83A0"),
        "no span": ("01 03 00 20F0", "01 83 03 0131"),
    }
    with opened(Pace(9600)) as (_, master):
        found = {}
        for name, (request, _expected) in cases.items():
            os.write(master.descriptor, bytes.fromhex(request))
            found[name] = master.rest(0.1)
    assert found == {name: bytes.fromhex(expected) for name, (_, expected) in cases.items()}


def test_echo() -> None:
    """An adapter that hears itself gives the request back at the pace at which it leaves."""
    with opened(Pace(1200), echo=True) as (line, master):
        heard = master.ask(READ_1_OF_2, len(READ_1_OF_2) + REPLY_1_BYTES)
        assert heard.data.startswith(READ_1_OF_2 + b"\x02\x03\x02")
        assert heard.heaps[0][0] - heard.sent_at >= line.pace.character_s
        assert len(heard.heaps) > len(READ_1_OF_2)
        assert (line.collisions, line.requests) == (0, 1)


@pytest.mark.parametrize(("any_speed", "answers"), [(False, b""), (True, b"\x02\x03")])
def test_another_speed_is_not_understood(*, any_speed: bool, answers: bytes) -> None:
    """A slave hears noise from a master of another baud rate, unless the line is told not to look."""
    with opened(Pace(9600), any_speed=any_speed) as (line, master):
        other = LineMaster(line.device, 19_200)
        os.write(master.descriptor, READ_1_OF_2)
        assert master.rest(0.1)[:2] == answers
        assert line.wrong_speed == (answers == b"")
        other.close()


def switches(status: Path) -> list[str]:
    """How often a thread has given up the processor, by itself and not."""
    return re.findall(r"ctxt_switches:\s+(\d+)", status.read_text())


def test_a_silent_line_costs_nothing() -> None:
    """The line's thread does not wake while nothing is said."""
    with opened(Pace(115_200)) as (line, master):
        master.ask(READ_60, REPLY_60_BYTES)
        thread = next(t for t in threading.enumerate() if line.device in t.name)
        status = Path(f"/proc/self/task/{thread.native_id}/status")
        time.sleep(0.1)
        before = switches(status)
        time.sleep(0.3)
        assert switches(status) == before


def test_unplugged() -> None:
    """Once stopped, the device is gone and the master is told."""
    line = PacedLine({1: bank()}, Pace(9600))
    line.start()
    master = LineMaster(line.device, 9600)
    line.stop()
    with pytest.raises(OSError, match="Input/output error"):
        os.write(master.descriptor, READ_60)
    master.close()


def test_plugged_in_again(tmp_path: Path) -> None:
    """A line that was unplugged comes back under its name, and stopping twice is once."""
    line, link = PacedLine({1: bank(), 2: bank()}, Pace(9600)), tmp_path / "line"
    for _ in range(2):
        line.start(link)
        master = LineMaster(str(link), 9600)
        assert master.ask(READ_1_OF_2, REPLY_1_BYTES).data[:2] == b"\x02\x03"
        master.close()
        line.stop()
        line.stop()
        assert not link.is_symlink()
    assert line.requests == 2


def test_a_name_that_is_taken(tmp_path: Path) -> None:
    """A link that is there already is not replaced, and the message says what to do."""
    taken = tmp_path / "line"
    taken.touch()
    with pytest.raises(SurroundingsError, match=r"line: cannot be made: .*File exists.*; give a name that is free"):
        PacedLine({1: bank()}, Pace(9600)).start(taken)
    assert taken.is_file()


def test_a_mistake_in_a_slave_is_not_lost() -> None:
    """What goes wrong in the line's thread is raised where the line is stopped."""

    class Broken:
        def answer(self, *_: object) -> list[int]:
            raise ValueError("no words")

    line = PacedLine({1: Broken()}, Pace(9600))
    line.start()
    master = LineMaster(line.device, 9600)
    os.write(master.descriptor, READ_60)
    assert master.rest(0.1) == b""
    master.close()
    with pytest.raises(ValueError, match="no words"):
        line.stop()


def test_bytes_that_nobody_asked_for() -> None:
    """What is injected comes at the line's pace, by itself."""
    with opened(Pace(9600)) as (line, master):
        line.inject(READ_60)
        assert master.rest(0.2) == READ_60
        assert (line.requests, line.collisions) == (0, 0)


async def test_an_independent_client_reads_both_units(tmp_path: Path) -> None:
    """pymodbus, which keeps no silence of its own, reads two units by a name that stays."""
    link = tmp_path / "line"
    async with paced_line({1: bank(), 2: bank()}, 9600, link=link) as line:
        client = AsyncModbusSerialClient(str(link), baudrate=9600, timeout=5, retries=0)
        assert await client.connect()
        for unit in (1, 2):
            reply = await client.read_holding_registers(2, count=3, device_id=unit)
            assert reply.registers == [0x1102, 0x1103, 0x1104]
            time.sleep(MASTER_S)  # noqa: ASYNC251 - the silence that the client does not keep
        client.close()
        assert line.requests == 2
    assert not link.is_symlink()
