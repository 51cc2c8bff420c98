"""Which bytes answer a request, which never do, and which reason each of those gets."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.replies import EXCEPTIONS, MAY_STILL_COME, NO_CONNECTION, SILENT, SPOILT, Asked, Words, answer_of, crc
from edge_agent.replies_rtu import RtuReplies, other_master
from edge_agent.replies_tcp import TcpReplies
from tests.edge_agent import frames
from tests.edge_agent.slave import rtu_adu
from wire.reading import Reason, Unreadable

GOOD = bytes.fromhex("04 04 48 1D 78 80")
REQUEST = bytes.fromhex("04 00 34 00 02")
TCP = Asked(1, 4, 4, 2, struct.pack(">HHHB", 7, 0, 6, 1) + REQUEST, 7)
RTU = Asked(1, 4, 4, 2, rtu_adu(1, REQUEST))

Outcome = tuple[bytes | None, Reason | None]


def hear_tcp(data: bytes, asked: Asked = TCP) -> Outcome:
    """What a connection makes of bytes that come in one piece: the reply, or why there is none."""
    replies = TcpReplies()
    replies.begin(asked)
    pdu = replies.feed(data) or replies.end()
    wrong = replies.wrong()
    return pdu, wrong.reason if wrong and pdu is None else None


def hear_rtu(data: bytes, asked: Asked = RTU) -> Outcome:
    """The same of a serial line."""
    replies = RtuReplies()
    replies.begin(asked)
    pdu = replies.feed(data) or replies.end()
    wrong = replies.wrong()
    return pdu, wrong.reason if wrong and pdu is None else None


def mbap(pdu: bytes, tid: int = 7, unit: int = 1, protocol: int = 0, length: int | None = None) -> bytes:
    """A frame with any field bent."""
    return struct.pack(">HHHB", tid, protocol, len(pdu) + 1 if length is None else length, unit) + pdu


REFUSAL = b"\x84\x02"
NOTHING: Outcome = (None, None)
TCP_CASES: dict[str, tuple[bytes, Outcome]] = {
    "right": (mbap(GOOD), (GOOD, None)),
    "right behind an old one": (mbap(GOOD, tid=6) + mbap(GOOD), (GOOD, None)),
    "right behind a wrong one": (mbap(b"\x03" + GOOD[1:]) + mbap(GOOD), (GOOD, None)),
    "refusal": (mbap(REFUSAL), (REFUSAL, None)),
    "old": (mbap(GOOD, tid=6), NOTHING),
    "number 0": (mbap(GOOD, tid=0), NOTHING),
    "other unit": (mbap(GOOD, unit=2), (None, Reason.WRONG_UNIT)),
    "other function": (mbap(b"\x03" + GOOD[1:]), (None, Reason.WRONG_FUNCTION)),
    "unknown function": (mbap(b"\x55" + GOOD[1:]), (None, Reason.WRONG_FUNCTION)),
    "fewer bytes": (mbap(b"\x04\x02\x48\x1d"), (None, Reason.WRONG_LENGTH)),
    "more bytes": (mbap(b"\x04\x06\x48\x1d\x78\x80\x00\x00"), (None, Reason.WRONG_LENGTH)),
    "odd byte count": (mbap(b"\x04\x03\x48\x1d\x78"), (None, Reason.WRONG_LENGTH)),
    "announces more than it sends": (mbap(b"\x04\x04\x48\x1d"), (None, Reason.WRONG_LENGTH)),
    "sends more than it announces": (mbap(GOOD + b"\x00"), (None, Reason.WRONG_LENGTH)),
    "other function's refusal": (mbap(b"\x83\x02"), (None, Reason.WRONG_FUNCTION)),
    "long refusal": (mbap(b"\x84\x02\x00"), (None, Reason.WRONG_LENGTH)),
    "cut": (mbap(GOOD)[:-1], (None, Reason.SHORT_FRAME)),
    "header cut": (mbap(GOOD)[:5], (None, Reason.SHORT_FRAME)),
    "other protocol": (mbap(GOOD, protocol=1), (None, Reason.BAD_REPLY)),
    "length 0": (mbap(GOOD, length=0), (None, Reason.BAD_REPLY)),
    "length beyond a frame": (mbap(GOOD, length=300), (None, Reason.BAD_REPLY)),
    "noise": (b"\xff" * 20, (None, Reason.BAD_REPLY)),
    "nothing": (b"", NOTHING),
}


@pytest.mark.parametrize("case", TCP_CASES)
def test_tcp(case: str) -> None:
    """Only a frame with our number, unit, function and length answers; each other one has its reason."""
    data, expected = TCP_CASES[case]
    assert hear_tcp(data) == expected


RIGHT = rtu_adu(1, GOOD)
OWN = RTU.frame
RTU_CASES: dict[str, tuple[bytes, Outcome]] = {
    "right": (RIGHT, (GOOD, None)),
    "junk before": (b"\x1d\x00\x97" + RIGHT, (GOOD, None)),
    "junk that looks like a beginning": (b"\x01\x04\x04" + RIGHT, (GOOD, None)),
    "junk after": (RIGHT + b"\xff", (GOOD, None)),
    "unit 2's late reply before": (rtu_adu(2, GOOD) + RIGHT, (GOOD, None)),
    "a longer late reply before": (rtu_adu(1, b"\x04\x06" + bytes(6)) + RIGHT, (GOOD, None)),
    "behind our own echo": (OWN + RIGHT, (GOOD, None)),
    "refusal": (rtu_adu(1, REFUSAL), (REFUSAL, None)),
    "other unit": (rtu_adu(2, GOOD), (None, Reason.WRONG_UNIT)),
    "other unit's refusal": (rtu_adu(2, REFUSAL), (None, Reason.WRONG_UNIT)),
    "other function": (rtu_adu(1, b"\x03" + GOOD[1:]), (None, Reason.WRONG_FUNCTION)),
    "unknown function": (rtu_adu(1, b"\x55" + GOOD[1:]), (None, Reason.WRONG_FUNCTION)),
    "other function's refusal": (rtu_adu(1, b"\x83\x02"), (None, Reason.WRONG_FUNCTION)),
    "fewer bytes": (rtu_adu(1, b"\x04\x02\x48\x1d"), (None, Reason.WRONG_LENGTH)),
    "more bytes": (rtu_adu(1, b"\x04\x06" + bytes(6)), (None, Reason.WRONG_LENGTH)),
    "odd byte count": (rtu_adu(1, b"\x04\x03\x48\x1d\x78"), (None, Reason.WRONG_LENGTH)),
    "bad check sum": (RIGHT[:-1] + b"\x00", (None, Reason.CHECK_SUM)),
    "garbled unit": (b"\x09" + RIGHT[1:], (None, Reason.CHECK_SUM)),
    "garbled data": (RIGHT[:4] + b"\x77" + RIGHT[5:], (None, Reason.CHECK_SUM)),
    "cut": (RIGHT[:-1], (None, Reason.SHORT_FRAME)),
    "first byte only": (RIGHT[:1], (None, Reason.SHORT_FRAME)),
    "our own echo alone": (OWN, NOTHING),
    "another master's request": (rtu_adu(1, b"\x04\x00\x00\x00\x02"), (None, Reason.BAD_REPLY)),
    "noise": (b"\x01\x05\x04" * 5, (None, Reason.BAD_REPLY)),
    "nothing": (b"", NOTHING),
}


@pytest.mark.parametrize("case", RTU_CASES)
def test_rtu(case: str) -> None:
    """Only a frame with our unit, function, length and a right check sum answers; each other one has its reason."""
    data, expected = RTU_CASES[case]
    assert hear_rtu(data) == expected


@pytest.mark.parametrize("case", RTU_CASES)
def test_rtu_byte_by_byte(case: str) -> None:
    """Bytes that come one by one amount to the same as in one piece, and a reply is there with its last byte."""
    data, expected = RTU_CASES[case]
    replies = RtuReplies()
    replies.begin(RTU)
    found = [at for at in range(len(data)) if replies.feed(data[at : at + 1])]
    pdu, _ = expected
    if pdu is None:
        assert found == []
    elif not data.startswith(b"\x01\x04\x04\x01"):  # the look of a beginning holds it back until the end
        assert found == [data.index(rtu_adu(1, pdu)) + len(pdu) + 2]


def test_an_echo_that_would_pass_for_a_reply() -> None:
    """24 inputs from 0x300: the request reads like its own good reply, check sum and all; it is none."""
    asked = Asked(1, 2, 3, 24, rtu_adu(1, b"\x02\x03\x00\x00\x18"))
    assert hear_rtu(asked.frame, asked) == (None, None)
    reply = rtu_adu(1, b"\x02\x03\x00\x00\x19")
    assert hear_rtu(asked.frame + reply, asked) == (b"\x02\x03\x00\x00\x19", None)


ECHOES: dict[str, list[bytes]] = {
    "whole": [OWN, RIGHT],
    "in pieces": [OWN[:3], OWN[3:7], OWN[7:] + RIGHT[:2], RIGHT[2:]],
    "none": [RIGHT],
    "glued": [OWN + RIGHT],
    "garbled": [OWN[:4] + b"\xee" + OWN[5:], RIGHT],
}


@pytest.mark.parametrize("case", ECHOES)
def test_local_echo(case: str) -> None:
    """Behind an adapter that hears what it sends, the reply is found whatever became of the echo."""
    replies = RtuReplies(echo=True)
    replies.begin(RTU)
    assert [pdu for piece in ECHOES[case] if (pdu := replies.feed(piece))] == [GOOD]


def test_an_echo_alone_is_silence() -> None:
    """What the adapter repeats is no wrong reply: the unit said nothing."""
    replies = RtuReplies(echo=True)
    replies.begin(RTU)
    assert (replies.feed(OWN), replies.end(), replies.wrong()) == (None, None, None)


MASTERS: dict[str, tuple[bytes, str | None]] = {
    "reads": (rtu_adu(5, b"\x03\x00\x00\x00\x0a"), "another master asks unit 5 by function 3"),
    "reads an address that looks like a length": (
        rtu_adu(5, b"\x03\x02\x00\x00\x0a"),
        "another master asks unit 5 by function 3",
    ),
    "writes one": (rtu_adu(5, b"\x06\x00\x01\x00\x07"), "another master asks unit 5 by function 6"),
    "writes many": (rtu_adu(5, b"\x10\x00\x01\x00\x01\x02\x00\x07"), "another master asks unit 5 by function 16"),
    "behind noise": (b"\x00\xff" + rtu_adu(5, b"\x04\x00\x00\x00\x0a"), "another master asks unit 5 by function 4"),
    "our own": (OWN, None),
    "a reply": (RIGHT, None),
    "a reply as long as a request": (rtu_adu(1, b"\x02\x03\x00\x00\x18"), None),
    "noise": (bytes(range(30)), None),
}


@pytest.mark.parametrize("case", MASTERS)
def test_other_master(case: str) -> None:
    """Somebody else's request is told by its check sum and its form; replies, noise and our own are not."""
    data, words = MASTERS[case]
    found = other_master(data, OWN)
    assert (found and found.words) == words


