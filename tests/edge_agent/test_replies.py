"""Which bytes answer a request, and which never do."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.replies import Asked, hear_rtu, hear_tcp
from tests.edge_agent import frames
from tests.edge_agent.slave import rtu_adu

TCP = Asked(unit=1, function=4, byte_count=4, transaction=7)
RTU = Asked(unit=1, function=4, byte_count=4, transaction=None)
GOOD = bytes.fromhex("04 04 48 1D 78 80")


def mbap(pdu: bytes, tid: int = 7, unit: int = 1, protocol: int = 0, length: int | None = None) -> bytes:
    """A frame with any field bent."""
    return struct.pack(">HHHB", tid, protocol, len(pdu) + 1 if length is None else length, unit) + pdu


TCP_CASES: dict[str, tuple[bytes, str | None]] = {
    "right": (mbap(GOOD), None),
    "right behind an old one": (mbap(GOOD, tid=6) + mbap(GOOD), None),
    "right behind a wrong one": (mbap(b"\x03" + GOOD[1:]) + mbap(GOOD), None),
    "refusal": (mbap(b"\x84\x02"), None),
    "old": (mbap(GOOD, tid=6), ""),
    "number 0": (mbap(GOOD, tid=0), ""),
    "other unit": (mbap(GOOD, unit=2), "asked unit 1, got 2"),
    "other function": (mbap(b"\x03" + GOOD[1:]), "asked function 4, got 3"),
    "unknown function": (mbap(b"\x55" + GOOD[1:]), "asked function 4, got 85"),
    "fewer bytes": (mbap(b"\x04\x02\x48\x1d"), "asked 4 bytes, got 2 announced and 2 sent"),
    "more bytes": (mbap(b"\x04\x06\x48\x1d\x78\x80\x00\x00"), "asked 4 bytes, got 6 announced and 6 sent"),
    "odd byte count": (mbap(b"\x04\x03\x48\x1d\x78"), "asked 4 bytes, got 3 announced and 3 sent"),
    "announces more than it sends": (mbap(b"\x04\x04\x48\x1d"), "asked 4 bytes, got 4 announced and 2 sent"),
    "sends more than it announces": (mbap(GOOD + b"\x00"), "asked 4 bytes, got 4 announced and 5 sent"),
    "other function's refusal": (mbap(b"\x83\x02"), "asked function 4, got 131"),
    "long refusal": (mbap(b"\x84\x02\x00"), "exception of 4 bytes, expected 3"),
    "cut": (mbap(GOOD)[:-1], "a reply that ends early"),
    "header cut": (mbap(GOOD)[:5], "a reply that ends early"),
    "other protocol": (mbap(GOOD, protocol=1), "bytes that are no Modbus TCP header"),
    "length 0": (mbap(GOOD, length=0), "bytes that are no Modbus TCP header"),
    "length beyond a frame": (mbap(GOOD, length=300), "bytes that are no Modbus TCP header"),
    "noise": (b"\xff" * 20, "bytes that are no Modbus TCP header"),
    "nothing": (b"", ""),
}


@pytest.mark.parametrize("case", TCP_CASES)
def test_tcp(case: str) -> None:
    """Only a frame with our number, unit, function and length answers; else the complaint is the one written here."""
    data, wrong = TCP_CASES[case]
    heard = hear_tcp(data, TCP)
    if wrong is None:
        assert heard.reply == data[-len(heard.reply or b"") :]
        assert heard.reply
    else:
        assert heard.reply is None
        assert heard.wrong == wrong
    assert heard.lost == (wrong == "bytes that are no Modbus TCP header")


RIGHT = rtu_adu(1, GOOD)
RTU_CASES: dict[str, tuple[bytes, bytes | None]] = {
    "right": (RIGHT, RIGHT),
    "junk before": (b"\x1d\x00\x97" + RIGHT, RIGHT),
    "junk after": (RIGHT + b"\xff", RIGHT),
    "unit 2's late reply before": (rtu_adu(2, GOOD) + RIGHT, RIGHT),
    "a longer late reply before": (rtu_adu(1, b"\x04\x06" + bytes(6)) + RIGHT, RIGHT),
    "refusal": (rtu_adu(1, b"\x84\x02"), rtu_adu(1, b"\x84\x02")),
    "other unit": (rtu_adu(2, GOOD), None),
    "other function": (rtu_adu(1, b"\x03" + GOOD[1:]), None),
    "other function's refusal": (rtu_adu(1, b"\x83\x02"), None),
    "other length": (rtu_adu(1, b"\x04\x02\x48\x1d"), None),
    "bad check sum": (RIGHT[:-1] + b"\x00", None),
    "cut": (RIGHT[:-1], None),
    "echo of the request": (rtu_adu(1, bytes.fromhex("04 00 34 00 02")), None),
    "noise": (b"\x01\x04\x04" * 5, None),
}


@pytest.mark.parametrize("case", RTU_CASES)
def test_rtu(case: str) -> None:
    """Only a frame with our unit, function, length and a right check sum answers, wherever it begins."""
    data, expected = RTU_CASES[case]
    heard = hear_rtu(data, RTU)
    assert heard.reply == expected
    assert (heard.wrong == "") == (expected is not None)


def test_silence_is_no_wrong_reply() -> None:
    """Nothing heard is told apart from something wrong heard."""
    assert hear_rtu(b"", RTU).wrong == ""


@given(st.integers(0, len(RIGHT) - 1), st.integers(1, 255))
def test_no_damaged_byte_passes(at: int, flip: int) -> None:
    """Whatever single byte of an RTU reply is damaged, it is no reply."""
    damaged = bytearray(RIGHT)
    damaged[at] ^= flip
    assert hear_rtu(bytes(damaged), RTU).reply is None


@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    """No bytes at all make the search fail, and what it finds is always exactly what was asked."""
    for heard, size in ((hear_tcp(data, TCP), 13), (hear_rtu(data, RTU), 9)):
        assert heard.reply is None or len(heard.reply) in (size, size - 4)


def test_one_behind() -> None:
    """Report r09: of the two late replies neither answers the request under way, the two right ones do."""
    script = frames.read("r09-one-behind")
    answered = []
    pending: Asked | None = None
    for frame in script:
        if frame.sent:
            count = frame.data[11]
            pending = Asked(frame.data[6], frame.data[7], count * 2, int.from_bytes(frame.data[:2], "big"))
        elif pending is not None:
            heard = hear_tcp(frame.data, pending)
            answered += [heard.reply[:2].hex()] if heard.reply else []
    assert answered == ["0053", "0054", "0056"]


def test_wide_register() -> None:
    """Report r07: a reply of another width is refused with asked and got, its first half is no value."""
    ask, reply, ask_wide, reply_wide = frames.read("r07-wide-register")
    assert hear_tcp(reply.data, Asked(1, 4, 2, int.from_bytes(ask.data[:2], "big"))).reply == reply.data
    heard = hear_tcp(reply_wide.data, Asked(1, 4, 2, int.from_bytes(ask_wide.data[:2], "big")))
    assert (heard.reply, heard.wrong) == (None, "asked 2 bytes, got 4 announced and 4 sent")


def test_split_and_glued() -> None:
    """Report r11: a reply in pieces is whole only with its last byte; of two glued replies only unit 2's answers unit 2."""
    ask, pieces, _, ask_two, glued = frames.read("r11-split-frames")
    asked = Asked(ask.data[0], ask.data[1], ask.data[5] * 2, None)
    for end in range(1, len(pieces.segments)):
        assert hear_rtu(b"".join(pieces.segments[:end]), asked).reply is None
    assert hear_rtu(pieces.data, asked).reply == pieces.data
    heard = hear_rtu(glued.data, Asked(ask_two.data[0], ask_two.data[1], ask_two.data[5] * 2, None))
    assert heard.reply == glued.data[-9:]


def test_leading_byte() -> None:
    """Report r13: behind a junk byte the reply is found by its check sum; the one whose last byte is cut is none."""
    replies = [frame.data for frame in frames.read("r13-leading-byte") if not frame.sent]
    heard = [hear_rtu(reply, RTU) for reply in replies]
    assert [h.reply and h.reply[3:7].hex() for h in heard] == ["436c3ee6", None, "436c3ee6"]
    assert [h.foreign for h in heard] == [1, len(replies[1]), 1]
