"""Hundreds of thousands of reads through faulty lines: each word that is accepted is the one that this request asked for.

Every answer of a slave is different from the one before, so a word of another register, of another unit or of an
earlier request is seen. COLDSEAL_READS says how many reads; `make fuzz` takes a million.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from edge_agent.line import RtuTcpLine, SerialLine, TcpLine
from edge_agent.modbus import LineReader
from edge_agent.plan import Block
from simulators import faults
from simulators.faults import Faults
from simulators.faulty_tcp import Gateway, GatewayServer
from simulators.line_pace import Pace
from simulators.meter import Refusal
from simulators.modbus_frames import Framing
from simulators.paced_line import PacedLine

READS = int(os.environ.get("COLDSEAL_READS", "20000"))
LINES, RATE = 16, 0.02
UNITS = (1, 2)
BLOCKS = (Block(4, 0, 6), Block(4, 40, 4), Block(4, 60, 4))
"""Two of one shape, so that a late reply to one could pass for the other's."""
SETTLE = Block(4, 0, 2)
TIMEOUT_S, PATIENCE_S = 0.05, 30.0
UNPACED_BAUD, HEAP_CHARS = 4_000_000, 4
"""Small heaps: a slave that the machine wakes late is heard to collide, as on a wire, before its frame is whole."""
KINDS = (
    faults.late(TIMEOUT_S * 0.8),
    faults.late(TIMEOUT_S * 1.2),
    faults.late(TIMEOUT_S * 1.9),
    faults.stalled(0.02),
    *(faults.short(), faults.odd(), faults.fewer(), faults.more(), faults.garbled()),
    *(faults.duplicated(), faults.echoed(), faults.silent(), faults.wrong_unit(), faults.wrong_function()),
    *(faults.exception(6), faults.unsolicited(b"\x00\xff"), faults.other_master()),
)


class Restless:
    """A slave whose words change with each request; it remembers what it said last to each."""

    def __init__(self, unit: int) -> None:
        self.said: dict[tuple[int, int], list[int]] = {}
        self._unit, self._number = unit, 0

    def answer(self, function: int, address: int, count: int, elapsed_s: float) -> list[int] | Refusal | None:
        """Words that tell unit, address and number of the request."""
        del function, elapsed_s
        self._number += 1
        words = [(self._unit * 21_001 + a * 257 + self._number * 7) & 0xFFFF for a in range(address, address + count)]
        self.said[address, count] = words
        return words


Tally = Counter[str]


async def read_all(line: LineReader, slaves: dict[int, Restless], reads: int) -> Tally:
    """Poll until so many blocks were asked for."""
    tally: Tally = Counter()
    while tally["reads"] < reads:
        for unit, slave in slaves.items():
            async with asyncio.timeout(PATIENCE_S):
                for block in BLOCKS:
                    image = await line.poll(unit, (block,), SETTLE, TIMEOUT_S)
                    words = [image[4, block.address + i] for i in range(block.count)]
                    tally["reads"] += 1
                    if all(isinstance(word, int) for word in words):
                        tally["accepted"] += 1
                        tally["wrong"] += words != slave.said[block.address, block.count]
                    else:
                        assert not any(isinstance(word, int) for word in words)
                        await line.arrived(PATIENCE_S)
    line.close()
    return tally


def spoil(line_faults: Faults, seed: int) -> None:
    """Two replies in a hundred go wrong."""
    line_faults.at_rate(RATE, KINDS, seed)


async def over_a_pty(seed: int, reads: int) -> tuple[Tally, Tally]:
    """A pseudo-terminal whose bytes take hardly any time."""
    slaves = {unit: Restless(unit) for unit in UNITS}
    far = PacedLine(slaves, Pace(UNPACED_BAUD, heap_chars=HEAP_CHARS))
    spoil(far.faults(), seed)
    far.start()
    try:
        line = LineReader(SerialLine(far.device, UNPACED_BAUD, "N", 1))
        tally = await read_all(line, slaves, reads)
        tally["held back"] = far.held_back
        return tally, far.faults().given
    finally:
        far.stop()


async def over_tcp(seed: int, reads: int, framing: Framing) -> tuple[Tally, Tally]:
    """A gateway."""
    slaves = {unit: Restless(unit) for unit in UNITS}
    gateway = Gateway(slaves, framing)
    spoil(gateway.faults(), seed)
    async with GatewayServer(gateway) as far:
        make: type[TcpLine | RtuTcpLine] = TcpLine if framing is Framing.TCP else RtuTcpLine
        return await read_all(LineReader(make("127.0.0.1", far.port)), slaves, reads), gateway.faults().given


Way = Callable[[int, int], Awaitable[tuple[Tally, Tally]]]
WAYS: dict[str, tuple[Way, float]] = {
    "pty": (over_a_pty, 0.4),
    "tcp": (lambda seed, reads: over_tcp(seed, reads, Framing.TCP), 0.4),
    "rtu over tcp": (lambda seed, reads: over_tcp(seed, reads, Framing.RTU), 0.2),
}


@pytest.mark.parametrize("way", WAYS)
async def test_no_wrong_value_is_accepted(way: str) -> None:
    """Of all reads, of which two in a hundred are bent in seventeen ways, none is accepted that is not the true one.

    A reply that a busy machine holds back, beyond the time for which a client can wait, counts against the machine.
    """
    read, share = WAYS[way]
    each = int(READS * share / LINES) + 1
    done = await asyncio.gather(*(read(seed, each) for seed in range(LINES)))
    tally, given = (sum((one[i] for one in done), Tally()) for i in (0, 1))
    assert tally["wrong"] <= tally["held back"], tally
    assert tally["reads"] >= READS * share
    assert tally["accepted"] > tally["reads"] * 0.8
    assert given.total() > tally["reads"] * RATE / 2
    assert len(given) >= len({kind.name for kind in KINDS}) - 2
