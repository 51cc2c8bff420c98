"""Acting on a violation's page: by keyboard, beside others, and when a step cannot be taken."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from server import life
from server.access import sessions
from server.access.rights import Role
from server.tables import Violation
from tests.browser.served import Opener, Site, Visit, tell_a_start
from tests.browser.single import MELTING, violation_of


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Site]:
    """A county at 02:11:02, one furnace just resumed, for one test to change."""
    site = Site(tmp_path)
    tell_a_start(site.county)
    yield site.start()
    site.stop()


def opened(visit: Opener, site: Site, *, secret: str | None = None) -> Visit:
    """The melt's page."""
    return visit(site, f"/violations/{violation_of(site, MELTING)}", secret=secret)


def test_acknowledged_and_commented_by_keyboard(visit: Opener, own: Site) -> None:
    """A acknowledges at once, C opens the remark, Ctrl+Enter sends it; both stand in the life with who and why."""
    seen = opened(visit, own, secret=own.token("李某", Role.MONITOR))
    expect(seen.page.locator(".actions button:visible").first).to_be_visible()
    seen.page.keyboard.press("a")
    expect(seen.page.locator(".facts")).to_contain_text("已确认")
    seen.page.keyboard.press("c")
    seen.page.locator("dialog[open] textarea").fill("电话不通")
    seen.page.keyboard.press("Control+Enter")
    expect(seen.page.locator(".life")).to_contain_text("备注 李某")
    expect(seen.page.locator(".life")).to_contain_text("电话不通")
    expect(seen.page.locator("dialog[open]")).to_have_count(0)
    assert not seen.mistakes


def test_what_others_do_appears_by_itself(visit: Opener, own: Site) -> None:
    """A second person's step shows up without a reload, and the buttons follow."""
    seen = opened(visit, own)
    expect(seen.page.locator(".life li")).to_have_count(2)
    chen = own.account("陈某", Role.MONITOR)
    with own.server.store.transaction() as session:
        violation = life.close(
            session, violation_of(own, MELTING), by=sessions.of(chen, None, ""), reason="误合闸，已断开",
            now_ms=own.clock.now_ms,
        )  # fmt: skip
    own.server.news.tell([violation.seal_id])
    expect(seen.page.locator(".life")).to_contain_text("误合闸，已断开")
    expect(seen.page.locator(".facts")).to_contain_text("已关闭")
    expect(seen.page.locator(".actions button:visible")).to_have_count(1)


def test_the_seals_page_follows_too(visit: Opener, own: Site) -> None:
    """What is decided about a violation stands on its seal's page by itself, and the button that led to it is gone."""
    seen = visit(own, f"/seals/{MELTING}")
    expect(seen.page.locator(".head .actions a")).to_have_count(1)
    chen = own.account("陈某", Role.MONITOR)
    with own.server.store.transaction() as session:
        life.close(
            session,
            violation_of(own, MELTING),
            by=sessions.of(chen, None, ""),
            reason="已拆除",
            now_ms=own.clock.now_ms,
        )
    own.server.news.tell([MELTING])
    expect(seen.page.locator(".papers tbody")).to_contain_text("已关闭")
    expect(seen.page.locator(".head .actions a")).to_have_count(0)
    assert not seen.mistakes


def test_what_was_typed_is_kept_when_it_fails(visit: Opener, own: Site) -> None:
    """Somebody else closed it first: the page says so, and the reason is there again in the next dialog."""
    seen = opened(visit, own, secret=own.token("李某", Role.MONITOR))
    seen.page.keyboard.press("v")
    seen.page.locator("dialog[open] textarea").fill("现场看到在熔炼")
    with own.server.store.transaction() as session:
        violation = session.get_one(Violation, violation_of(own, MELTING))
        violation.state = "confirmed"
        session.add(violation)
    seen.page.locator("dialog[open] textarea").press("Control+Enter")
    expect(seen.page.get_by_role("alert").first).to_contain_text("没有记下")
    with own.server.store.transaction() as session:
        violation = session.get_one(Violation, violation_of(own, MELTING))
        violation.state = "acknowledged"
        session.add(violation)
    own.server.news.tell([MELTING])
    expect(seen.page.locator(".facts")).to_contain_text("已确认")
    seen.page.keyboard.press("v")
    expect(seen.page.locator("dialog[open] textarea")).to_have_value("现场看到在熔炼")
