"""Agent signs, broker carries, server commits and receipts, agent deletes: on each broker, through its kill -9."""

from pathlib import Path

import pytest

from server.settings import Settings
from tests.brokers.kinds import PASSWORD, SPOKEN, process
from tests.brokers.shipped import PROTOCOL, Place, agent_settings
from tests.brokers.whole import deliver
from tests.edge_agent.store import DEPLOYMENT
from wire.keys import PrivateKey


@pytest.mark.parametrize("kind", SPOKEN, ids="-".join)
async def test_nothing_is_lost(kind: tuple[str, str], tmp_path: Path) -> None:
    """With each broker and version of MQTT everything that was signed is stored once; then the agent's outbox is empty."""
    broker = process(tmp_path / "broker", *kind)
    broker.start()
    (tmp_path / "broker.password").write_text(PASSWORD, encoding="utf-8")
    key = PrivateKey.generate()
    server = Settings(
        data=tmp_path,
        broker_port=broker.port,
        broker_protocol=kind[1],  # type: ignore[arg-type]  # one of the two
        broker_password_file=str(tmp_path / "broker.password"),
        deployment=DEPLOYMENT,
    )
    line = f"{{host: 127.0.0.1, port: {broker.port}, protocol: '{kind[1]}', password_file: broker.password, "
    agent = agent_settings(tmp_path, f"{line}reconnect_spread_s: 1}}", key)
    try:
        await deliver(broker, agent, server, key, tmp_path)
    finally:
        broker.stop()


@pytest.mark.parametrize("name", PROTOCOL)
async def test_nothing_is_lost_with_the_shipped_files(name: str, tmp_path: Path) -> None:
    """The same over TLS with certificates and the access list that are shipped."""
    place = Place(tmp_path / "place", name)
    place.broker.start()
    key = PrivateKey.generate()
    agent = place.agent_settings(place.tls(), key)
    try:
        await deliver(place.broker, agent, place.server_settings(tmp_path), key, tmp_path)
    finally:
        place.broker.stop()
