"""Where a simulated meter is reached: a TCP port or a serial device."""

import errno
from dataclasses import dataclass

from wire.profile import SerialLine


@dataclass(frozen=True)
class TcpPlace:
    """A port to listen on; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class SerialPlace:
    """A serial device and its line setting (the unit in it is not used)."""

    device: str
    line: SerialLine

    def __str__(self) -> str:
        return self.device


Place = TcpPlace | SerialPlace


def why_not(error: Exception) -> str:
    """What is wrong with a port or device and what to do about it."""
    advice = {
        errno.EADDRINUSE: "another program uses the port; stop it or choose another port",
        errno.EADDRNOTAVAIL: "this machine has no such address; use 127.0.0.1 or 0.0.0.0",
        errno.EACCES: "no right to open it; choose a port above 1023, or join the group that owns the device",
        errno.EPERM: "no right to open it; choose a port above 1023, or join the group that owns the device",
        errno.ENOENT: "no such device; check the cable and the name",
        errno.EAGAIN: "another program holds the device; stop it",
    }
    number = error.errno if isinstance(error, OSError) else None
    return advice.get(number or 0, f"{error}; check the address")
