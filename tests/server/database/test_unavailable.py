"""While the database is away, everyone who asks is told so; when it is back, everything works without a restart."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server.access import keys
from server.access.audit import COMMAND_LINE
from server.access.rights import Right
from server.app import Server
from server.database.address import Address
from server.settings import Settings
from tests.server.cluster import cluster
from tests.server.ingest.plant import SteppedClock


@pytest.fixture
def address() -> Iterator[Address]:
    """A database of this release."""
    made = cluster().new()
    yield made
    cluster().drop(made)


def shut(address: Address, *, out: bool) -> None:
    """Let nobody in any more, and cut off who is; or let them in again."""
    cluster().execute(f"ALTER DATABASE {address.name} ALLOW_CONNECTIONS {not out}")
    if out:
        cluster().cut(address)


def test_503_until_it_is_back(tmp_path: Path, address: Address, caplog: pytest.LogCaptureFixture) -> None:
    """Interface, page and health answer 503 and say no more than that; the log names the database and what to do."""
    server = Server(Settings(data=tmp_path, database_url=str(address)), SteppedClock(), with_broker=False)
    with server.store.transaction() as session:
        key = keys.add(session, COMMAND_LINE, name="duty", scopes=tuple(Right), counties=(), now_ms=0).secret
    client = TestClient(server.app, headers={"Authorization": f"Bearer {key}"})
    shut(address, out=True)
    seals, health = client.get("/api/v1/seals"), client.get("/api/v1/health")
    page = TestClient(server.app, cookies={"coldseal": "whatever"}).get("/")
    shut(address, out=False)

    assert (seals.status_code, seals.json()["error"]["code"], seals.headers["Retry-After"]) == (503, "unavailable", "5")
    assert (health.status_code, health.json()["database"]["ok"]) == (503, False)
    assert (page.status_code, page.text.splitlines()[0]) == (503, "数据库暂时不可用，服务器正在重试，请稍后再试")
    assert address.name not in seals.text + page.text
    assert f"{address}: takes no transaction now" in caplog.text
    assert client.get("/api/v1/seals").status_code == 200
    assert client.get("/api/v1/health").json()["database"]["ok"]
    server.stop()
