"""Which addresses may be written to: the outside, and what the settings allow on the inside by name.

A server that posts to any address that somebody typed can be made to reach what only it can reach: a cloud's metadata
service, a database without a password, another office's device. So an address is judged when it was looked up, and the
connection goes to the address that was judged: a name that changes its meaning in between (DNS rebinding) gains nothing.
"""

import ipaddress
import socket
from collections.abc import Iterable, Sequence

IPv4, IPv6 = ipaddress.IPv4Address, ipaddress.IPv6Address
Sockaddr = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, Sockaddr]
NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""The last 32 bits are an IPv4 address (RFC 6052)."""


class Inside(OSError):
    """The host is on the inside, and not allowed by name."""


class Reach:
    """The rule of one server."""

    def __init__(self, allow_inside: Iterable[str]) -> None:
        self._allowed = {name.strip().rstrip(".").lower() for name in allow_inside}

    def allows(self, host: str, address: str) -> bool:
        """Whether an address that a host was looked up as may be connected to."""
        return host.strip("[]").rstrip(".").lower() in self._allowed or is_outside(address)

    def look_up(self, host: str, port: int) -> Sequence[Found]:
        """What a host may be connected to as.

        Raises:
            Inside: every address of the host is on the inside.
            OSError: it cannot be looked up.
        """
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        allowed = [one for one in found if self.allows(host, str(one[4][0]))]
        if not allowed:
            raise Inside(refusal(host))
        return allowed

    def connect(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """A connection to a host, to an address that was judged.

        Raises:
            Inside: every address of the host is on the inside.
            OSError: it cannot be looked up or connected to.
        """
        allowed = self.look_up(host, port)
        for family, kind, protocol, _name, address in allowed[:-1]:
            try:
                return _connected(socket.socket(family, kind, protocol), address, timeout_s)
            except OSError:
                continue
        family, kind, protocol, _name, address = allowed[-1]
        return _connected(socket.socket(family, kind, protocol), address, timeout_s)


def refusal(host: str) -> str:
    """What is wrong, and what to do."""
    return f"{host} is an inside address: expected one outside, or its name in alerts.allow_inside; nothing was sent"


def is_outside(text: str) -> bool:
    """Whether an address is an ordinary one of the public internet."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6):
        carried = _carried(address)
        if carried is not None:
            return is_outside(str(carried))
        if address.is_site_local:  # fec0::/10, deprecated by RFC 3879 and still somewhere's inside
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _carried(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for, if it does."""
    if address in NAT64:
        return IPv4(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _connected(one: socket.socket, address: Sockaddr, timeout_s: float) -> socket.socket:
    try:
        one.settimeout(timeout_s)
        one.connect(address)
    except OSError:
        one.close()
        raise
    return one
