"""The interface's curves: for keys with the right, null in their gaps, county by county, and refusals that help."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server.access import keys
from server.access.audit import COMMAND_LINE
from server.access.rights import Right
from server.app import Server
from server.settings import Settings
from tests.server.ingest.plant import START_MS, SteppedClock
from tests.server.stores import settings_on
from tests.server.views.county import County
from wire.clock import iso

SEAL = "FZ-MH-2026-0001"
CURVE = f"/api/v1/seals/{SEAL}/curve"
NEW = (CURVE, f"{CURVE}.csv", f"/api/v1/seals/{SEAL}/coverage", f"/api/v1/seals/{SEAL}/register")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with one seal, unanswered from 00:01 to 00:02; it is 00:06."""
    clock = SteppedClock()
    server = Server(settings_on(Settings(data=tmp_path)), clock, with_broker=False)
    county = County(server.store, clock)
    county.feed(county.seal(1, "示例铸造一厂"), 0, 300, lambda s: None if 60 <= s < 120 else 0.0)
    county.tick(360)
    yield server
    server.stop()


def client_of(server: Server, *counties: str) -> TestClient:
    """A program whose key reads, in some counties or in all."""
    with server.store.transaction() as session:
        key = keys.add(
            session, COMMAND_LINE, name="-".join(["duty", *counties]), scopes=[Right.READ], counties=counties,
            now_ms=server.clock.wall_ms(),
        )  # fmt: skip
    return TestClient(server.app, headers={"Authorization": f"Bearer {key.secret}"})


@pytest.fixture
def client(server: Server) -> TestClient:
    """A program that reads every county."""
    return client_of(server)


def test_a_gap_travels_as_null(client: TestClient) -> None:
    """The last day by default; the unanswered minute is null and never 0."""
    curve = client.get(CURVE).json()
    inside = [watts for t, watts in curve["points"] if START_MS + 60_000 <= t < START_MS + 120_000]
    assert inside == [None]
    reasons = [gap["reason"] for gap in curve["gaps"]]
    assert reasons == ["no_data", "timeout", "no_data"]


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
        (CURVE, {"from": "1990-01-01", "to": "2026-01-01"}, 422, "too_long"),
        (f"{CURVE}.csv", {"from": "1990-01-01", "to": "2026-01-01"}, 422, "too_long"),
        (f"{CURVE}.csv", {"from": "2026-03-02", "to": "2026-03-01"}, 422, "wrong_input"),
        (f"/api/v1/seals/{SEAL}/coverage", {"from": "1990-01-01", "to": "2026-01-01"}, 422, "too_long"),
        (f"/api/v1/seals/{SEAL}/register", {"from": "1990-01-01", "to": "2026-01-01"}, 422, "too_long"),
        ("/api/v1/seals/FZ-NONE/coverage", {}, 404, "not_found"),
        ("/api/v1/seals/FZ-NONE/register", {}, 404, "not_found"),
        ("/api/v1/seals/FZ-NONE/curve.csv", {}, 404, "not_found"),
    ],
)
def test_refusals(client: TestClient, path: str, params: dict[str, str], status: int, code: str) -> None:
    """A wrong question gets the interface's one shape of error."""
    answer = client.get(path, params=params)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize("path", [*NEW, "/api/v1/counties"])
def test_not_without_a_key(client: TestClient, path: str) -> None:
    """Nothing of it is for strangers."""
    assert client.get(path, headers={"Authorization": ""}).status_code == 401


def test_another_countys_seal_is_not_there(server: Server) -> None:
    """Whoever sees other counties gets the same answer as for a number that does not exist; and no row of the county."""
    elsewhere, here = client_of(server, "350102"), client_of(server, "350121")
    for path in NEW:
        assert elsewhere.get(path).status_code == 404
        assert here.get(path).status_code == 200
    assert elsewhere.get("/api/v1/counties").json() == []
    assert [row["code"] for row in here.get("/api/v1/counties").json()] == ["350121"]


def test_coverage_ends_now(client: TestClient) -> None:
    """A day asked for to its end counts what has been of it: the future is not unproved."""
    asked = {"from": "2026-03-01", "to": "2026-03-02"}
    (day,) = client.get(f"/api/v1/seals/{SEAL}/coverage", params=asked).json()["days"]
    assert sum(share for name, share in day.items() if name != "day_ms") == 360_000


def test_the_register(client: TestClient) -> None:
    """The register stood still over the unanswered minute."""
    register = client.get(f"/api/v1/seals/{SEAL}/register", params={"from": "2026-03-01T00:00:00"}).json()
    assert (register["first"]["energy_wh"], register["last"]["energy_wh"]) == (500_000.0, 500_000.0)
    assert [(gap["reason"], gap["energy_wh"]) for gap in register["gaps"]] == [("timeout", 0.0)]


def test_a_table_for_a_spreadsheet(client: TestClient) -> None:
    """A byte order mark, a head with units, Beijing times with offset, an empty cell with its reason, the envelope."""
    answer = client.get(f"{CURVE}.csv", params={"from": "2026-03-01T00:00:58", "to": "2026-03-01T00:01:01"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="coldseal_FZ-MH-2026-0001_20260301T000058_20260301T000101.csv"'
    )
    assert answer.content.startswith(b"\xef\xbb\xbft,meter,power_kW,")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["t"], row["power_kW"], row["reason"], row["envelope_seq"]) for row in rows] == [
        (iso(START_MS + 58_000), "0", "", "1"),
        (iso(START_MS + 59_000), "0", "", "1"),
        (iso(START_MS + 60_000), "", "timeout", "2"),
        (iso(START_MS + 61_000), "", "timeout", "2"),
    ]
    assert rows[0]["import_energy_kWh"] == "500"
