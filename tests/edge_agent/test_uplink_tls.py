"""TLS with certificates on both sides: the agent's name is what its certificate says."""

from pathlib import Path

import pytest

from edge_agent.config import load
from edge_agent.uplink import Connected, Event, Unreachable, Uplink, Will
from tests.edge_agent.broker import Mosquitto, until
from tests.edge_agent.certificates import Authority
from tests.edge_agent.conftest import Write
from wire.clock import SystemClock
from wire.errors import SurroundingsError


async def first_event(settings_file: Path) -> Event:
    """What the first connection attempt of these settings comes to."""
    settings = load(settings_file)
    link = Uplink(settings.agent, settings.broker, Will("t", b"gone"), SystemClock())
    link.start()
    try:
        await until(lambda: not link.events.empty(), "an event")
        return link.events.get_nowait()
    finally:
        await link.stop()


@pytest.fixture
def tls_broker(tmp_path: Path) -> Mosquitto:
    """A broker that takes only clients with a certificate of the authority `ours`, and calls them by its name."""
    ours = Authority(tmp_path / "ca", "ours")
    own = ours.issue("broker")
    ours.issue("a1")
    return Mosquitto(
        tmp_path / "broker",
        f"cafile {ours.file}\ncertfile {own.cert}\nkeyfile {own.key}\n"
        "require_certificate true\nuse_identity_as_username true\n",
    )


CASES = {
    "both certificates right": ("ca: ca/ours.pem, cert: ca/a1.crt, key: ca/a1.key", True),
    "the broker's authority is another": ("ca: ca/theirs.pem, cert: ca/a1.crt, key: ca/a1.key", False),
    "no certificate of our own": ("ca: ca/ours.pem", False),
    "our certificate is of another authority": ("ca: ca/ours.pem, cert: ca/stranger.crt, key: ca/stranger.key", False),
}


# When a handshake fails paho leaves the socket to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("case", CASES)
async def test_certificates(case: str, tls_broker: Mosquitto, write: Write, tmp_path: Path) -> None:
    """Only with right certificates on both sides is there a connection; the broker then knows the agent by name."""
    tls, connects = CASES[case]
    Authority(tmp_path / "ca", "theirs").issue("stranger")
    tls_broker.start()
    settings = write(broker=f"{{host: 127.0.0.1, port: {tls_broker.port}, tls: {{{tls}}}}}")
    event = await first_event(settings.file)
    tls_broker.stop()
    assert isinstance(event, Connected) == connects
    assert ("u'a1'" in tls_broker.log()) == connects


async def test_plain_client_on_a_tls_port(tls_broker: Mosquitto, write: Write) -> None:
    """Settings without tls against a TLS port end in no connection, not in a hang."""
    tls_broker.start()
    settings = write(broker=f"{{host: 127.0.0.1, port: {tls_broker.port}}}")
    event = await first_event(settings.file)
    tls_broker.stop()
    assert not isinstance(event, Connected | Unreachable)


async def test_certificate_and_key_that_do_not_belong_together(write: Write, tmp_path: Path) -> None:
    """A key of another certificate is one line that names the three files, before anything is connected."""
    ours = Authority(tmp_path / "ca", "ours")
    for name in ("a1", "other"):
        ours.issue(name)
    settings = write(broker="{host: 127.0.0.1, tls: {ca: ca/ours.pem, cert: ca/a1.crt, key: ca/other.key}}")
    with pytest.raises(
        SurroundingsError, match=r"broker\.tls: ca .*ours\.pem, cert .*a1\.crt, key .*other\.key: .*mismatch"
    ):
        Uplink(settings.agent, settings.broker, Will("t", b"gone"), SystemClock())
