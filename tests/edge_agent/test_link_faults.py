"""Why there is no session, in words: each event, each kind of login."""

from pathlib import Path

import pytest

from edge_agent.health import Fault
from edge_agent.link_faults import another_agents_certificate, explain
from edge_agent.uplink import Lost, Refused, Unreachable
from tests.edge_agent.certificates import Authority
from tests.edge_agent.conftest import Write
from wire.clock import SystemClock

PLAIN = "{host: h}"
TLS = "{host: h, tls: {ca: ca/ours.pem}}"
OWN = "{host: h, tls: {ca: ca/ours.pem, cert: ca/a1.crt, key: ca/a1.key}}"
OLD = "{host: h, tls: {ca: ca/ours.pem, cert: ca/old.crt, key: ca/old.key}}"
GONE = "Unspecified error"

CASES: dict[str, tuple[Refused | Unreachable | Lost, str, str]] = {
    "no rights": (Refused("Not authorized"), PLAIN, "refuses user 'a1' (Not authorized); correct broker.username and"),
    "no rights, by certificate": (Refused("Not authorized"), OWN, "correct broker.tls.cert in"),
    "protocol": (Refused("Unsupported protocol version"), PLAIN, "not speak MQTT 5; set broker.protocol to 3.1.1"),
    "nobody there": (Unreachable("refused"), PLAIN, "cannot be reached (refused); check that it runs and correct"),
    "hung up": (Lost(GONE, answered=False, short=0), PLAIN, "does its port want TLS (broker.tls), or not MQTT 5"),
    "hung up on TLS": (Lost(GONE, answered=False, short=0), TLS, "set broker.tls.cert and broker.tls.key"),
    "hung up on ours": (Lost("alert", answered=False, short=0), OWN, "(alert); check broker.tls.cert"),
    "expired": (Lost("alert", answered=False, short=0), OLD, "old.crt: valid from"),
    "ended": (Lost(GONE, answered=True, short=0), PLAIN, "the connection ended (Unspecified error); it is tried again"),
    "ended once": (Lost(GONE, answered=True, short=1), PLAIN, "it is tried again"),
    "ended twice": (Lost(GONE, answered=True, short=2), PLAIN, "probably another client connects as 'a1'"),
    "taken over": (Lost("Session taken over", answered=True, short=0), PLAIN, "; another client connects as 'a1'"),
}


@pytest.mark.parametrize("case", CASES)
def test_words(case: str, write: Write, tmp_path: Path) -> None:
    """Each line names the broker and what to do; a refusal is one fault, all else is another."""
    ours = Authority(tmp_path / "ca", "ours")
    ours.issue("a1")
    ours.issue("a1", stem="old", expired=True)
    event, broker, words = CASES[case]
    fault, line = explain(event, write(broker=broker), SystemClock().wall_ms())

    assert fault is (Fault.BROKER_REFUSED if isinstance(event, Refused) else Fault.BROKER_UNREACHABLE)
    assert line.startswith("broker h:1883: ")
    assert words in line


@pytest.mark.parametrize(
    ("name", "said"),
    [("a1", ""), ("a2", "expected a certificate for 'a1', got one for 'a2'; not connecting")],
)
def test_whose_certificate(name: str, said: str, write: Write, tmp_path: Path) -> None:
    """Only a certificate with the agent's own name is used."""
    Authority(tmp_path / "ca", "ours").issue(name)
    told = another_agents_certificate(
        write(broker=f"{{host: h, tls: {{ca: ca/ours.pem, cert: ca/{name}.crt, key: ca/{name}.key}}}}")
    )

    assert said in told
    assert bool(said) == bool(told)


def test_a_file_that_is_no_certificate(write: Write, tmp_path: Path) -> None:
    """It is named, with OpenSSL's words."""
    Authority(tmp_path / "ca", "ours").issue("a1")
    (tmp_path / "ca" / "a1.crt").write_text("scanned.pdf", encoding="utf-8")

    assert "a1.crt: cannot be read as a certificate: " in another_agents_certificate(write(broker=OWN))
