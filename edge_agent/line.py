"""What a line is: where it leads, how fast it is, how frames are told apart on it."""

import msgspec

START_BIT, DATA_BITS = 1, 8


class TcpLine(msgspec.Struct, frozen=True):
    """A Modbus TCP endpoint; every unit behind it shares one connection."""

    host: str
    port: int

    def __str__(self) -> str:
        """As the settings write it."""
        return f"{self.host}:{self.port}"


class RtuTcpLine(msgspec.Struct, frozen=True):
    """A device that passes the bytes of a serial line through TCP as they are, such as a 4G DTU."""

    host: str
    port: int

    def __str__(self) -> str:
        """As the settings write it."""
        return f"{self.host}:{self.port} (RTU over TCP)"


class DialInLine(msgspec.Struct, frozen=True):
    """A port on which we wait for a DTU to connect; one port for each DTU.

    Attributes:
        host, port: where we listen.
        is_rtu: RTU frames, else Modbus TCP frames.
        register: what the DTU sends first, and without which it is not taken; empty for none.
        heartbeat: what the DTU sends now and then, dropped; empty for none.
    """

    host: str
    port: int
    is_rtu: bool = True
    register: bytes = b""
    heartbeat: bytes = b""

    def __str__(self) -> str:
        """As the settings write it."""
        framing = "RTU" if self.is_rtu else "Modbus TCP"
        return f"listen {self.host}:{self.port} ({framing}{', registered' if self.register else ''})"


class SerialLine(msgspec.Struct, frozen=True):
    """An RS-485 port; every unit on it is asked in turn.

    Attributes:
        echo: the adapter hears what it sends.
    """

    device: str
    baud: int
    parity: str
    stopbits: int
    echo: bool = False

    def __str__(self) -> str:
        """Device and framing, e.g. /dev/ttyUSB0 9600 8N1."""
        return f"{self.device} {self.baud} 8{self.parity}{self.stopbits}{' with echo' if self.echo else ''}"

    @property
    def character_s(self) -> float:
        """Time of one character on the wire, with start, parity and stop bits."""
        return (START_BIT + DATA_BITS + (self.parity != "N") + self.stopbits) / self.baud


Line = TcpLine | RtuTcpLine | DialInLine | SerialLine


def is_rtu(line: Line) -> bool:
    """Whether frames end in a check sum and carry no transaction number."""
    match line:
        case TcpLine():
            return False
        case DialInLine():
            return line.is_rtu
        case RtuTcpLine() | SerialLine():
            return True
