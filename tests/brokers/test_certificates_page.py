"""What docs/brokers.md gives to copy works: the certificates, and with them the shipped files."""

import subprocess
from pathlib import Path

import pytest

from edge_agent.uplink import Connected
from server.broker import Broker
from tests.brokers.links import Agent
from tests.brokers.shipped import PROTOCOL, Place
from tests.docs.pages import ROOT, blocks
from wire.clock import SystemClock
from wire.keys import PrivateKey

PAGE = ROOT / "docs" / "brokers.md"
AGENT = "fz-mh-0043"


def as_the_page_says(folder: Path) -> None:
    """Run the page's commands in a folder."""
    (commands,) = [block.body for block in blocks(PAGE) if block.language == "sh"]
    subprocess.run(["sh", "-e"], input=commands, text=True, cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("name", PROTOCOL)
async def test_certificates_of_the_page(name: str, tmp_path: Path) -> None:
    """Openssl makes them as the page says, and broker, server and the agent that the shipped list names meet by them."""
    place = Place(tmp_path / "place", name, agents=(AGENT,))
    as_the_page_says(place.folder)
    place.broker.start()
    ingest = Broker(place.server_settings(tmp_path), SystemClock())
    ingest.start()
    agent = Agent(place.broker, AGENT)
    agent.use(place.agent_settings(place.tls(AGENT), PrivateKey.generate(), AGENT).broker)
    agent.link.start()
    connected = await agent.told(Connected)
    await agent.link.stop()
    ingest.stop()
    place.broker.stop()

    assert connected
