"""Names of places as people write them."""

from pathlib import Path

import pytest
from msgspec import convert

from edge_agent.agent_file import MeterFile
from edge_agent.line import DialInLine, RtuTcpLine, SerialLine, TcpLine
from edge_agent.line_file import apart, complaints, endpoint, open_to_anyone, packet, unsteady_name

ENDPOINTS = {
    "gw:502": ("gw", 502),
    "192.168.1.20:502": ("192.168.1.20", 502),
    "0.0.0.0:8899": ("0.0.0.0", 8899),
    "[fe80::1]:502": ("fe80::1", 502),
    "192.168.010.20:502": None,
    "192.168.1:502": None,
    "gw:0502": None,
    "gw:0": None,
    "gw:65536": None,
    "gw": None,
    ":502": None,
    "gw:５０２": None,
    "meter-1.plant_2.local:502": ("meter-1.plant_2.local", 502),
    "gw.local.:502": ("gw.local.", 502),
    f"{'a' * 63}.local:502": (f"{'a' * 63}.local", 502),
    "fe80::1:502": ("fe80::1", 502),
    "[fe80::1%eth0]:502": ("fe80::1%eth0", 502),
    f"{'a' * 64}.local:502": None,
    f"{'a.' * 127}a:502": None,
    "meter..local:502": None,
    ".local:502": None,
    " x:502": None,
    "x :502": None,
    "a b:502": None,
    "gw\n:502": None,
    "表.local:502": None,
    "192.168.1.256:502": None,
    "[gw]:502": None,
    "[gw:502": None,
    "[192.168.1.20]:502": None,
    "[fe80::1:502": None,
    "[fe80::g]:502": None,
}


@pytest.mark.parametrize("text", ENDPOINTS)
def test_endpoint(text: str) -> None:
    """A host that a resolver takes and a port, neither with a number that some read as octal."""
    assert endpoint(text) == ENDPOINTS[text]


@pytest.mark.parametrize("way", ["tcp", "rtu_tcp", "listen"])
def test_a_host_name_that_cannot_be_is_told(way: str) -> None:
    """Each way of connecting says what a name must be, what it got, and what would do."""
    (told,) = complaints(convert({"id": "m", "profile": "x", way: "meter..local:502"}, MeterFile), "meters[0]")
    assert f"meters[0].{way}: expected HOST:PORT without leading zeros, got 'meter..local:502'; e.g. " in told
    assert "1 to 63 between two dots" in told


PACKETS = {"DTU-1": b"DTU-1", "一号": "一号".encode(), "hex:55 aa": b"\x55\xaa", "hex:5": None, "hex:zz": None, "": b""}


@pytest.mark.parametrize("text", PACKETS)
def test_packet(text: str) -> None:
    """Text as it stands, or hex digits in pairs."""
    assert packet(text) == PACKETS[text]


UNSTEADY = {
    "/dev/ttyUSB0": True,
    "/dev/ttyACM12": True,
    "/dev/ttyS1": False,
    "/dev/serial/by-id/usb-FTDI-if00-port0": False,
    "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0": False,
}


@pytest.mark.parametrize("device", UNSTEADY)
def test_a_name_that_another_adapter_may_get(device: str) -> None:
    """The kernel's numbers change at a reboot, names by id and by path do not."""
    assert bool(unsteady_name(SerialLine(device, 9600, "N", 1))) == UNSTEADY[device]
    assert unsteady_name(TcpLine(device, 502)) == ""


def test_lines_that_cannot_both_be_meant() -> None:
    """One device has one speed, one port one way to speak; different places have nothing to do with each other."""
    slow, fast = SerialLine("d", 9600, "N", 1), SerialLine("d", 19_200, "N", 1)
    assert "one speed" in apart(slow, fast)
    assert "speaks one way" in apart(TcpLine("h", 502), RtuTcpLine("h", 502))
    assert "speaks one way" in apart(DialInLine("127.0.0.1", 9), DialInLine("0.0.0.0", 9))
    assert [apart(slow, slow), apart(slow, TcpLine("h", 502)), apart(TcpLine("h", 502), TcpLine("h", 503))] == [""] * 3


def test_one_adapter_under_two_names(tmp_path: Path) -> None:
    """A name that leads to the same device is the same line, with the same settings too; another device is not."""
    device, other = tmp_path / "ttyUSB0", tmp_path / "ttyUSB1"
    device.touch()
    other.touch()
    by_id = tmp_path / "usb-FTDI-if00-port0"
    by_id.symlink_to(device)
    named = SerialLine(str(by_id), 9600, "N", 1)
    for baud in (9600, 19_200):
        assert "both names are one adapter" in apart(named, SerialLine(str(device), baud, "N", 1))
    assert apart(named, SerialLine(str(other), 9600, "N", 1)) == ""


def test_a_port_that_takes_whoever_connects() -> None:
    """A listening port without a registration packet is told, with what to do; no other line is."""
    assert "throws the DTU out" in open_to_anyone(DialInLine("10.8.0.1", 8899))
    assert open_to_anyone(DialInLine("10.8.0.1", 8899, register=b"DTU-1")) == ""
    assert open_to_anyone(TcpLine("h", 502)) == ""


def test_the_example_of_a_listening_port_is_no_public_one() -> None:
    """What a mistaken `listen` is answered with does not open the port on every network."""
    told = " ".join(complaints(MeterFile(id="m", profile="x", listen="8899"), "meters[0]"))
    assert "e.g. 10.8.0.1:8899" in told
