"""Frames against an independent library, and requests out of a stream that is cut anywhere."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU

from simulators.modbus_frames import (
    Framing,
    Request,
    check_sum,
    is_rtu_frame,
    next_request,
    refusal_pdu,
    reply_pdu,
    rtu_frame,
    tcp_frame,
)  # fmt: skip

READ = bytes.fromhex("03 0000 0002")


@given(st.binary(max_size=256))
def test_check_sum_is_the_librarys(data: bytes) -> None:
    """CRC-16 as pymodbus computes it, for any bytes."""
    assert check_sum(data).to_bytes(2, "little") == FramerRTU.compute_CRC(data).to_bytes(2, "big")


def test_check_sum_of_the_catalogue() -> None:
    """The check value that is published for CRC-16/MODBUS over the digits 1 to 9."""
    assert check_sum(b"123456789") == 0x4B37


REPLIES = {
    "words": (3, [0x11, 0xFFFF], "03 04 0011 FFFF"),
    "no words": (4, [], "04 00"),
    "bits, the first lowest": (2, [1, 0, 0, 0, 0, 0, 0, 1, 5], "02 02 81 01"),
    "bits of a whole byte": (1, [1] * 8, "01 01 FF"),
}


@pytest.mark.parametrize("name", REPLIES)
def test_reply(name: str) -> None:
    """Words are big-endian, bits fill bytes from the lowest."""
    function, words, expected = REPLIES[name]
    assert reply_pdu(function, words) == bytes.fromhex(expected)


def test_refusal() -> None:
    """The function's highest bit says that it is a refusal."""
    assert [refusal_pdu(function, 2) for function in (3, 0x83)] == [b"\x83\x02", b"\x83\x02"]


@pytest.mark.parametrize("size", [0, 3, 257])
def test_no_frame_of_that_length(size: int) -> None:
    """Nothing shorter than 4 or longer than 256 bytes is a frame, whatever its check sum."""
    body = bytes(max(0, size - 2))
    assert not is_rtu_frame((body + check_sum(body).to_bytes(2, "little"))[:size])


@pytest.mark.parametrize("framing", Framing)
@pytest.mark.parametrize("seed", range(10))
def test_requests_of_a_stream_cut_anywhere(framing: Framing, seed: int) -> None:
    """Whatever the cuts, the same requests come out once each, in their order."""
    chance = random.Random(seed)
    units = [chance.randint(1, 247) for _ in range(20)]
    frames = [rtu_frame(u, READ) if framing is Framing.RTU else tcp_frame(u, READ, n) for n, u in enumerate(units)]
    stream, received = b"".join(frames), bytearray()
    found: list[Request] = []
    while stream:
        cut = chance.randint(1, 20)
        received += stream[:cut]
        stream = stream[cut:]
        while (request := next_request(framing, received)) is not None:
            found.append(request)
    assert [request.unit for request in found] == units
    assert [request.frame for request in found] == frames
    assert {request.span for request in found} == {(0, 2)}
    assert not received


STREAMS: dict[str, tuple[Framing, str, list[int], int]] = {
    "noise, then a request": (Framing.RTU, "FF 03 55 01 03 0000 0002 C40B", [1], 0),
    "noise without end": (Framing.RTU, "FF 03" * 129, [], 0),
    "half a request": (Framing.RTU, "01 03 0000 0002 C4", [], 7),
    "a wrong check sum": (Framing.RTU, "01 03 0000 0002 C40C", [], 8),
    "a write, whole": (Framing.RTU, "01 10 0000 0001 02 0005 6653", [1], 0),
    "a write that is not whole": (Framing.RTU, "01 10 0000 0001 02 0005", [], 9),
    "no head": (Framing.TCP, "0001 0000 0006 01", [], 7),
    "a wrong protocol": (Framing.TCP, "0001 0001 0006 01 03 0000 0002", [], 0),
    "too long": (Framing.TCP, "0001 0000 00FF 01 03 0000 0002", [], 0),
    "no function": (Framing.TCP, "0001 0000 0001 01 03 0000 0002", [], 0),
}


@pytest.mark.parametrize("name", STREAMS)
def test_what_is_no_request(name: str) -> None:
    """What can be no request is dropped, what may become one is kept."""
    framing, text, units, left = STREAMS[name]
    received = bytearray.fromhex(text)
    found = []
    while (request := next_request(framing, received)) is not None:
        found.append(request.unit)
    assert (found, len(received)) == (units, left)


def test_a_request_without_a_span() -> None:
    """A frame that is no reading request has no address and count."""
    request = next_request(Framing.RTU, bytearray.fromhex("01 10 0000 0001 02 0005 6653"))
    assert request is not None
    assert (request.function, request.span) == (0x10, (0, 0))
