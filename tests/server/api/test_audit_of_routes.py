"""Every operation that changes something leaves an entry: walked from the OpenAPI document, so that none is forgotten."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from server.api.access_table import Operation, operations
from tests.server.api.conftest import AGENT, Site
from tests.server.api.places import SEAL, Places

KEY = "Ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
UNTIL = "2026-03-01T01:00:00"
WHY = {"reason": "现场核查"}
V = "/violations/{violation}"

EXAMPLES: dict[str, tuple[str, dict[str, Any], str]] = {
    "POST /agents": ("/agents", {"id": "fz-9", "key": KEY}, "agent.add"),
    "POST /agents/{agent_id}/revoke": (f"/agents/{AGENT}/revoke", {}, "agent.revoke"),
    "POST /violations/{violation_id}/comment": (f"{V}/comment", {"text": "已去电"}, "violation.comment"),
    "POST /violations/{violation_id}/acknowledge": (f"{V}/acknowledge", {}, "violation.acknowledge"),
    "POST /violations/{violation_id}/dispatch": (f"{V}/dispatch", {"to": "he"}, "violation.dispatch"),
    "POST /violations/{violation_id}/confirm": (f"{V}/confirm", WHY, "violation.confirm"),
    "POST /violations/{violation_id}/dismiss": (f"{V}/dismiss", WHY, "violation.dismiss"),
    "POST /violations/{violation_id}/close": (f"{V}/close", WHY, "violation.close"),
    "POST /mutes": ("/mutes", {"seal": SEAL, "until": UNTIL} | WHY, "mute.begin"),
    "POST /mutes/{mute_id}/end": ("/mutes/{mute}/end", {}, "mute.end"),
    "POST /accounts": ("/accounts", {"name": "new", "shown_as": "新", "role": "viewer"}, "account.add"),
    "PATCH /accounts/{name}": ("/accounts/wang", {"role": "monitor"}, "account.set"),
    "POST /accounts/{name}/links": ("/accounts/wang/links", {}, "link.add"),
    "POST /sessions/{session_id}/revoke": ("/sessions/{session}/revoke", {}, "session.revoke"),
    "POST /keys": ("/keys", {"name": "platform", "scopes": ["read"]}, "key.add"),
    "POST /keys/{name}/revoke": ("/keys/platform/revoke", {}, "key.revoke"),
}
"""An example of each operation that changes something: address, body, and the action that the record must name."""


@pytest.fixture
def places(site: Site, tmp_path: Path) -> Places:
    """Something of everything to be changed."""
    return Places(site, tmp_path)


def entries(client: TestClient) -> list[dict[str, Any]]:
    """The record, the newest first."""
    rows: list[dict[str, Any]] = client.get("/api/v1/audit", params={"limit": 500}).json()["rows"]
    return rows


def changing(document: dict[str, Any]) -> list[Operation]:
    """Every operation that is no GET."""
    return [one for one in operations(document) if one.method != "GET"]


def test_every_change_has_an_example(site: Site) -> None:
    """A new operation has to be added here, with the action that it leaves in the record."""
    document = site.get("/openapi.json")

    assert {f"{one.method} {one.path.removeprefix('/api/v1')}" for one in changing(document)} == set(EXAMPLES)


def test_every_change_leaves_an_entry(places: Places) -> None:
    """Each one, done by an administrator's browser, adds an entry with who, what and from where."""
    site, admin = places.site, places.site.browser("li.ming")
    site.session("wang")
    (browser,) = admin.get("/api/v1/accounts/wang/sessions").json()
    named = {"violation": places.violation, "mute": places.mute, "session": browser["id"]}
    for operation, (path, body, action) in EXAMPLES.items():
        before = entries(site.client)
        answer = admin.request(operation.partition(" ")[0], f"/api/v1{path.format(**named)}", json=body)
        assert answer.status_code in (200, 201), (operation, answer.text)
        added = entries(site.client)[: -len(before)]
        assert [(one["action"], one["actor"], one["actor_kind"], one["address"]) for one in added] == [
            (action, "li.ming", "account", "testclient")
        ], operation


def test_what_is_refused_leaves_none(places: Places) -> None:
    """Neither who lacks the right, nor wrong input, nor what is not there, adds an entry."""
    site = places.site
    viewer, admin = site.browser("wang"), site.browser("li.ming")
    before = len(entries(site.client))
    for operation in changing(site.get("/openapi.json")):
        path = "/".join("none" if part.startswith("{") else part for part in operation.path.split("/"))
        assert viewer.request(operation.method, path, json={}).status_code in (403, 404, 422), operation
        assert admin.request(operation.method, path, json={"junk": 1}).status_code in (404, 422), operation

    assert len(entries(site.client)) == before


def test_the_record_is_read_page_by_page(places: Places) -> None:
    """Following `next` gives every entry once, and filters choose."""
    site = places.site
    found, before = list[int](), 2**31 - 1
    while True:
        page = site.get("/audit", limit=2, before=before)
        rows = page["rows"]
        assert isinstance(rows, list)
        found += [row["id"] for row in rows]
        if page["next"] is None:
            break
        before = int(str(page["next"]))

    assert found == sorted(found, reverse=True)
    assert len(found) == len(set(found)) == len(entries(site.client))
    chosen = site.get("/audit", actor="command-line", action="account", subject="chen")["rows"]
    assert isinstance(chosen, list)
    assert [(row["action"], row["detail"]) for row in chosen] == [
        ("account.add", {"role": "monitor", "counties": "350121"})
    ]  # fmt: skip
