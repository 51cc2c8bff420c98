"""Who gets in: nothing is shown before a token, a link works once, and no address leads elsewhere."""

from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.served import Site, tell_a_start


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A served county."""
    served = Site(tmp_path_factory.mktemp("door"))
    tell_a_start(served.county)
    yield served.start()
    served.stop()


@pytest.mark.parametrize("path", ["/", "/en", "/console/chart?seal=FZ-MH-2026-0043&from=0&to=1", "/nothing"])
def test_without_a_token_there_is_only_the_door(site: Site, path: str) -> None:
    """Every page, and the chart's data, lead to the sign-in and carry no data."""
    answer = httpx2.get(site.url + path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
    assert "示例" not in answer.text


def test_the_live_line_needs_a_token(site: Site) -> None:
    """The page's live line is refused without a token, by both of its transports."""
    polling = httpx2.get(f"{site.url}/_nicegui_ws/socket.io/?EIO=4&transport=polling")
    assert polling.status_code in (303, 401)
    websocket = httpx2.get(
        f"{site.url}/_nicegui_ws/socket.io/?EIO=4&transport=websocket",
        headers={
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        },
    )
    assert websocket.status_code == 403


def test_a_link_works_once(site: Site) -> None:
    """The first visit signs in and goes on by itself; the second says why not and what to do."""
    link = site.link()
    first = httpx2.get(link)
    assert first.status_code == 200
    assert "httponly" in first.headers["set-cookie"].lower()
    assert "samesite=strict" in first.headers["set-cookie"].lower()
    assert 'content="0; url=/"' in first.text
    second = httpx2.get(link)
    assert second.status_code == 401
    assert "一次性链接已用过" in second.text
    assert "set-cookie" not in second.headers


@pytest.mark.parametrize("following", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"])
def test_the_way_on_stays_here(site: Site, following: str) -> None:
    """Whoever wrote the link cannot lead a person to another site after the sign-in."""
    token = site.token(f"门 {following}")
    answer = httpx2.post(f"{site.url}/sign-in", data={"token": token, "next": following})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"


def test_signing_in_and_out(chromium: Browser, site: Site) -> None:
    """A wrong token is told so without losing the way; a right one leads to the page asked for; leaving ends it."""
    token = site.token("李门")
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{site.url}/en")
    page.wait_for_url("**/sign-in?next=**")
    page.get_by_label("Token").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Not signed in")
    page.get_by_role("link", name="中文").click()
    page.get_by_label("令牌").fill(f" {token} ")
    page.get_by_role("button", name="登录").click()
    page.wait_for_url("**/en")
    expect(page.locator("article h1")).to_contain_text("resumed power")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto(site.url + "/")
    page.wait_for_url("**/sign-in?next=**")
    context.close()
