"""Every route as everybody: what the page says is what the server does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

from server.access.rights import Right, Role
from server.api.access_table import BEGINS, ENDS, Operation, operations, tables
from server.api.context import needs
from server.api.rights import ANYONE, RouteWithoutRight, document
from tests.server.api.conftest import PEOPLE, Site

PAGE = Path(__file__).parents[3] / "docs" / "access.md"


@pytest.fixture
def described(site: Site) -> dict[str, Any]:
    """The interface's own document."""
    found: dict[str, Any] = site.client.get("/api/v1/openapi.json").json()
    return found


def status(client: TestClient, operation: Operation) -> int:
    """The answer to an operation, with `none` in every place and an empty body."""
    path = "/".join("none" if part.startswith("{") else part for part in operation.path.split("/"))
    return client.request(operation.method, path, json={} if operation.method != "GET" else None).status_code


def test_the_page_is_what_is_made(described: dict[str, Any]) -> None:
    """The tables of docs/access.md are made from the document; make them again: python -m server.api.access_table."""
    text = PAGE.read_text(encoding="utf-8")

    assert text[text.index(BEGINS) : text.index(ENDS) + len(ENDS)] == tables(described)


def test_every_route_as_everybody(site: Site, described: dict[str, Any]) -> None:
    """Each operation as each role, as a stranger, and with a key without scopes: 401, 403, or not, as the table says."""
    by_role = {role: site.browser(name) for name, (role, _) in reversed(PEOPLE.items())}
    assert set(by_role) == set(Role)
    asked = 0
    for operation in operations(described):
        for role, client in by_role.items():
            got = status(client, operation)
            assert (got not in (401, 403)) if operation.is_open_to(role) else got == 403, (operation, role, got)
            asked += 1
        assert (status(site.anyone, operation) == 401) is (operation.needs != ANYONE), operation
    assert asked == 4 * len(list(operations(described))) > 100


def test_every_scope_opens_its_own_routes(site: Site, described: dict[str, Any]) -> None:
    """A key opens what its one scope names and nothing else; without scopes it opens what needs no right."""
    for scope in (None, *Right):
        client = site.program(site.key(f"k-{scope or 'idle'}", *([scope] if scope else [])))
        for operation in operations(described):
            may = operation.needs not in set(Right) or operation.needs == scope
            assert (status(client, operation) != 403) is may, (operation, scope)


def test_the_document_needs_somebody(site: Site) -> None:
    """A stranger does not even learn what could be asked; whoever is signed in does."""
    assert site.anyone.get("/api/v1/openapi.json").status_code == 401
    assert site.browser("wang").get("/api/v1/openapi.json").status_code == 200


def test_a_route_must_state_its_right() -> None:
    """A route without a right, or with two, ends the start: it would be open to everybody, or say less than it does."""

    def routers() -> Iterator[APIRouter]:
        for stated in ([], [needs(Right.READ), needs(Right.AUDIT)]):
            router = APIRouter()
            router.add_api_route("/x", lambda: None, dependencies=stated)
            yield router

    for router in routers():
        with pytest.raises(RouteWithoutRight, match=r"\{'GET'\} /x: expected one right, .*, got \["):
            document(router)
