"""A server without a broker on a real database file, and clients that speak HTTP to its application."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server import agents, registry
from server.access import accounts, keys, sessions
from server.access.audit import COMMAND_LINE
from server.access.rights import Right, Role
from server.app import Server
from server.ingest import Ingest
from server.message import Message
from server.seal_file import parse
from server.settings import Settings
from tests.server.ingest.plant import DEPLOYMENT, SigningAgent, SteppedClock
from tests.server.stores import settings_on

SEALS = Path(__file__).parent / "seals.yaml"
AGENT = "fz-mh-0043"
HERE, ELSEWHERE = "350121", "350122"
"""The county of every seal in seals.yaml, and another one."""

PEOPLE = {
    "li.ming": (Role.ADMINISTRATOR, ()),
    "chen": (Role.MONITOR, (HERE,)),
    "he": (Role.INSPECTOR, (HERE,)),
    "wang": (Role.VIEWER, (HERE, ELSEWHERE)),
    "lin": (Role.MONITOR, (ELSEWHERE,)),
}


class Site:
    """A server with two registered seals and one agent, and a way to give it envelopes.

    Attributes:
        client: carries the key `duty`, which has every right.
        anyone: carries nothing.
        secret: of the key `duty`.
    """

    def __init__(self, data: Path) -> None:
        self.clock = SteppedClock()
        self.server = Server(settings_on(Settings(data=data, deployment=DEPLOYMENT)), self.clock, with_broker=False)
        self.agent = SigningAgent(AGENT)
        with self.server.store.transaction() as session:
            agents.add(session, AGENT, str(self.agent.key.public), None, deployment=DEPLOYMENT, now_ms=0)
            registry.add(session, parse(SEALS))
            for name, (role, counties) in PEOPLE.items():
                accounts.add(
                    session,
                    COMMAND_LINE,
                    name=name,
                    shown_as=name.title(),
                    role=role,
                    counties=counties,
                    now_ms=self.clock.now_ms,
                )
        self.secret = self.key("duty", *Right)
        self.ingest = Ingest(
            self.server.store, DEPLOYMENT, self.server.receipt_key, self.clock, silent_after_s=180, gap_wait_s=10
        )
        self.anyone = self.client_with({})
        self.client = self.program(self.secret)

    def key(self, name: str, *scopes: Right, counties: tuple[str, ...] = ()) -> str:
        """A new key's secret."""
        with self.server.store.transaction() as session:
            return keys.add(
                session, COMMAND_LINE, name=name, scopes=scopes, counties=counties, now_ms=self.clock.now_ms
            ).secret

    def session(self, name: str) -> str:
        """The secret of a new session of one of PEOPLE."""
        with self.server.store.transaction() as session:
            return sessions.open(session, accounts.named(session, name), self.clock.now_ms, "192.0.2.7", "Firefox")

    def program(self, secret: str) -> TestClient:
        """A client that carries a key."""
        return self.client_with({"Authorization": f"Bearer {secret}"})

    def browser(self, name: str) -> TestClient:
        """A client in which one of PEOPLE is signed in."""
        client = self.client_with({"Sec-Fetch-Site": "same-origin"})
        client.cookies.set("coldseal", self.session(name))
        return client

    def client_with(self, headers: dict[str, str], base_url: str = "http://testserver") -> TestClient:
        """A client that sends some headers with everything."""
        return TestClient(
            self.server.app, base_url, raise_server_exceptions=False, follow_redirects=False, headers=headers
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
