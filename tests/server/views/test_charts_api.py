"""The interface's curve: behind the token, null in its gaps, and refusals that say what to do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server import tokens
from server.app import Server
from server.settings import Settings
from tests.server.ingest.plant import START_MS, SteppedClock
from tests.server.stores import settings_on
from tests.server.views.county import County

SEAL = "FZ-MH-2026-0001"
CURVE = f"/api/v1/seals/{SEAL}/curve"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A bearer's client of a server with one seal, unanswered from 00:01 to 00:02."""
    clock = SteppedClock()
    server = Server(settings_on(Settings(data=tmp_path)), clock, with_broker=False)
    county = County(server.store, clock)
    county.feed(county.seal(1, "示例铸造一厂"), 0, 300, lambda s: None if 60 <= s < 120 else 0.0)
    with server.store.transaction() as session:
        secret = tokens.issue(session, "李", clock.wall_ms())
    yield TestClient(server.app, headers={"Authorization": f"Bearer {secret}"})
    server.stop()


def test_a_gap_travels_as_null(client: TestClient) -> None:
    """The last day by default; the unanswered minute is null and never 0."""
    curve = client.get(CURVE).json()
    inside = [watts for t, watts in curve["points"] if START_MS + 60_000 <= t < START_MS + 120_000]
    assert inside == [None]
    reasons = [gap["reason"] for gap in curve["gaps"]]
    assert reasons == ["no_data", "timeout"]


def test_times_are_written_as_everywhere(client: TestClient) -> None:
    """`from` and `to` are ISO 8601, Beijing where no offset stands."""
    asked: dict[str, str | int] = {"from": "2026-03-01T00:00:10", "to": "2026-02-28T16:00:20Z", "max_points": 100}
    curve = client.get(CURVE, params=asked).json()
    assert (curve["from_ms"], curve["to_ms"]) == (START_MS + 10_000, START_MS + 20_000)
    assert len(curve["points"]) == 11


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("/api/v1/seals/FZ-NONE/curve", {}, 404, "not_found"),
        (CURVE, {"from": "2026-03-02", "to": "2026-03-01"}, 422, "wrong_input"),
        (CURVE, {"max_points": "3"}, 422, "wrong_input"),
        (CURVE, {"from": "noon"}, 422, "wrong_input"),
    ],
)
def test_refusals(client: TestClient, path: str, params: dict[str, str], status: int, code: str) -> None:
    """A wrong question gets the interface's one shape of error."""
    answer = client.get(path, params=params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_not_without_a_token(client: TestClient) -> None:
    """The curve is for bearers only."""
    assert client.get(CURVE, headers={"Authorization": ""}).status_code == 401
