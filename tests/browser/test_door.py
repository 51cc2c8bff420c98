"""The door in Chromium: forms that a keyboard and a screen reader can use, sessions that end, and nothing in the log."""

from collections.abc import Iterator

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from server.access import accounts, links, passwords
from server.access.links import FIRST, Purpose
from server.access.sessions import IDLE_MS
from tests.browser.served import INTRANET, Opener, Site, tell_a_start

PASSWORD, OTHER = "correct horse battery", "another good phrase"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A served county with a monitor who has chosen a password."""
    served = Site(tmp_path_factory.mktemp("door"))
    tell_a_start(served.county)
    person(served, "陈某")
    yield served.start()
    served.stop()


def person(site: Site, shown_as: str) -> str:
    """The name of an account with a password, made at the first time."""
    account = site.account(shown_as)
    with site.server.store.transaction() as session:
        named = accounts.named(session, account.name)
        if named.password_hash is None:
            accounts.set_password(session, named, passwords.hashed(PASSWORD))
    return account.name


def link(site: Site, shown_as: str, purpose: Purpose) -> str:
    """A link for somebody."""
    account = site.account(shown_as)
    with site.server.store.transaction() as session:
        return site.url + FIRST + links.issue(session, purpose, account.id, site.clock.wall_ms())


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    """A window in which nobody is signed in, and whose log must stay empty."""
    del site
    context = chromium.new_context()
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    mistakes = list[str]()
    opened.on("console", lambda said: mistakes.append(said.text) if said.type == "error" else None)
    opened.on("pageerror", lambda error: mistakes.append(str(error)))
    yield opened
    context.close()
    assert [one for one in mistakes if "status of 4" not in one] == []


@pytest.mark.parametrize(
    "path", ["/", "/en", "/password", "/console/chart?seal=FZ-MH-2026-0043&from=0&to=1", "/nothing"]
)
def test_for_a_stranger_there_is_only_the_door(site: Site, path: str) -> None:
    """Every page, and the chart's data, lead to the sign-in and carry no data."""
    answer = httpx2.get(site.url + path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")
    assert "示例" not in answer.text


def test_the_live_line_needs_a_session(site: Site) -> None:
    """The page's live line is refused to a stranger, by both of its transports."""
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


def test_signing_in_and_out_by_keyboard(page: Page, site: Site) -> None:
    """A wrong password is told without losing name or way; the right one leads to the page asked for; leaving ends it."""
    name = person(site, "陈某")
    page.goto(f"{site.url}/en")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Not signed in: name or password is wrong")
    expect(page.get_by_label("Name")).to_have_value(name)
    expect(page.get_by_label("Password")).to_have_value("")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/en")
    expect(page.locator("header .brand")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in**")
    page.goto(site.url + "/")
    page.wait_for_url("**/sign-in?next=**")


def test_the_language_can_be_changed(page: Page, site: Site) -> None:
    """The switch keeps the way on; the labels change."""
    page.goto(f"{site.url}/seals/FZ-MH-2026-0043")
    expect(page.get_by_label("密码")).to_be_visible()
    page.get_by_role("link", name="English").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert page.locator("input[name=next]").get_attribute("value") == "/seals/FZ-MH-2026-0043"
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_label("密码")).to_be_visible()


def test_a_link_that_was_looked_at_still_works(page: Page, site: Site) -> None:
    """A chat program fetched it before; the person's click signs in; the next click does not."""
    address = link(site, "吴某", Purpose.SIGN_IN)
    assert httpx2.get(address).status_code == 200
    page.goto(address)
    page.get_by_role("button", name="以 吴某 登录").click()
    page.wait_for_url(site.url + "/")
    page.goto(address)
    expect(page.get_by_role("alert")).to_contain_text("这个一次性链接已用过")


def test_changing_the_password_ends_the_other_window(visit: Opener, site: Site) -> None:
    """The window in which it is changed goes on; one elsewhere leads to the sign-in within seconds, and says why."""
    person(site, "赵某")
    desk, phone = visit(site, secret=site.token("赵某")), visit(site, secret=site.token("赵某"))
    desk.page.goto(site.url + "/password")
    desk.page.get_by_label("现在的密码").fill(PASSWORD)
    desk.page.get_by_label("新密码").fill(OTHER)
    desk.page.get_by_label("再输一遍").fill(OTHER)
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_url(site.url + "/")
    expect(desk.page.locator("header .brand")).to_be_visible()
    phone.page.wait_for_url("**/sign-in?next=**", timeout=15_000)
    expect(phone.page.get_by_role("status")).to_contain_text("登录已过期或被结束")


def test_a_revoked_session_ends_its_page(visit: Opener, site: Site) -> None:
    """An administrator ends somebody's session by the interface; the open page is gone within seconds."""
    seen, admin = visit(site, secret=site.token("钱某")), site.token("值班员")
    with httpx2.Client(base_url=site.url, cookies={"coldseal": admin}) as client:
        name = site.account("钱某").name
        (session,) = client.get(f"/api/v1/accounts/{name}/sessions").json()
        assert client.post(f"/api/v1/sessions/{session['id']}/revoke").status_code == 200
    seen.page.wait_for_url("**/sign-in?next=**", timeout=15_000)


def test_a_message_leads_to_its_page(visit: Opener, site: Site) -> None:
    """A link in a message, opened from another site's page, shows its page to whoever is signed in."""
    seen = visit(site, secret=site.token("孙某"))
    seen.page.goto("data:text/html,<a id=go href='" + site.url + "/en'>x</a>")
    seen.page.locator("#go").click()
    seen.page.wait_for_url(site.url + "/en")
    expect(seen.page.locator("header .brand")).to_be_visible()


def test_without_tls_on_an_intranet(page: Page, site: Site) -> None:
    """On plain HTTP under a name a browser sends no Sec-Fetch-Site: the forms work, by Origin, and the log stays empty."""
    asked = list[dict[str, str]]()
    page.on("request", lambda request: asked.append(request.all_headers()) if request.method == "POST" else None)
    page.goto(f"http://{INTRANET}:{site.url.rpartition(':')[2]}/")
    page.get_by_label("用户名").fill(person(site, "陈某"))
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("header .brand")).to_be_visible()
    assert "sec-fetch-site" not in asked[0]
    assert asked[0]["origin"].startswith(f"http://{INTRANET}:")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{"width": 1366, "height": 768}, PHONE])
