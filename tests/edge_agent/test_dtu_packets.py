"""A DTU's own packets among the frames that it passes on."""

import pytest

from edge_agent.dtu_packets import DtuPackets
from edge_agent.line import DialInLine, RtuTcpLine
from edge_agent.line_file import mistakable_heartbeat
from simulators.modbus_frames import rtu_frame, tcp_frame

ZEROS = rtu_frame(7, b"\x03\x04" + bytes(4))
REFUSED = rtu_frame(7, b"\x83\x02")
MBAP = tcp_frame(7, b"\x03\x04" + bytes(4), 0xFEFE)
NEXT = tcp_frame(7, b"\x03\x02\x00\x01", 0xFEFF)

RTU = {
    "a whole piece": (b"\x00", [b"\x00", b"\x00\x00", ZEROS], [b"", b"", ZEROS]),
    "within a reply, by its bytes": (b"\x00", [ZEROS[:3], ZEROS[3:5], ZEROS[5:]], [ZEROS[:3], ZEROS[3:5], ZEROS[5:]]),
    "within a reply, as a piece of it": (b"\x00", [ZEROS[:4], b"\x00", ZEROS[5:]], [ZEROS[:4], b"\x00", ZEROS[5:]]),
    "before and behind a reply": (b"PING", [b"PING" + ZEROS + b"PINGPING" + REFUSED], [ZEROS + REFUSED]),
    "behind a reply in two pieces": (b"\xfe", [ZEROS[:5], ZEROS[5:] + b"\xfe", b"\xfe"], [ZEROS[:5], ZEROS[5:], b""]),
    "in two pieces": (b"PING", [b"PI", b"NG", ZEROS, b"P", b"ING"], [b"", b"", ZEROS, b"", b""]),
    "nearly": (b"PING", [b"PI", b"NO", b"PING"], [b"", b"PINO", b"PING"]),
    "registration said again": (b"", [b"DTU-1", ZEROS + b"DTU-1"], [b"", ZEROS]),
    "behind a damaged reply": (b"\xfe", [ZEROS[:-1] + b"\x00\xfe"], [ZEROS[:-1] + b"\x00\xfe"]),
}
TCP = {
    "a whole piece": (b"\xfe\xfe", [b"\xfe\xfe", NEXT, b"\xfe\xfe"], [b"", NEXT, b""]),
    "a reply that begins so": (b"\xfe\xfe", [MBAP, MBAP + b"\xfe\xfe" + NEXT], [MBAP, MBAP + NEXT]),
    "within a reply": (b"\x00\x00", [NEXT[:2], NEXT[2:5], NEXT[5:]], [NEXT[:2], NEXT[2:5], NEXT[5:]]),
    "behind half a reply, which it would end": (b"\x00\x01", [NEXT[:-2], b"\x00\x01"], [NEXT[:-2], b""]),
    "behind a reply": (b"PING", [NEXT + b"PING", b"PI", b"NG" + NEXT], [NEXT, b"", NEXT]),
}
CASES = [(True, name) for name in RTU] + [(False, name) for name in TCP]


@pytest.mark.parametrize(("is_rtu", "case"), CASES)
def test_only_where_a_frame_could_begin(is_rtu: bool, case: str) -> None:
    """A packet is dropped alone, before and behind whole frames; what is within a reply is the reply's, or spoils it."""
    heartbeat, pieces, passed = (RTU if is_rtu else TCP)[case]
    packets = DtuPackets(DialInLine("127.0.0.1", 1, is_rtu=is_rtu, register=b"DTU-1", heartbeat=heartbeat))
    assert [packets.without(piece) for piece in pieces] == passed


def test_half_a_reply_ends_with_the_next_request() -> None:
    """What was broken off before a request does not keep the heartbeats behind it."""
    packets = DtuPackets(DialInLine("127.0.0.1", 1, heartbeat=b"\xfe"))
    assert packets.without(ZEROS[:5]) == ZEROS[:5]
    assert packets.without(b"\xfe") == b"\xfe"
    packets.asked()
    assert packets.without(b"\xfe" + ZEROS) == ZEROS


MISTAKABLE = [
    (DialInLine("h", 1, heartbeat=b"\x07PING"), 7, True),
    (DialInLine("h", 1, heartbeat=b"\x07PING"), 8, False),
    (DialInLine("h", 1, heartbeat=b"\x00"), 7, False),
    (DialInLine("h", 1, is_rtu=False, heartbeat=b"\x00"), 7, True),
    (DialInLine("h", 1, is_rtu=False, heartbeat=b"\x07"), 7, False),
    (DialInLine("h", 1), 7, False),
    (RtuTcpLine("h", 1), 7, False),
]


@pytest.mark.parametrize(("line", "unit", "is_mistakable"), MISTAKABLE)
def test_a_heartbeat_that_begins_as_a_reply_does(line: DialInLine | RtuTcpLine, unit: int, is_mistakable: bool) -> None:
    """A heartbeat that could be a unit's reply is told, in the terms of its framing."""
    assert bool(mistakable_heartbeat(line, unit)) == is_mistakable
