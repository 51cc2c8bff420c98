"""How settings write a line, and which mistakes in it are told."""

import ipaddress
import os
import re
from collections.abc import Iterator

from edge_agent.agent_file import MeterFile, SerialFile
from edge_agent.line import DialInLine, Line, RtuTcpLine, SerialLine, TcpLine
from wire.profile import SerialLine as FactoryLine

BAUDS = (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
PARITIES = ("N", "E", "O")
STOPBITS = (1, 2)
WAYS = ("tcp", "rtu_tcp", "listen", "serial")
PACKET_BYTES_MAX = 128
HEX_PREFIX = "hex:"

_NAME = r"(?=.{1,253}$)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?"
"""A host name: Python's resolver raises UnicodeError, no OSError, for an empty or a longer label."""
_NAME_WORDS = "a name has letters, digits, - and _, 1 to 63 between two dots"

Endpoint = tuple[str, int]


def endpoint(text: str) -> Endpoint | None:
    """HOST:PORT; None if it is none, or has a number with a leading zero, which some read as octal (report g01).

    A host is an IP address, the newer kind with or without brackets, or a name that every resolver takes.
    """
    written, _, port = text.rpartition(":")
    host = written[1:-1] if re.fullmatch(r"\[.*:.*\]", written) else written
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port, re.ASCII) or int(port) > 65_535:
        return None
    is_address = ":" in host or re.fullmatch(r"[0-9.]+", host)
    if not (_is_address(host) if is_address else re.fullmatch(_NAME, host)):
        return None
    return host, int(port)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def packet(text: str) -> bytes | None:
    """The bytes of a DTU's registration packet or heartbeat: text, or `hex:` and hex digits; None if it is neither."""
    if not text.startswith(HEX_PREFIX):
        return text.encode()
    try:
        return bytes.fromhex(text.removeprefix(HEX_PREFIX))
    except ValueError:
        return None


def complaints(meter: MeterFile, where: str) -> Iterator[str]:
    """What is wrong with the keys that say how a meter is connected."""
    given = [way for way in WAYS if getattr(meter, way) is not None]
    if len(given) != 1:
        got = " and ".join(given) or "none"
        yield f"{where}: expected exactly one of {', '.join(WAYS)}, got {got}; say how the meter is connected"
    for way in WAYS[:3]:
        text = getattr(meter, way)
        if text is not None and endpoint(text) is None:
            example = f"e.g. {_EXAMPLES[way]} ({_NAME_WORDS})"
            yield f"{where}.{way}: expected HOST:PORT without leading zeros, got {text!r}; {example}"
    yield from _dial_in_complaints(meter, where)
    if meter.tcp is None and not (meter.listen is not None and meter.framing == "tcp") and meter.unit == 0:
        yield f"{where}.unit: expected 1 to 247 on a serial line, got 0 (a broadcast); set the meter's address"
    if meter.serial is not None:
        yield from _serial_complaints(meter.serial, f"{where}.serial")


_EXAMPLES = {"tcp": "192.168.1.20:502", "rtu_tcp": "192.168.1.21:8899", "listen": "10.8.0.1:8899"}


def _dial_in_complaints(meter: MeterFile, where: str) -> Iterator[str]:
    for key in ("framing", "register", "heartbeat"):
        if meter.listen is None and getattr(meter, key) is not None:
            yield f"{where}.{key}: only a line with `listen` has it; remove it, or use `listen`"
    for key in ("register", "heartbeat"):
        text = getattr(meter, key)
        made = b"-" if text is None else packet(text)
        if made is None or not 1 <= len(made) <= PACKET_BYTES_MAX:
            yield (
                f"{where}.{key}: expected text, or hex: and pairs of hex digits, 1 to {PACKET_BYTES_MAX} bytes, "
                f"got {text!r}; e.g. hex:55aa"
            )


def _serial_complaints(serial: SerialFile, where: str) -> Iterator[str]:
    if not serial.device:
        yield f"{where}.device: expected a device, got nothing; e.g. /dev/serial/by-id/… (ls /dev/serial/by-id)"
    for key, choices in (("baud", BAUDS), ("parity", PARITIES), ("stopbits", STOPBITS)):
        got = getattr(serial, key)
        if got is not None and got not in choices:
            wanted = ", ".join(map(str, choices))
            yield f"{where}.{key}: expected one of {wanted}, got {got}; see the meter's manual or display"


def line_of(meter: MeterFile, factory: FactoryLine) -> Line:
    """The line of a meter whose keys have no complaint.

    Args:
        meter: as written.
        factory: the profile's serial line, for what is left out.
    """
    if meter.tcp is not None:
        return TcpLine(*_sure(endpoint(meter.tcp)))
    if meter.rtu_tcp is not None:
        return RtuTcpLine(*_sure(endpoint(meter.rtu_tcp)))
    if meter.listen is not None:
        return DialInLine(
            *_sure(endpoint(meter.listen)),
            is_rtu=meter.framing != "tcp",
            register=packet(meter.register or "") or b"",
            heartbeat=packet(meter.heartbeat or "") or b"",
        )
    serial = meter.serial or SerialFile("")
    return SerialLine(
        device=serial.device,
        baud=serial.baud or factory.baud,
        parity=serial.parity or factory.parity,
        stopbits=serial.stopbits or factory.stopbits,
        echo=serial.echo,
    )


def _sure(found: Endpoint | None) -> Endpoint:
    if found is None:
        raise ValueError("expected an endpoint that complaints() let through, got none")
    return found


def apart(line: Line, other: Line) -> str:
    """Why two lines of one agent cannot both be meant, or nothing."""
    if line == other:
        return ""
    if isinstance(line, SerialLine) and isinstance(other, SerialLine):
        if line.device == other.device:
            return "one line has one speed and one way to hear: set the meters to the same and say so here"
        if os.path.realpath(line.device) == os.path.realpath(other.device):
            return "both names are one adapter: write the same name and settings for both meters"
    elif not isinstance(line, SerialLine) and not isinstance(other, SerialLine):
        listening = isinstance(line, DialInLine) and isinstance(other, DialInLine)
        if (line.host, line.port) == (other.host, other.port) or (listening and line.port == other.port):
            return "one port speaks one way: write the same for both, or give each DTU its own port"
    return ""


def mistakable_heartbeat(line: Line, unit: int) -> str:
    """Why a DTU's heartbeat could be taken for the beginning of this unit's reply, or nothing."""
    if not isinstance(line, DialInLine) or not line.heartbeat:
        return ""
    begins = line.heartbeat[0]
    if line.is_rtu and begins == unit:
        return f"begins with byte {begins}, as each reply of unit {unit} does; choose another heartbeat in the DTU"
    if not line.is_rtu and begins == 0:
        return "begins with byte 0, as Modbus TCP frames may; choose another heartbeat in the DTU"
    return ""


def open_to_anyone(line: Line) -> str:
    """What to do about a port that takes whoever connects, or nothing."""
    if isinstance(line, DialInLine) and not line.register:
        return (
            f"{line} has no `register`: whoever connects to it throws the DTU out and can play the meter; "
            "let the DTU send a registration packet and write it here"
        )
    return ""


def unsteady_name(line: Line) -> str:
    """What to do about a serial device whose name may mean another adapter after a reboot, or nothing."""
    if isinstance(line, SerialLine) and re.fullmatch(r"/dev/tty(USB|ACM)[0-9]+", line.device):
        return (
            f"{line.device} may be another adapter after a reboot; "
            "name it by /dev/serial/by-id/… or by-path/… (ls -l /dev/serial/by-id)"
        )
    return ""
