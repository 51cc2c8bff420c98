"""Which addresses are written to: the outside, and what is allowed by name; judged where the connection goes."""

import socket

import pytest

from server.notify.reach import Inside, Reach, is_outside

INSIDE = [
    "127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254",  # the metadata service of most clouds
    "100.100.100.200",  # Alibaba Cloud's, in the carriers' shared space
    "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "239.1.2.3", "240.0.0.1", "192.0.2.1", "198.18.0.1",
    "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",  # IPv4 in IPv6
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",  # NAT64
    "2002:7f00:1::", "2002:a00:1::",  # 6to4
    "2001:0:7f00:1::f5ff:fffe",  # Teredo of 10.0.0.1
    "not an address", "",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "223.5.5.5", "8.8.8.8", "2400:3200::1", "::ffff:1.1.1.1", "64:ff9b::101:101"]


@pytest.mark.parametrize("address", INSIDE)
def test_inside_addresses_are_refused(address: str) -> None:
    """Loopback, private, link-local, metadata, shared, multicast, reserved, documentation: in every notation."""
    assert not is_outside(address)
    assert not Reach(["other.example.org"]).allows("host.example.org", address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_outside_addresses_are_reached(address: str) -> None:
    """Ordinary addresses of the public internet."""
    assert is_outside(address)


@pytest.mark.parametrize("host", ["mail.fz.gov.cn", "MAIL.FZ.GOV.CN", "mail.fz.gov.cn.", "[::1]"])
def test_a_host_is_allowed_by_its_name(host: str) -> None:
    """However it is written; its neighbours are not."""
    reach = Reach(["mail.fz.gov.cn", "::1"])

    assert reach.allows(host, "10.1.1.1")
    assert not reach.allows("evil.mail.fz.gov.cn", "10.1.1.1")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]"])
def test_no_spelling_of_loopback_gets_through(host: str) -> None:
    """The system's own look-up decides what a spelling means, and that is judged."""
    with pytest.raises(OSError, match=r"is an inside address|not known|No address|not supported"):
        Reach([]).connect(host, 9, 1.0)


def test_an_allowed_host_is_connected_to() -> None:
    """The connection goes to an address that was judged."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with Reach(["localhost"]).connect("localhost", port, 5.0) as connected:
            assert connected.getpeername()[1] == port
        with pytest.raises(Inside, match="localhost is an inside address: expected one outside"):
            Reach(["127.0.0.1"]).connect("localhost", port, 5.0)