@given(st.integers(0, len(RIGHT) - 1), st.integers(1, 255))
def test_no_damaged_byte_passes(at: int, flip: int) -> None:
    """Whatever single byte of an RTU reply is damaged, it is no reply."""
    damaged = bytearray(RIGHT)
    damaged[at] ^= flip
    assert hear_rtu(bytes(damaged))[0] is None


@given(st.lists(st.binary(max_size=30), max_size=4))
def test_any_bytes(pieces: list[bytes]) -> None:
    """No bytes at all make the search fail, and what it finds is always exactly what was asked."""
    searches: list[RtuReplies | TcpReplies] = [RtuReplies(), TcpReplies()]
    for replies, asked in zip(searches, (RTU, TCP), strict=True):
        replies.begin(asked)
        found = [pdu for piece in pieces if (pdu := replies.feed(piece))]
        assert {(len(pdu), pdu[0]) for pdu in found} <= {(6, 4), (2, 0x84)}
        replies.end()
        replies.wrong()


@given(st.binary(min_size=1, max_size=300))
def test_check_sum(data: bytes) -> None:
    """The check sum is the one that another method gives."""
    assert crc(data).to_bytes(2, "little") == rtu_adu(data[0], data[1:])[-2:]


@pytest.mark.parametrize("code", range(256))
def test_every_exception_is_a_reason_of_its_own(code: int) -> None:
    """Codes 1 to 8, 10 and 11 have a reason each, all others the one for unknown codes; none is a value."""
    answer = answer_of(bytes([0x84, code]), RTU)
    assert answer == Unreadable(EXCEPTIONS.get(code, Reason.UNKNOWN_EXCEPTION))
    assert len(set(EXCEPTIONS.values())) == len(EXCEPTIONS) == 10


