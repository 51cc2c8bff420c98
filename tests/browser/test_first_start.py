"""The first start in Chromium. One server at a time can be served in a process: hence a module of its own."""

import pytest
from playwright.sync_api import Browser, expect

from server.access import links
from tests.browser.served import Site

PASSWORD, OTHER = "correct horse battery", "another good phrase"


def test_the_first_administrator(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> None:
    """From the link of the first start to the board, with a mistake on the way that loses nothing but the passwords."""
    site = Site(tmp_path_factory.mktemp("first"))
    with site.server.store.transaction() as session:
        secret = links.first_administrator(session, site.clock.wall_ms())
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(20_000)
    try:
        site.start()
        page.goto(f"{site.url}/first/{secret}")
        page.get_by_label("姓名").fill("李明")
        page.get_by_label("用户名").fill("li.ming")
        page.get_by_label("新密码").fill(PASSWORD)
        page.get_by_label("再输一遍").fill(OTHER)
        page.get_by_role("button", name="设定并登录").click()
        expect(page.get_by_role("alert")).to_contain_text("两遍密码不一样")
        expect(page.get_by_label("姓名")).to_have_value("李明")
        expect(page.get_by_label("用户名")).to_have_value("li.ming")
        expect(page.get_by_label("再输一遍")).to_be_focused()
        page.get_by_label("新密码").fill(PASSWORD)
        page.get_by_label("再输一遍").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(site.url + "/")
        expect(page.locator("header .brand")).to_be_visible()
        page.goto(f"{site.url}/first/{secret}")
        expect(page.get_by_role("alert")).to_contain_text("这个一次性链接已用过")
    finally:
        context.close()
        site.stop()
