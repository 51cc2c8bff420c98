"""The line between page and server is cut and comes back: nothing is reloaded, nothing that was typed is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from server.access.rights import Role
from tests.browser.cut_line import CutLine
from tests.browser.served import Site, Visit, tell_a_start


@pytest.fixture
def line(tmp_path: Path) -> Iterator[tuple[Site, CutLine]]:
    """A served county behind a line that can be cut."""
    site = Site(tmp_path)
    tell_a_start(site.county)
    site.start()
    line = CutLine(site.url)
    yield site, line
    line.close()
    site.stop()


def test_the_line_is_cut_and_comes_back(chromium: Browser, line: tuple[Site, CutLine]) -> None:
    """The page says as of when it is, keeps what is typed, renews itself when the line is back, and then records it."""
    site, cut = line
    seen = Visit(chromium)
    seen.enter(site, secret=site.token("李", Role.MONITOR), url=cut.url)
    page = seen.page
    page.evaluate("window.isTheSame = true")
    page.keyboard.press("c")
    page.locator("#step-reason").fill("厂方电话没人接")
    cut.cut()
    banner = page.locator(".cut")
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("与服务器的连接断了")
    assert page.evaluate("getComputedStyle(document.querySelector('.board')).filter") == "grayscale(1)"
    newcomer = site.county.seal(70, "示例合金三厂")
    site.county.feed(newcomer, 7_862, 7_930, lambda _second: 200_000.0)
    cut.mend()
    expect(banner).to_be_hidden()
    expect(page.locator(".item")).to_have_count(2)
    expect(page.locator("#step-reason")).to_have_value("厂方电话没人接")
    page.keyboard.press("Control+Enter")
    expect(page.locator("dialog.step")).to_be_hidden()
    expect(page.locator(".log")).to_contain_text("李 备注 示例铸造一厂")
    assert page.evaluate("window.isTheSame")
    seen.close()
