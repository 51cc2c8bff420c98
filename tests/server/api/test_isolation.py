"""Counties: what is elsewhere is not told apart from what is not, on every address that reads."""

from pathlib import Path
from typing import Any

import pytest

from server.access.rights import Right
from server.api.access_table import WHATEVER, operations
from tests.server.api.conftest import AGENT, ELSEWHERE, HERE, Site
from tests.server.api.places import FAR_SEAL, HERE_ONLY, SEAL, Places


@pytest.fixture
def places(site: Site, tmp_path: Path) -> Places:
    """A melt in each of two counties."""
    return Places(site, tmp_path)


def reading(document: dict[str, Any]) -> list[tuple[str, list[str], list[str]]]:
    """Every GET that is limited by county: path, places in the path, what the query must have."""
    found = []
    for one in operations(document):
        if one.method != "GET" or one.needs in (*WHATEVER, "accounts", "audit", "agents", "metrics"):
            continue
        told = document["paths"][one.path]["get"].get("parameters", [])
        places = [part["name"] for part in told if part["in"] == "path"]
        required = [part["name"] for part in told if part["in"] == "query" and part["required"]]
        found.append((one.path, places, required))
    return found


def test_what_is_elsewhere_is_not_there(places: Places) -> None:
    """Each address with the name of something in one county: 404 for the other's monitor, the same as for nothing."""
    here, far = places.site.browser("chen"), places.site.browser("lin")
    named = {
        "seal_id": SEAL, "violation_id": places.violation, "meter": f"{AGENT}/m1", "county": HERE, "mute_id": places.mute,
        "county_code": HERE,
    }  # fmt: skip
    asked = 0
    for path, in_path, in_query in reading(places.site.client.get("/api/v1/openapi.json").json()):
        if not in_path and not in_query:
            continue
        filled = path
        for place in in_path:
            filled = filled.replace(f"{{{place}}}", str(named[place]))
        query = {name: str(named[name]) for name in in_query}
        seen, unseen = here.get(filled, params=query), far.get(filled, params=query)
        assert (seen.status_code, unseen.status_code) == (200, 404), path
        assert unseen.json()["error"]["code"] == "not_found", path
        asked += 1
    assert asked >= 7


def test_lists_hold_ones_own_county(places: Places) -> None:
    """No list tells the other county's monitor a name from here; the administrator sees both."""
    site = places.site
    everywhere, far = site.browser("li.ming"), site.browser("lin")
    paths = [
        path
        for path, in_path, in_query in reading(site.client.get("/api/v1/openapi.json").json())
        if not in_path + in_query
    ]
    for path in paths:
        told = far.get(path)
        assert told.status_code == 200, path
        assert not [name for name in HERE_ONLY if name in told.text], path
        assert HERE_ONLY[0] in everywhere.get(path).text or path.endswith(("/agents", "/counties")), path
    assert {"/api/v1/seals", "/api/v1/violations", "/api/v1/meters", "/api/v1/agents", "/api/v1/mutes"} <= set(paths)
    assert FAR_SEAL in far.get("/api/v1/seals").text


def test_a_question_about_elsewhere_finds_nothing(places: Places) -> None:
    """Filters do not reach over the border."""
    far = places.site.browser("lin")
    for path in (f"/meters?seal={SEAL}", f"/meters?agent={AGENT}", f"/violations?seal={SEAL}"):
        assert far.get(f"/api/v1{path}").json() == [], path
    assert far.get(f"/api/v1/people?county={HERE}").status_code == 404
    assert [one["name"] for one in far.get(f"/api/v1/people?county={ELSEWHERE}").json()] == ["li.ming", "lin"]


def test_nothing_elsewhere_is_changed(places: Places) -> None:
    """Every step in the life of a violation elsewhere, and a mute there, is refused as unknown, and leaves no entry."""
    site, far = places.site, places.site.browser("lin")
    until = "2026-03-01T01:00:00"
    before = len(site.get("/audit", limit=500)["rows"])  # type: ignore[arg-type]  # a document
    for step, body in (
        ("acknowledge", {}), ("dispatch", {"to": "lin"}), ("comment", {"text": "x"}), ("confirm", {"reason": "x"}),
        ("dismiss", {"reason": "x"}), ("close", {"reason": "x"}),
    ):  # fmt: skip
        assert far.post(f"/api/v1/violations/{places.violation}/{step}", json=body).status_code == 404, step
    for target in ({"seal": SEAL}, {"county_code": HERE}):
        answer = far.post("/api/v1/mutes", json=target | {"until": until, "reason": "x"})
        assert answer.status_code == 404, target
    assert far.post(f"/api/v1/mutes/{places.mute}/end").status_code == 404
    assert len(site.get("/audit", limit=500)["rows"]) == before  # type: ignore[arg-type]  # a document


def test_a_key_keeps_to_its_counties(places: Places) -> None:
    """A program is limited like a person."""
    client = places.site.program(places.site.key("far", Right.READ, counties=(ELSEWHERE,)))

    assert [row["id"] for row in client.get("/api/v1/seals").json()] == [FAR_SEAL]
    assert client.get(f"/api/v1/seals/{SEAL}").status_code == 404
