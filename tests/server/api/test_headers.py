"""What every answer tells the browser, and which requests are refused before anything reads them."""

import re
from collections.abc import Iterator

import pytest
from starlette.responses import HTMLResponse, Response
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from server.api.headers import BODY_BYTES_MAX
from server.api.page_policy import PagePolicy
from tests.server.api.conftest import Site

ON_TLS = "https://testserver"


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


@pytest.mark.parametrize("address", ["/api/v1/seals/a%00b", "/api/v1/meters?seal=%00", "/sign-in?next=%00"])
def test_a_character_that_no_database_keeps(site: Site, address: str) -> None:
    """NUL in an address is wrong input, on every database alike."""
    answer = site.client.get(address)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "wrong_input")


def test_nul_in_a_body(site: Site) -> None:
    """The same in a document, with its field."""
    answer = site.client.post("/api/v1/accounts", json={"name": "x", "shown_as": "a\x00b", "role": "viewer"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "wrong_input")


@pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/agents", "/api/v1/nothing"])
def test_headers_of_the_interface(site: Site, path: str) -> None:
    """Answers and refusals alike: nothing is cached, sniffed, framed, or leaks its address."""
    for client in (site.client, site.anyone):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"


def policy(text: str) -> dict[str, list[str]]:
    """A content security policy by directive."""
    return {name: sources for name, *sources in (part.split() for part in text.split(";"))}


def test_what_pages_may_do(site: Site) -> None:
    """Everything from this server alone, no frame, no plug-in, no form that leads elsewhere."""
    allowed = policy(site.browser("chen").get("/nothing").headers["content-security-policy"])

    assert allowed["default-src"] == allowed["connect-src"] == allowed["form-action"] == ["'self'"]
    assert allowed["img-src"] == ["'self'", "data:"]
    for nothing in ("object-src", "base-uri", "frame-ancestors"):
        assert allowed[nothing] == ["'none'"]
    assert "'unsafe-inline'" not in allowed["script-src"]
    assert not [source for sources in allowed.values() for source in sources if "://" in source or source == "*"]


def test_a_pages_scripts_carry_its_word() -> None:
    """Every script in a page has the nonce of its answer, new each time; what is no page, or has a policy, is as it was."""
    page, own = HTMLResponse("<script>1</script><p><script type='module'>2</script>"), "default-src 'none'"
    answers: dict[str, Response] = {
        "/page": page, "/text": Response("<script>", media_type="text/plain"), "/api/x": HTMLResponse("<script>"),
        "/own": HTMLResponse("<script>", headers={"Content-Security-Policy": own}),
    }  # fmt: skip

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answers[scope["path"]](scope, receive, send)

    client = TestClient(PagePolicy(app))
    nonces = list[str]()
    for _ in range(2):
        told = client.get("/page", headers={"Accept": "text/html", "Accept-Encoding": "gzip"})
        [nonce] = re.findall(r"'nonce-([\w-]{22})'", told.headers["content-security-policy"])
        assert told.text.count(f'<script nonce="{nonce}"') == told.text.count("<script") == 2
        assert int(told.headers["content-length"]) == len(told.content)
        nonces.append(nonce)
    assert nonces[0] != nonces[1]
    assert [client.get(path).text for path in ("/text", "/api/x", "/own")] == ["<script>"] * 3
    assert client.get("/own").headers["content-security-policy"] == own


def test_what_the_door_may_do(site: Site) -> None:
    """The forms for secrets run nothing at all, and their one style is named anew for each answer."""
    first, second = (
        policy(site.anyone.get("/sign-in?here=1").headers["content-security-policy"]) for _ in range(2)
    )  # fmt: skip

    assert first["default-src"] == ["'none'"]
    assert "script-src" not in first
    assert first["style-src"][0] == "'self'"
    assert first["style-src"] != second["style-src"]


def test_headers_on_tls(site: Site) -> None:
    """Over TLS a browser is told to keep to it, and to keep the window to itself; without it, it would ignore both."""
    plain, tls = site.anyone.get("/sign-in").headers, site.client_with({}, ON_TLS).get("/sign-in").headers

    assert tls["strict-transport-security"] == "max-age=31536000"
    assert tls["cross-origin-opener-policy"] == "same-origin"
    assert "strict-transport-security" not in plain
    assert "cross-origin-opener-policy" not in plain
    for headers in (plain, tls):
        assert headers["permissions-policy"] == "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def test_no_other_site_is_allowed_in(site: Site) -> None:
    """No answer carries a permission for another origin."""
    answer = site.client.options(
        "/api/v1/agents", headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    )

    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_nothing_is_loaded_from_outside(site: Site) -> None:
    """FastAPI's own documentation pages, whose scripts come from elsewhere, are not there."""
    assert [site.client.get(path).status_code for path in ("/docs", "/redoc")] == [303, 303]
    assert site.client.get("/api/v1/docs").status_code == 404
    assert site.browser("chen").get("/docs").status_code == 404
