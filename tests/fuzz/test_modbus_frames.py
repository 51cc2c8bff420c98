"""Mutated Modbus frames through the client's own path: nothing crashes, nothing hangs, nothing wrong is accepted.

What a check sum of 16 bits or a length cannot tell is judged by another method: the test searches the sent bytes itself.
COLDSEAL_FRAMES says how many frames; `make fuzz` takes a million.
"""

import asyncio
import os
import random
import struct
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_agent.line import RtuTcpLine, TcpLine
from edge_agent.modbus import LineReader
from edge_agent.plan import Block
from edge_agent.replies import Asked, answer_of
from edge_agent.replies_rtu import RtuReplies
from edge_agent.replies_tcp import TcpReplies
from tests.edge_agent.slave import rtu_adu
from wire.reading import Unreadable

FRAMES = int(os.environ.get("COLDSEAL_FRAMES", "6000"))
EXAMPLES = int(os.environ.get("COLDSEAL_EXAMPLES", "400"))
LINES = 32
BLOCK = Block(4, 0x34, 6)
TRUTH = (0x4366, 0x6666, 0x4366, 0x199A, 0x0104, 0x0C43)
"""The last words look like the beginning of a reply."""
GOOD = bytes([4, 12]) + struct.pack(">6H", *TRUTH)
TIMEOUT_S, HANG_S = 0.01, 10.0
HEAD_BYTES = 9
"""Of Modbus TCP: header, function and byte count. Behind it nothing protects a byte."""


def true_words(sent: bytes, size: int, start: int) -> set[tuple[int, ...]]:
    """Words of every whole reply with a right check sum among the bytes, by a method of its own."""
    found = set()
    for at in range(len(sent) - size + 1):
        frame = sent[at : at + size]
        if frame[:3] == b"\x01\x04\x0c" and rtu_adu(1, frame[1:-2]) == frame:
            found.add(struct.unpack(">6H", frame[start:-2]))
    return found


