"""Behind a proxy: whom the server believes about where a request comes from, and what that changes."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from server.access import audit, links
from server.app import Server
from server.settings import Settings, load
from tests.server.access.people import PASSWORD
from tests.server.api.conftest import Site
from tests.server.ingest.plant import SteppedClock
from tests.server.stores import settings_on
from wire.errors import SettingsError

FORWARDED = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
SESSION = {"name": "li.ming", "shown_as": "李明", "password": PASSWORD, "again": PASSWORD}


def signed_in(folder: Path, trusted: tuple[str, ...] | None) -> tuple[str, str]:
    """The address in the record, and the cookie, of somebody who makes the first account through a proxy at 127.0.0.1."""
    settings = settings_on(Settings(data=folder, trusted_proxies=trusted))
    server = Server(settings, SteppedClock(), with_broker=False)
    client = TestClient(server.app, client=("127.0.0.1", 5_000), follow_redirects=False)
    with server.store.transaction() as session:
        secret = links.first_administrator(session, server.clock.wall_ms())
    answer = client.post(f"/first/{secret}", data=SESSION, headers=FORWARDED)
    assert answer.status_code == 303, answer.text
    with server.store.transaction() as session:
        address = audit.entries(session, audit.Wanted(limit=1))[0].address
    server.stop()
    return address, answer.headers["set-cookie"]


@pytest.mark.parametrize("trusted", [None, ("10.0.0.1",)])
def test_nobody_is_believed_unless_named(tmp_path: Path, trusted: tuple[str, ...] | None) -> None:
    """What a stranger writes into a header changes neither the record nor the cookie."""
    address, cookie = signed_in(tmp_path, trusted)

    assert address == "127.0.0.1"
    assert cookie.startswith("coldseal=")
    assert "secure" not in cookie.lower()


@pytest.mark.parametrize("trusted", [("127.0.0.1",), ("10.0.0.1", "127.0.0.0/8")])
def test_a_named_proxy_is_believed(tmp_path: Path, trusted: tuple[str, ...]) -> None:
    """The record has the browser's address, and over the proxy's TLS the cookie is bound to TLS and this host."""
    address, cookie = signed_in(tmp_path, trusted)

    assert address == "198.51.100.7"
    assert cookie.startswith("__Host-coldseal=")
    for part in ("secure", "httponly", "samesite=strict", "path=/"):
        assert part in cookie.lower()


def test_on_tls_the_plain_cookie_opens_nothing(site: Site) -> None:
    """Over TLS only the cookie counts that a browser binds to this host: another one may come from elsewhere."""
    tls = site.client_with({}, "https://testserver")
    for name, status in (("coldseal", 401), ("__Host-coldseal", 200)):
        tls.cookies.clear()
        tls.cookies.set(name, site.session("chen"))
        assert tls.get("/api/v1/me").status_code == status


@pytest.mark.parametrize("proxy", ["*", "proxy.example", "10.0.0.1/8", ""])
def test_what_names_no_proxy(tmp_path: Path, proxy: str) -> None:
    """An address or a network is expected: nothing that would believe everybody."""
    (tmp_path / "server.yaml").write_text(f'trusted_proxies: ["{proxy}"]\n', encoding="utf-8")

    with pytest.raises(SettingsError, match=r"server\.yaml: trusted_proxies: expected addresses or networks, got"):
        load(tmp_path)
