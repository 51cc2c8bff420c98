"""A server without a broker on a real database file, and clients that speak HTTP to its application."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server import agents, registry, tokens
from server.app import Server
from server.ingest import Ingest
from server.message import Message
from server.seal_file import parse
from server.settings import Settings
from tests.server.ingest.plant import DEPLOYMENT, SigningAgent, SteppedClock

SEALS = Path(__file__).parent / "seals.yaml"
AGENT = "fz-mh-0043"


class Site:
    """A server with two registered seals and one agent, and a way to give it envelopes.

    Attributes:
        client: carries the token of `duty`.
        anyone: carries none.
    """

    def __init__(self, data: Path) -> None:
        self.clock = SteppedClock()
        self.server = Server(Settings(data=data, deployment=DEPLOYMENT), self.clock, with_broker=False)
        self.agent = SigningAgent(AGENT)
        with self.server.store.transaction() as session:
            agents.add(session, AGENT, str(self.agent.key.public), None, deployment=DEPLOYMENT, now_ms=0)
            registry.add(session, parse(SEALS))
            self.secret = tokens.issue(session, "duty", self.clock.now_ms)
        self.ingest = Ingest(
            self.server.store, DEPLOYMENT, self.server.receipt_key, self.clock, silent_after_s=180, gap_wait_s=10
        )
        self.anyone = TestClient(self.server.app, raise_server_exceptions=False, follow_redirects=False)
        self.client = TestClient(
            self.server.app,
            raise_server_exceptions=False,
            follow_redirects=False,
            headers={"Authorization": f"Bearer {self.secret}"},
        )

    def take(self, *messages: Message) -> None:
        """Give the server messages, as its worker would."""
        for message in messages:
            self.ingest.take([message])

    def get(self, path: str, **params: str | int) -> dict[str, object]:
        """What an answer of 200 holds."""
        answer = self.client.get(f"/api/v1{path}", params=params)
        assert answer.status_code == 200, answer.text
        document: dict[str, object] = answer.json()
        return document

    def rows(self, path: str) -> list[dict[str, object]]:
        """What an answer of 200 lists."""
        answer = self.client.get(f"/api/v1{path}")
        assert answer.status_code == 200, answer.text
        listed: list[dict[str, object]] = answer.json()
        return listed


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A server with two seals."""
    site = Site(tmp_path)
    yield site
    site.server.stop()