def test_everybody_can_use_the_forms(chromium: Browser, site: Site, scheme: str, size: dict[str, int]) -> None:
    """Axe finds nothing on any form, in both themes, on a desk and on a phone; nothing is wider than the window."""
    context = chromium.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]  # a table of values
    context.add_cookies([{"name": "coldseal", "value": site.token("周某"), "url": site.url}])
    page = context.new_page()
    forms = [
        site.url + "/password", site.url + "/password?lang=en", link(site, "周某", Purpose.SIGN_IN),
        link(site, "周某", Purpose.PASSWORD),
    ]  # fmt: skip
    for address in forms:
        page.goto(address)
        _look(page)
    context.clear_cookies()
    page.goto(f"{site.url}/sign-in?here=1")
    _look(page)
    page.get_by_label("用户名").fill("x")
    page.get_by_label("密码").fill("x")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    _look(page)
    context.close()


def _look(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), page.url


def test_a_handler_in_a_text_does_not_run(visit: Opener, site: Site) -> None:
    """Markup that got into the page by mistake of ours still runs nothing: the browser refuses it."""
    seen = visit(site, secret=site.token("郑某"))
    seen.page.evaluate(
        """() => document.body.insertAdjacentHTML("beforeend", "<img id=bad src='data:,' onerror='window.ran = 1'>")"""
    )
    seen.page.wait_for_function("() => document.getElementById('bad').complete")
    seen.page.wait_for_timeout(200)
    assert seen.page.evaluate("window.ran") is None
    assert "Executing inline event handler violates" in "".join(seen.mistakes)


def test_idle_for_half_an_hour(visit: Opener, site: Site) -> None:
    """A window whose page is closed for half an hour is signed out, and comes back to where it was."""
    name = person(site, "陈某")
    seen = visit(site, secret=site.token("陈某"))
    seen.page.goto("about:blank")
    site.clock.now_ms += IDLE_MS
    seen.page.goto(site.url + "/en")
    expect(seen.page.get_by_role("status")).to_contain_text("Your session is over or was ended")
    seen.page.get_by_label("Name").fill(name)
    seen.page.get_by_label("Password").fill(PASSWORD)
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_url(site.url + "/en")
