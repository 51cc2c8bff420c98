"""Nothing is answered to a stranger, but for what is named; and who is whom."""

from collections.abc import Iterator, Sequence

import nicegui
import pytest
from fastapi.routing import iter_route_contexts
from sqlmodel import select
from starlette.routing import BaseRoute, Mount
from starlette.websockets import WebSocketDisconnect

from server.access import links
from server.access.links import Purpose
from server.access.rights import Right
from server.access.sessions import IDLE_MS
from server.access.tables import ApiKey
from server.api.auth import is_free
from tests.server.api.conftest import Site

FREE_ON_PURPOSE = {"/api/v1/health", "/api/v1/public/seals", "/sign-in", "/first/x", "/favicon.ico", "/health"}
KEY = "Ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


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


def code_of(answer: object) -> str:
    """The code of an error's document."""
    assert isinstance(answer, dict)
    code: str = answer["error"]["code"]
    return code


def test_every_route_needs_somebody(site: Site) -> None:
    """Walks every route of the application: 401 (or the sign-in page) for a stranger, unless named as free."""
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

    assert {a for a in free if not a.startswith("/_nicegui/")} <= FREE_ON_PURPOSE
    assert ("GET", "/api/v1/seals") in walked
    assert ("POST", "/api/v1/agents") in walked
    assert ("GET", "/api/v1/openapi.json") in walked
    assert ("GET", "/password") in walked


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/healthy", "/api/v1/health/", "/api/v1/public/seals/x"])
def test_a_path_near_a_free_one_is_closed(site: Site, path: str) -> None:
    """Only the very paths that are named are free; what does not exist is not told apart from what does."""
    answer = site.anyone.get(path)

    assert (answer.status_code, code_of(answer.json())) == (401, "not_signed_in")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_pages_lead_to_the_sign_in_and_back(site: Site) -> None:
    """A browser without a session is sent to the form, which knows the way back; a change is refused outright."""
    for path, way_back in (("/", "/"), ("/violations/V-1?tab=x&y=2", "/violations/V-1%3Ftab%3Dx%26y%3D2")):
        answer = site.anyone.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={way_back}")

    assert site.anyone.post("/").status_code == 401
    assert site.anyone.post("/sign-out").status_code == 401


def test_the_live_line_is_closed(site: Site) -> None:
    """The page's web socket is opened neither to a stranger, nor to a key, nor with a session that is over."""
    over = site.browser("chen")
    site.clock.now_ms += IDLE_MS
    for client in (site.anyone, site.client, over):
        with (
            pytest.raises(WebSocketDisconnect, match=r"^$") as closed,
            client.websocket_connect("/_nicegui_ws/socket.io/?EIO=4&transport=websocket"),
        ):
            pass
        assert closed.value.code == 1008


def test_no_good_key(site: Site) -> None:
    """Anything but the scheme and a good secret is no key; the scheme is read in any case, as RFC 7235 says."""
    for form in ("", "Bearer", "Bearer ", "Bearer wrong", "Basic {}", "bearer{}", "Bearer {}x", "{}"):
        answer = site.anyone.get("/api/v1/agents", headers={"Authorization": form.format(site.secret)})
        assert (answer.status_code, code_of(answer.json())) == (401, "wrong_key"), form
    for form in ("Bearer {}", "bearer {}", "BEARER  {} "):
        assert site.anyone.get("/api/v1/agents", headers={"Authorization": form.format(site.secret)}).status_code == 200


def test_a_session_opens_interface_and_pages(site: Site) -> None:
    """What the sign-in sets opens both; a key opens no page."""
    assert site.browser("chen").get("/api/v1/agents").status_code == 200
    assert site.browser("chen").get("/password").status_code == 200
    assert site.client.get("/password").status_code == 303
    assert site.client.get("/console/chart?seal=x&from=0&to=1").status_code == 303


def test_secrets_are_not_exchanged(site: Site) -> None:
    """A session's secret is no key, a key's no session, and a link's neither."""
    with site.server.store.transaction() as session:
        link = links.issue(session, Purpose.SIGN_IN, 1, site.clock.now_ms)
    for secret in (site.session("chen"), link):
        assert site.program(secret).get("/api/v1/agents").status_code == 401
    for secret in (site.secret, link):
        client = site.client_with({})
        client.cookies.set("coldseal", secret)
        assert code_of(client.get("/api/v1/agents").json()) == "session_over"


def test_a_wrong_header_is_not_mended_by_a_cookie(site: Site) -> None:
    """Whoever sends a header means that key."""
    assert site.browser("chen").get("/api/v1/agents", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_session_that_is_over_is_told(site: Site) -> None:
    """The interface says what happened and what to do, by a code of its own; the page leads to the sign-in and back."""
    client = site.browser("chen")
    site.clock.now_ms += IDLE_MS
    answer = client.get("/api/v1/seals")

    assert (answer.status_code, code_of(answer.json())) == (401, "session_over")
    assert "sign in again on the page" in answer.text
    page = client.get("/seals/FZ-MH-2026-0043")
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=/seals/FZ-MH-2026-0043")
    door = client.get(page.headers["location"])
    assert "登录已过期或被结束" in door.text


def test_a_revoked_key_is_refused_at_once(site: Site) -> None:
    """Revocation needs no restart."""
    with site.server.store.transaction() as session:
        session.exec(select(ApiKey).where(ApiKey.name == "duty")).one().revoked_ms = 1

    assert site.client.get("/api/v1/agents").status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, 403),
        ({"Origin": "http://testserver"}, 201),
        ({"Origin": "http://testserver:81"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 201),
    ],
)
def test_another_sites_page_changes_nothing(site: Site, headers: dict[str, str], status: int) -> None:
    """A page elsewhere, or on another port of this host, is refused, by either header that browsers send."""
    client = site.client_with(headers)
    client.cookies.set("coldseal", site.session("li.ming"))

    assert client.post("/api/v1/agents", json={"id": "fz-9", "key": KEY}).status_code == status


def test_another_sites_page_signs_nobody_in(site: Site) -> None:
    """A page elsewhere cannot make a browser act under the name of its choice, nor open the live line."""
    form = {"name": "chen", "password": "x"}
    cross = {"Sec-Fetch-Site": "cross-site"}

    assert site.anyone.post("/sign-in", data=form, headers=cross).status_code == 403
    assert site.anyone.post("/sign-in", data=form, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 401
    assert site.browser("chen").post("/sign-out", headers=cross).status_code == 403


def test_who_lacks_a_right_is_told_which(site: Site) -> None:
    """403 in the one shape, with the right that is missing."""
    answer = site.browser("wang").get("/api/v1/audit")

    assert (answer.status_code, code_of(answer.json())) == (403, "forbidden")
    assert "Wang: expected the right 'audit', which this account or key lacks" in answer.text
    assert site.program(site.key("reader", Right.READ)).get("/api/v1/keys").status_code == 403
