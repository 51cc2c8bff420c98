"""The line that a command's options name."""

from pathlib import Path

from edge_agent.errors import LineUnusable, SettingsMistake
from edge_agent.line import Line, RtuTcpLine, SerialLine, TcpLine
from edge_agent.line_file import BAUDS, PARITIES, STOPBITS, Endpoint, endpoint


def line_of(
    tcp: str | None,
    rtu_tcp: str | None,
    serial: str | None,
    framing: tuple[int, str, int] = (9600, "N", 1),
) -> Line:
    """The line.

    Args:
        tcp: HOST:PORT of Modbus TCP.
        rtu_tcp: HOST:PORT of a DTU that passes RTU frames on.
        serial: a device.
        framing: of the serial line: baud, parity, stop bits.

    Raises:
        SettingsMistake: not exactly one of them, or a value that cannot be meant.
        LineUnusable: there is no such device.
    """
    if [tcp, rtu_tcp, serial].count(None) != 2:
        raise SettingsMistake("expected exactly one of --tcp, --rtu-tcp, --serial; e.g. --serial /dev/serial/by-id/…")
    if tcp is not None:
        return TcpLine(*_endpoint(tcp, "--tcp"))
    if rtu_tcp is not None:
        return RtuTcpLine(*_endpoint(rtu_tcp, "--rtu-tcp"))
    baud, parity, stopbits = framing
    for option, got, choices in (
        ("--baud", baud, BAUDS),
        ("--parity", parity, PARITIES),
        ("--stopbits", stopbits, STOPBITS),
    ):
        if got not in choices:
            raise SettingsMistake(f"{option}: expected one of {', '.join(map(str, choices))}, got {got}")
    device = serial or ""
    if not Path(device).exists():
        raise LineUnusable(f"--serial: there is no device {device}; look with: ls /dev/serial/by-id /dev/tty*")
    return SerialLine(device, baud, parity, stopbits)


def _endpoint(text: str, option: str) -> Endpoint:
    found = endpoint(text)
    if found is None:
        raise SettingsMistake(
            f"{option}: expected HOST:PORT without leading zeros, got {text!r}; e.g. 192.168.1.20:502"
        )
    return found