ANSWERS: dict[str, tuple[Asked, bytes, Words]] = {
    "words": (RTU, GOOD, (0x481D, 0x7880)),
    "one bit": (Asked(1, 2, 1, 1, b""), b"\x02\x01\x01", (1,)),
    "nine bits without the padding": (Asked(1, 1, 2, 9, b""), b"\x01\x02\x01\xff", (1, 0, 0, 0, 0, 0, 0, 0, 1)),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_words_of_a_reply(case: str) -> None:
    """Words come big-endian, bits lowest first."""
    asked, pdu, words = ANSWERS[case]
    assert answer_of(pdu, asked) == words


def asked_by(request: bytes) -> Asked:
    """What an RTU request of a report asks for."""
    return Asked(request[0], request[1], request[5] * 2, request[5], request)


def test_one_behind() -> None:
    """Report r09: of the two late replies neither answers the request under way, the two right ones do."""
    replies, answered = TcpReplies(), []
    for frame in frames.read("r09-one-behind"):
        data = frame.data
        if frame.sent:
            tid = int.from_bytes(data[:2], "big")
            replies.begin(Asked(data[6], data[7], data[11] * 2, data[11], data, tid))
        elif pdu := replies.feed(data):
            answered.append((tid, pdu[2:].hex()))
    assert answered == [(0x53, "449a5000"), (0x54, "481d7880"), (0x56, "436566664366199a4364b333")]


def test_wide_register() -> None:
    """Report r07: a reply of another width is refused with asked and got, its first half is no value."""
    ask, reply, ask_wide, reply_wide = frames.read("r07-wide-register")
    narrow = [Asked(1, 4, 2, 1, a.data, int.from_bytes(a.data[:2], "big")) for a in (ask, ask_wide)]
    assert hear_tcp(reply.data, narrow[0])[0] == reply.data[7:]
    assert hear_tcp(reply_wide.data, narrow[1]) == (None, Reason.WRONG_LENGTH)


def test_split_and_glued() -> None:
    """Report r11: a reply in pieces is whole only with its last byte; of two glued replies only unit 2's answers unit 2."""
    ask, pieces, _, ask_two, glued = frames.read("r11-split-frames")
    replies = RtuReplies()
    replies.begin(asked_by(ask.data))
    assert [bool(replies.feed(piece)) for piece in pieces.segments] == [False] * (len(pieces.segments) - 1) + [True]
    assert hear_rtu(glued.data, asked_by(ask_two.data))[0] == glued.data[-8:-2]


def test_leading_byte() -> None:
    """Report r13: behind a junk byte the reply is found by its check sum; the one whose last byte is cut is none."""
    heard = [hear_rtu(frame.data) for frame in frames.read("r13-leading-byte") if not frame.sent]
    assert [pdu and pdu[2:].hex() for pdu, _ in heard] == ["436c3ee6", None, "436c3ee6"]
    assert heard[1][1] is Reason.SHORT_FRAME


def test_late_reply_of_the_same_shape() -> None:
    """Report r15: bytes alone do not tell whose reply it is; so nothing here does, and modbus.py must (test_modbus_rtu)."""
    script = frames.read("r15-late-reply-same-shape")
    asked = [asked_by(f.data) for f in script if f.sent]
    late = next(f.data for f in script if not f.sent)
    assert [hear_rtu(late, a)[0] is not None for a in asked[:2]] == [True, True]


def test_no_answer_is_one_table() -> None:
    """Each reason without an answer is in one list; all but a gateway's own words leave a reply that may still come."""
    listed = (*NO_CONNECTION, *SILENT, *SPOILT)
    assert len(set(listed)) == len(listed)
    assert set(listed) - MAY_STILL_COME == {Reason.GATEWAY_PATH, Reason.GATEWAY_TARGET} <= set(EXCEPTIONS.values())
    assert set(listed) >= MAY_STILL_COME
