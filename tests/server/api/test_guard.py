"""Nobody sees anything without a token, but for what is named; and what every answer tells the browser."""

from collections.abc import Iterator, Sequence

import nicegui
import pytest
from fastapi.routing import iter_route_contexts
from sqlmodel import select
from starlette.routing import BaseRoute, Mount
from starlette.websockets import WebSocketDisconnect

from server import tokens
from server.api.auth import is_free
from server.api.headers import BODY_BYTES_MAX
from server.tables import Token
from tests.server.api.conftest import Site

FREE_ON_PURPOSE = {"/api/v1/health", "/api/v1/public/seals", "/sign-in", "/first/x", "/favicon.ico"}


def addresses(routes: Sequence[BaseRoute], before: str = "") -> Iterator[tuple[str, str]]:
    """Method and address of every route of an application, mounted ones included; parameters are x."""
    for route in iter_route_contexts(routes):
        path = before + _filled(route.path or "")
        if isinstance(route.original_route, Mount):
            yield from addresses(route.original_route.routes, path)
            yield "GET", f"{path}/x"
        else:
            yield from ((method, path) for method in route.methods or ())


def _filled(path: str) -> str:
    return "/".join("x" if part.startswith("{") else part for part in path.split("/"))


def test_every_route_needs_a_token(site: Site) -> None:
    """Walks every route of the application: 401 (or the sign-in page) without a token, unless named as free."""
    with site.anyone:  # NiceGUI adds some of its routes when it starts
        walked = {*addresses(site.server.app.routes), *addresses(nicegui.app.routes)}
    free = set[str]()
    for method, address in walked:
        if is_free(address):
            free.add(address)
            continue
        answer = site.anyone.request(method, address)
        closed = answer.status_code == 401 or answer.headers.get("location", "").startswith("/sign-in?next=")
        assert closed, f"{method} {address}: {answer.status_code}"

    assert {a for a in free if not a.startswith("/_nicegui/")} == FREE_ON_PURPOSE
    assert ("GET", "/api/v1/seals") in walked
    assert ("POST", "/api/v1/agents") in walked
    assert ("GET", "/api/v1/openapi.json") in walked


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/healthy", "/api/v1/health/", "/api/v1/public/seals/x"])
def test_a_path_near_a_free_one_is_closed(site: Site, path: str) -> None:
    """Only the very paths that are named are free; what does not exist is not told apart from what does."""
    answer = site.anyone.get(path)

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "no_token")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_pages_lead_to_the_sign_in(site: Site) -> None:
    """A browser without a token is sent to the form and back; a change is refused outright."""
    answer = site.anyone.get("/")

    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/")
    assert site.anyone.post("/").status_code == 401


def test_the_live_line_is_closed(site: Site) -> None:
    """The page's web socket is not opened to somebody without a token."""
    with (
        pytest.raises(WebSocketDisconnect, match=r"^$") as closed,
        site.anyone.websocket_connect("/_nicegui_ws/socket.io/?EIO=4&transport=websocket"),
    ):
        pass
    assert closed.value.code == 1008


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Basic {secret}", "bearer{secret}", "Bearer {secret}x", "{secret}"],
)
def test_no_good_token(site: Site, header: str) -> None:
    """Anything but the scheme and a good secret is no token."""
    answer = site.anyone.get("/api/v1/agents", headers={"Authorization": header.format(secret=site.secret)})

    assert answer.status_code == 401


@pytest.mark.parametrize("header", ["Bearer {secret}", "bearer {secret}", "BEARER  {secret} "])
def test_a_good_token(site: Site, header: str) -> None:
    """The scheme is read in any case, as RFC 7235 says."""
    answer = site.anyone.get("/api/v1/agents", headers={"Authorization": header.format(secret=site.secret)})

    assert answer.status_code == 200


def test_the_cookie_is_a_token_too(site: Site) -> None:
    """What the sign-in sets opens the interface."""
    site.anyone.cookies.set("coldseal", site.secret)

    assert site.anyone.get("/api/v1/agents").status_code == 200


def test_a_wrong_header_is_not_mended_by_a_cookie(site: Site) -> None:
    """Whoever sends a header means that bearer."""
    site.anyone.cookies.set("coldseal", site.secret)

    assert site.anyone.get("/api/v1/agents", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_revoked_token_is_refused_at_once(site: Site) -> None:
    """Revocation needs no restart."""
    with site.server.store.transaction() as session:
        session.exec(select(Token).where(Token.name == "duty")).one().revoked_ms = 1

    assert site.client.get("/api/v1/agents").status_code == 401


def test_a_link_is_no_token(site: Site) -> None:
    """The secret of a sign-in link opens nothing but the sign-in."""
    with site.server.store.transaction() as session:
        link = tokens.issue_one_time(session, site.clock.now_ms)

    assert site.anyone.get("/api/v1/agents", headers={"Authorization": f"Bearer {link}"}).status_code == 401


@pytest.mark.parametrize(("from_site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 201)])
def test_another_sites_page_changes_nothing(site: Site, from_site: str, status: int) -> None:
    """A page on another port of this host, where the cookie would go along, is refused."""
    site.anyone.cookies.set("coldseal", site.secret)
    new = {"id": "fz-9", "key": "Ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    answer = site.anyone.post("/api/v1/agents", json=new, headers={"Sec-Fetch-Site": from_site})

    assert answer.status_code == status


def test_another_sites_page_signs_nobody_in(site: Site) -> None:
    """A page elsewhere cannot make a browser act under the name of its choice."""
    form = {"token": site.secret}

    assert site.anyone.post("/sign-in", data=form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert site.anyone.post("/sign-in", data=form, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 303


def test_a_body_that_says_it_is_too_long(site: Site) -> None:
    """A long body is refused by its length, in the one shape, before anything reads it."""
    answer = site.client.post("/api/v1/agents", content=b" " * (BODY_BYTES_MAX + 1))

    assert answer.status_code == 413
    assert answer.json()["error"]["message"] == "expected a body of at most 262144 bytes, got 262145"


def test_a_body_that_does_not_say_how_long_it_is(site: Site) -> None:
    """A body in pieces is refused when the bound is passed."""

    def pieces() -> Iterator[bytes]:
        for _ in range(5):
            yield b" " * 65_536

    answer = site.client.post("/api/v1/agents", content=pieces(), headers={"Content-Type": "application/json"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_long")


@pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/agents", "/api/v1/nothing"])
def test_headers_of_the_interface(site: Site, path: str) -> None:
    """Answers and refusals alike: nothing is cached, sniffed, framed, or leaks its address."""
    for client in (site.client, site.anyone):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_headers_of_the_pages(site: Site) -> None:
    """Pages cannot be framed, and a sign-in link in the address does not travel on."""
    headers = site.anyone.get("/sign-in").headers

    assert headers["content-security-policy"] == "frame-ancestors 'none'"
    assert headers["referrer-policy"] == "no-referrer"


def test_no_other_site_is_allowed_in(site: Site) -> None:
    """No answer carries a permission for another origin."""
    answer = site.client.options(
        "/api/v1/agents", headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    )

    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_nothing_is_loaded_from_outside(site: Site) -> None:
    """FastAPI's own documentation pages, whose scripts come from elsewhere, are not there."""
    assert [site.client.get(path).status_code for path in ("/docs", "/redoc", "/api/v1/docs")] == [404, 404, 404]
