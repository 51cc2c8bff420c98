"""The log over HTTP: who may read it, of which county, page by page; and the channels without their secrets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server.access import accounts, keys, sessions
from server.access.audit import COMMAND_LINE
from server.access.rights import Right, Role
from server.app import Server
from server.detect.finding import Code
from server.settings import Settings
from tests.server.ingest.plant import SteppedClock
from tests.server.notify.office import MINHOU, Office, alerts_of
from tests.server.stores import settings_on

CHANNELS: list[dict[str, object]] = [{"name": "duty", "own": True}, {"name": "red", "severities": ["red"]}]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """One restart in Minhou, one silence in Changle, one trouble of the server's own: told."""
    made = Office(tmp_path, CHANNELS)
    made.found(0)
    made.found(1, Code.SILENT)
    made.pass_s(5)
    made.store.close()
    return made


@pytest.fixture
def server(office: Office) -> Iterator[Server]:
    """A server on the office's database."""
    settings = settings_on(Settings(data=office.folder, alerts=alerts_of(CHANNELS)))
    made = Server(settings, SteppedClock(office.clock.now_ms), with_broker=False)
    yield made
    made.stop()


def client(server: Server, *scopes: Right, counties: tuple[str, ...] = ()) -> TestClient:
    """A program with a key."""
    with server.store.transaction() as session:
        name = f"k{len(scopes)}{len(counties)}"
        secret = keys.add(session, COMMAND_LINE, name=name, scopes=scopes, counties=counties, now_ms=1).secret
    return TestClient(server.app, base_url="http://127.0.0.1:8080", headers={"Authorization": f"Bearer {secret}"})


def test_the_log_says_what_became_of_each_event(server: Server) -> None:
    """One row for each event and channel, the newest first, with outcome, reason and delivery."""
    rows = client(server, Right.READ).get("/api/v1/alerts").json()

    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    told = [(row["channel"], row["code"], row["outcome"], row["why"], row["delivery"]) for row in rows]
    assert sorted(told) == [
        ("duty", "resumed_power", "told", "值班/闽侯县/红色", "delivered"),
        ("duty", "silent", "told", "值班/长乐区/黄色", "delivered"),
        ("red", "resumed_power", "told", "值班/闽侯县/红色", "delivered"),
        ("red", "silent", "not_for_channel", "severity amber", "none"),
    ]


def test_a_county_sees_its_own(server: Server) -> None:
    """Rows of another county are not there."""
    rows = client(server, Right.READ, counties=(MINHOU,)).get("/api/v1/alerts").json()

    assert {row["county_code"] for row in rows} == {MINHOU}
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("channel=red", 2),
        ("outcome=told", 3),
        ("outcome=muted", 0),
        ("violation=V-NONE", 0),
        ("outcome=told&channel=red", 1),
    ],
)
def test_the_log_is_searched(server: Server, query: str, count: int) -> None:
    """By violation, channel, outcome."""
    assert len(client(server, Right.READ).get(f"/api/v1/alerts?{query}").json()) == count


def test_the_log_comes_in_pages(server: Server) -> None:
    """Following the header Link gives every row once."""
    reader = client(server, Right.READ)
    seen, address = list[int](), "/api/v1/alerts?limit=3"
    while address:
        answer = reader.get(address)
        seen += [row["id"] for row in answer.json()]
        address = answer.links.get("next", {}).get("url", "")

    assert len(seen) == len(set(seen)) == 4
    assert seen == sorted(seen, reverse=True)
    assert reader.get("/api/v1/alerts?cursor=x").status_code == 422


@pytest.mark.parametrize("query", ["outcome=x", "limit=0", "cursor=99999999999"])
def test_what_cannot_be_meant_is_told_apart(server: Server, query: str) -> None:
    """422, never a crash."""
    assert client(server, Right.READ).get(f"/api/v1/alerts?{query}").status_code == 422


def test_channels_are_shown_without_their_secrets(server: Server) -> None:
    """For who manages accounts only; the address is its host."""
    answer = client(server, Right.READ, Right.ACCOUNTS).get("/api/v1/alerts/channels")

    assert [row["name"] for row in answer.json()] == ["duty", "red"]
    assert answer.json()[0]["address"] == "https://duty.example.org/…"
    assert "secret-token" not in answer.text


@pytest.mark.parametrize("path", ["/api/v1/alerts", "/api/v1/alerts/channels"])
def test_rights_are_needed(server: Server, path: str) -> None:
    """401 for nobody, 403 for a key without the right."""
    assert TestClient(server.app, base_url="http://127.0.0.1:8080").get(path).status_code == 401
    assert client(server, Right.METRICS).get(path).status_code == 403


def test_a_viewer_reads_the_log_and_no_channels(server: Server) -> None:
    """As any who may read; addresses are the administrator's."""
    with server.store.transaction() as session:
        made = accounts.add(
            session,
            COMMAND_LINE,
            name="wang",
            shown_as="王某",
            role=Role.VIEWER,
            counties=(),
            now_ms=server.clock.wall_ms(),
        )
        secret = sessions.open(session, made, server.clock.wall_ms(), "192.0.2.7", "Firefox")
    viewer = TestClient(server.app, base_url="http://127.0.0.1:8080", cookies={"coldseal": secret})

    assert viewer.get("/api/v1/alerts").status_code == 200
    assert viewer.get("/api/v1/alerts/channels").status_code == 403
