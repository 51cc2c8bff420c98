"""A page that a mistake of ours keeps from being built says so, and nothing of what went wrong."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.served import Opener, Site, tell_a_start


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Site]:
    """A county for one test to break."""
    site = Site(tmp_path)
    tell_a_start(site.county)
    yield site.start()
    site.stop()


def test_a_mistake_of_ours_is_said(visit: Opener, own: Site) -> None:
    """Both languages say what happened, what is kept, and where to go; table and error stay in the log."""
    seen = visit(own, "/sign-in", secret=own.token("李某"))
    seen.page.goto("about:blank")
    with own.server.store.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE mute RENAME TO elsewhere")
    answer = seen.page.goto(own.url + "/")

    assert answer is not None
    assert answer.status == 500
    expect(seen.page.locator("body")).to_contain_text("这一页打不开")
    expect(seen.page.locator("body")).to_contain_text("This page cannot be shown")
    assert "mute" not in (seen.page.text_content("body") or "")
    assert seen.page.locator("a.button").get_attribute("href") == "/"
