"""Meters that speak DL/T 645-2007 only."""

import pytest

from edge_agent import dlt645, dlt645_line
from edge_agent.dlt645 import Frame
from edge_agent.line import RtuTcpLine, SerialLine, TcpLine
from edge_agent.probe import document, probe, text
from simulators.paced_line import paced_line
from tests.edge_agent.commissioning import sites
from tests.edge_agent.commissioning.sites import LOAD, Site, dlt645_behind_dtu, dlt645_meter, served
from wire.clock import SystemClock


def test_requests_are_those_of_the_standard() -> None:
    """Both requests, byte for byte as domain.md 7.8 has them."""
    assert dlt645.ask_address() == sites.ASK_ADDRESS
    assert dlt645.ask_data("000000000012", dlt645.IMPORT_ENERGY) == sites.ASK_IMPORT


@pytest.mark.parametrize(
    ("received", "frame"),
    [
        (sites.TELL_ADDRESS, Frame(sites.ADDRESS, 0x93, bytes.fromhex("120000000000"))),
        (b"\x00\x68\xff" + sites.TELL_ADDRESS + b"\x00", Frame(sites.ADDRESS, 0x93, bytes.fromhex("120000000000"))),
        (sites.ASK_ADDRESS + sites.TELL_ADDRESS, Frame(sites.ADDRESS, 0x93, bytes.fromhex("120000000000"))),
        (sites.REFUSE, Frame(sites.ADDRESS, 0xD1, b"\x02")),
        (sites.ASK_IMPORT, None),
        (sites.TELL_ADDRESS[:-1], None),
        (sites.TELL_ADDRESS[:-2] + b"\x00\x16", None),
        (bytes.fromhex("01 03 02 00 11 78 48"), None),
        (b"", None),
    ],
    ids=["whole", "noise", "own_echo", "refusal", "request_only", "cut", "check_sum", "modbus", "nothing"],
)
def test_replies(received: bytes, frame: Frame | None) -> None:
    """A reply is found among noise and echo; a spoilt one, a request and Modbus are none."""
    assert dlt645.first_reply(received) == frame


@pytest.mark.parametrize(
    ("reply", "energy"),
    [
        (Frame(sites.ADDRESS, 0x91, bytes.fromhex("0000010078563412")), 123_456_780),
        (Frame(sites.ADDRESS, 0x91, bytes.fromhex("00000100000000")), None),
        (Frame(sites.ADDRESS, 0x91, bytes.fromhex("00000100ffffffff")), None),
        (Frame(sites.ADDRESS, 0x91, bytes.fromhex("0000020078563412")), None),
        (Frame("000000000013", 0x91, bytes.fromhex("0000010078563412")), None),
        (Frame(sites.ADDRESS, 0xD1, b"\x02"), None),
    ],
    ids=["import", "short", "no_bcd", "other_item", "other_meter", "refused"],
)
def test_import_energy(reply: Frame, energy: int | None) -> None:
    """Energy is what that meter told of that item, in BCD; anything else is unknown, never 0."""
    assert dlt645.import_energy_wh(reply, sites.ADDRESS) == energy


@pytest.mark.parametrize("control", [0x14, 0x08, 0x1C, 0x15])
def test_nothing_can_write(control: int) -> None:
    """A frame that writes, sets the clock, switches a relay or an address cannot be built."""
    with pytest.raises(AssertionError, match="must never be sent"):
        dlt645._frame(b"\x12" + bytes(5), control, b"")


async def test_a_meter_is_recognised_and_what_to_do_is_said() -> None:
    """Modbus finds nobody, DL/T 645 does: number and import are told, and how to get Modbus, in both languages."""
    async with dlt645_behind_dtu() as (port, heard):
        line = RtuTcpLine("127.0.0.1", port)
        probed = await probe(line, 1, SystemClock(), 0.02)
        sent = bytes(heard)

    told = document(probed, line, 1)
    assert probed.dlt645 is not None
    assert (probed.dlt645.address, probed.dlt645.import_energy_wh) == (sites.ADDRESS, sites.IMPORT_WH)
    assert (told["protocol"], told["profile"], told["identity"]) == ("dlt645", None, {"serial": sites.ADDRESS})
    assert "正泰 DTSU666" in text(probed, line, 1)
    assert sent.endswith(sites.ASK_ADDRESS + sites.ASK_IMPORT)


@pytest.mark.parametrize("replies", [{}, {sites.ASK_ADDRESS: sites.REFUSE}], ids=["silent", "refuses"])
async def test_nobody_is_made_up(replies: dict[bytes, bytes]) -> None:
    """A line that is silent, or refuses, has no meter."""
    with dlt645_meter(replies) as meter:
        assert await dlt645_line.find(SerialLine(meter.device, 9600, "N", 1), 0.1) is None


async def test_on_a_serial_line() -> None:
    """The same on a serial device (a pseudo-terminal has no parity); a port that refuses parity is no crash."""
    with dlt645_meter() as meter:
        found = await dlt645_line.find(SerialLine(meter.device, 9600, "N", 1), 0.5)
        assert await dlt645_line.find(SerialLine(meter.device, 9600, "E", 1), 0.1) is None

    assert found is not None
    assert (found.address, found.import_energy_wh) == (sites.ADDRESS, sites.IMPORT_WH)


async def test_a_meter_that_keeps_its_import_to_itself() -> None:
    """The address alone is enough; an import that was not told is unknown."""
    with dlt645_meter({sites.ASK_ADDRESS: sites.TELL_ADDRESS}) as meter:
        found = await dlt645_line.find(SerialLine(meter.device, 9600, "N", 1), 0.2)

    assert found is not None
    assert (found.address, found.import_energy_wh) == (sites.ADDRESS, None)


async def test_no_line_that_speaks_modbus_hears_dlt645() -> None:
    """Where a unit answers Modbus, not one byte of DL/T 645 is sent."""
    async with paced_line({1: served("eastron_sdm630", Site(LOAD))}, baud=115_200) as wire:
        await probe(SerialLine(wire.device, 115_200, "N", 1), 1, SystemClock())
        frames = list(wire.heard)

    assert frames
    assert not [frame for frame in frames if frame.startswith((b"\xfe", b"\x68"))]


def test_where_it_is_tried() -> None:
    """Factory speeds on a serial line, as it is over a DTU, never over Modbus TCP."""
    serial = SerialLine("/dev/x", 4800, "N", 1)

    assert [str(line) for line in dlt645_line.lines_to_try(serial, given=True)] == [
        "/dev/x 4800 8E1",
        "/dev/x 9600 8E1",
        "/dev/x 2400 8E1",
    ]
    assert dlt645_line.lines_to_try(RtuTcpLine("h", 1), given=True) == (RtuTcpLine("h", 1),)
    assert dlt645_line.lines_to_try(TcpLine("h", 1), given=True) == ()