def changed(chance: random.Random, data: bytearray, reach: int) -> None:
    """Other bits, within the first so many bytes: one byte, one to three bits, two neighbours, or one of the head."""
    at = chance.randrange(1, reach)
    kind = chance.choice(("flip", "bits", "burst", "head"))
    if kind == "flip":
        data[at] ^= chance.randint(1, 255)
    elif kind == "bits":
        for bit in chance.sample(range(8 * reach), chance.randint(1, 3)):
            data[bit // 8] ^= 1 << bit % 8
    elif kind == "burst":
        data[at - 1 : at + 1] = chance.randbytes(2)
    else:
        data[chance.randrange(3)] = chance.randrange(256)


def resized(chance: random.Random, data: bytearray, reach: int) -> None:
    """Bytes missing, added, doubled, or before it."""
    at = chance.randrange(reach)
    kind = chance.choice(("cut", "lose", "insert", "double", "junk"))
    if kind == "cut":
        del data[chance.randrange(len(data)) :]
    elif kind == "lose":
        del data[at : at + chance.randint(1, 3)]
    elif kind == "insert":
        data[at:at] = chance.randbytes(chance.randint(1, 4))
    elif kind == "double":
        data += data[: chance.randint(1, len(data))]
    else:
        data[:0] = chance.randbytes(chance.randint(1, 12))


def mutated(chance: random.Random, frame: bytes, *, tcp: bool) -> bytes:
    """A frame with something wrong; of Modbus TCP in the head only, or with bytes missing or added there or behind."""
    data = bytearray(frame)
    chance.choice((changed, resized))(chance, data, HEAD_BYTES if tcp else len(data))
    return bytes(data)


class Mutator(asyncio.Protocol):
    """Answers each request with a mutated reply, in pieces.

    Attributes:
        sent: the bytes of each answer since the last word was accepted.
    """

    def __init__(self, seed: int, *, tcp: bool) -> None:
        self.chance = random.Random(seed)
        self.sent = b""
        self.frames = 0
        self._tcp = tcp

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def close(self) -> None:
        """End the connection."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """A request."""
        frame = data[:4] + struct.pack(">HB", len(GOOD) + 1, 1) + GOOD if self._tcp else rtu_adu(1, GOOD)
        spoilt = mutated(self.chance, frame, tcp=self._tcp)
        self.frames += 1
        self.sent = (self.sent + spoilt)[-600:]
        cut = self.chance.randrange(len(spoilt) + 1)
        for piece in filter(None, (spoilt[:cut], spoilt[cut:])):
            self._transport.write(piece)


async def bombarded(seed: int, frames: int, *, tcp: bool) -> Counter[str]:
    """One connection after the other, until so many mutated frames were answered."""
    mutators: list[Mutator] = []
    tally: Counter[str] = Counter()
    loop = asyncio.get_running_loop()

    def answer() -> Mutator:
        mutators.append(Mutator(seed * 1_000_003 + len(mutators), tcp=tcp))
        return mutators[-1]

    server = await loop.create_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    line = LineReader(TcpLine("127.0.0.1", port) if tcp else RtuTcpLine("127.0.0.1", port))
    while sum(one.frames for one in mutators) < frames:
        async with asyncio.timeout(HANG_S):
            answer_or_reason = await line.read(1, BLOCK, TIMEOUT_S, late_s=0.0)
        if isinstance(answer_or_reason, Unreadable):
            tally[answer_or_reason.reason.value] += 1
            await line.arrived(HANG_S)
            continue
        tally["accepted"] += 1
        if answer_or_reason != TRUTH:
            sent = b"".join(one.sent for one in mutators[-2:])
            tally["wrong"] += tcp or answer_or_reason not in true_words(sent, len(GOOD) + 3, 3)
            tally["no check sum can tell"] += 1
    line.close()
    server.close()
    for one in mutators:
        one.close()
    await server.wait_closed()
    await asyncio.sleep(0.05)
    return tally


@pytest.mark.parametrize("tcp", [True, False])
async def test_mutated_frames_from_a_line(tcp: bool) -> None:
    """Through sockets, in pieces, with time-outs: each answer is the truth or a reason, and comes in its time."""
    each = FRAMES // 2 // LINES + 1
    done = await asyncio.gather(*(bombarded(seed, each, tcp=tcp) for seed in range(LINES)))
    tally = sum(done, Counter[str]())
    assert tally["wrong"] == 0
    assert tally["accepted"] > 0
    assert {"short_frame", "wrong_length" if tcp else "check_sum"} <= set(tally)
    assert tally["no check sum can tell"] <= 3 + FRAMES // 65_536


RTU = Asked(1, 4, 12, 6, rtu_adu(1, bytes.fromhex("04 0034 0006")))
TCP = Asked(1, 4, 12, 6, bytes.fromhex("0007 0000 0006 01 04 0034 0006"), 7)
GOOD_TCP = bytes.fromhex("0007 0000 000f 01") + GOOD


@st.composite
def pieces(draw: st.DrawFn, frame: bytes, reach: int) -> list[bytes]:
    """A good frame, spoilt a few times within its first bytes, with others around it, cut where it may be."""
    data = bytearray(frame)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, min(reach, len(data)) - 1)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "double"]))
        if kind == "flip" and data:
            data[at] ^= draw(st.integers(1, 255))
        elif kind == "cut":
            del data[at:]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=6))
        else:
            data[at:at] = data[:at]
    whole = draw(st.sampled_from([b"", frame[:5], frame])) + bytes(data) + draw(st.sampled_from([b"", b"\x01", frame]))
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    return [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


LIMITS = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


@LIMITS
@given(pieces(rtu_adu(1, GOOD), 19))
def test_mutated_rtu(parts: list[bytes]) -> None:
    """Whatever becomes of an RTU reply: an answer has a right check sum by another method, and its bytes were sent."""
    replies = RtuReplies()
    replies.begin(RTU)
    pdu = next(filter(None, map(replies.feed, parts)), None) or replies.end()
    answer = answer_of(pdu, RTU) if pdu else None
    if isinstance(answer, tuple):
        assert answer in true_words(b"".join(parts), len(GOOD) + 3, 3)
    elif pdu:
        assert rtu_adu(1, pdu) in b"".join(parts)
    else:
        replies.wrong()


@LIMITS
@given(pieces(GOOD_TCP, HEAD_BYTES))
def test_mutated_tcp(parts: list[bytes]) -> None:
    """Whatever becomes of a Modbus TCP head: an answer has our number, unit, function and length where it was sent."""
    replies = TcpReplies()
    replies.begin(TCP)
    pdu = next(filter(None, map(replies.feed, parts)), None) or replies.end()
    answer = answer_of(pdu, TCP) if pdu else None
    sent = b"".join(parts)
    if isinstance(answer, tuple):
        assert GOOD_TCP[:9] + struct.pack(">6H", *answer) in sent
    elif pdu:
        assert bytes.fromhex("0007 0000 0003 01") + pdu in sent
    else:
        replies.wrong()
