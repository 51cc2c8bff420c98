"""The page while something happens: news that appears by itself, a person who acts, a token that ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlmodel import select

from server import violations
from server.tables import Token, Transition
from tests.browser.served import Opener, Site, tell_a_start


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A county at 02:11:02, one furnace just resumed; for one test to change."""
    served = Site(tmp_path)
    tell_a_start(served.county)
    yield served.start()
    served.stop()


def test_a_violation_appears_by_itself(visit: Opener, site: Site) -> None:
    """A violation that is stored after the page was opened shows up, and what was selected stays selected."""
    seen = visit(site)
    expect(seen.page.locator(".item.violation")).to_have_count(1)
    newcomer = site.county.seal(70, "示例合金三厂")
    site.county.feed(newcomer, 7_862, 7_930, lambda _second: 200_000.0)
    expect(seen.page.locator(".item.violation")).to_have_count(2)
    expect(seen.page.locator(".item.violation").first).to_contain_text("示例合金三厂")
    expect(seen.page.locator(".item.selected")).to_have_attribute("aria-current", "true")
    expect(seen.page.locator(".item.selected")).to_contain_text("示例铸造一厂")
    assert not seen.mistakes


def test_the_first_violation_is_shown_by_itself(visit: Opener, tmp_path: Path) -> None:
    """While nobody chose anything the first violation takes the page; a seal that a person chose stays."""
    calm = Site(tmp_path)
    first, second = calm.county.seal(1, "示例铸造一厂"), calm.county.seal(2, "示例铸造二厂")
    calm.county.feed(first, 0, 60)
    calm.county.feed(second, 0, 60)
    waiting, chosen = visit(calm.start()), visit(calm)
    chosen.pick("示例铸造二厂", "seal")
    expect(waiting.page.locator("aside h1")).to_have_text("没有违规需要处理。")
    calm.county.feed(first, 60, 120, lambda _second: 200_000.0)
    expect(waiting.page.locator("article h1")).to_contain_text("恢复用电：最高 200 kW")
    expect(chosen.page.locator(".item.violation")).to_have_count(1)
    expect(chosen.page.locator("article h1")).to_contain_text("示例铸造二厂 1 号炉 现在证实断电")
    waiting.close()
    chosen.close()
    calm.stop()


def test_acknowledge_by_button(visit: Opener, site: Site) -> None:
    """The button records who, when and why; the row leaves the group of the unacknowledged and nothing blinks."""
    seen = visit(site, secret=site.token("李"))
    seen.page.get_by_label("理由").fill("已通知闽侯县")
    seen.page.get_by_role("button", name="确认").click()
    expect(seen.page.locator(".item.violation.is-acknowledged")).to_have_count(1)
    expect(seen.page.locator(".life")).to_contain_text("李")
    expect(seen.page.locator(".mark.blinks")).to_have_count(0)
    expect(seen.page.get_by_role("button", name="确认")).to_be_hidden()
    steps = _steps(site)
    assert [(step.from_state, step.to_state, step.author, step.reason) for step in steps[1:]] == [
        ("open", "acknowledged", "李", "已通知闽侯县")
    ]


def test_acknowledge_by_key(visit: Opener, site: Site) -> None:
    """A acknowledges what is selected, once; while a reason is typed it is a letter."""
    seen = visit(site, secret=site.token("王"))
    seen.page.keyboard.press("r")
    expect(seen.page.get_by_label("理由")).to_be_focused()
    seen.page.keyboard.type("Saw it")
    seen.page.locator("article h1").click()
    seen.page.keyboard.press("a")
    expect(seen.page.locator(".item.violation.is-acknowledged")).to_have_count(1)
    seen.page.keyboard.press("a")
    expect(seen.page.locator(".life li")).to_have_count(2)
    assert [(step.author, step.reason) for step in _steps(site)[1:]] == [("王", "Saw it")]


def test_closing_needs_a_reason(visit: Opener, site: Site) -> None:
    """Without a reason the page says what is missing and records nothing; with one the violation is closed."""
    seen = visit(site, secret=site.token("周"))
    seen.page.get_by_role("button", name="关闭").click()
    expect(seen.page.get_by_role("alert").first).to_contain_text("关闭要写明理由")
    assert len(_steps(site)) == 1
    seen.page.get_by_label("理由").fill("误合闸,已断开")
    seen.page.get_by_role("button", name="关闭").click()
    expect(seen.page.locator(".item.violation.is-closed")).to_have_count(1)
    assert [(step.to_state, step.reason) for step in _steps(site)[1:]] == [("closed", "误合闸,已断开")]


def test_someone_else_was_first(visit: Opener, site: Site) -> None:
    """When the interface closed it meanwhile, the page says so, records nothing, and keeps what was typed."""
    seen = visit(site, secret=site.token("李"))
    (step,) = _steps(site)
    seen.page.get_by_label("理由").fill("已通知闽侯县")
    with site.server.store.transaction() as session:
        violations.close(session, step.violation_id, author="陈", reason="误合闸", now_ms=site.clock.wall_ms())
    seen.page.get_by_role("button", name="确认").click()
    expect(seen.page.get_by_role("alert").first).to_contain_text("没有记下")
    expect(seen.page.get_by_label("理由")).to_have_value("已通知闽侯县")
    assert [step.author for step in _steps(site)] == ["ColdSeal", "陈"]


def test_names_are_text(visit: Opener, site: Site) -> None:
    """A name that looks like markup is shown as it is written."""
    name = "<img src=x onerror=alert(1)>厂"
    site.county.feed(site.county.seal(71, name), 7_862, 7_930, lambda _second: 200_000.0)
    seen = visit(site)
    seen.pick("onerror")
    expect(seen.page.locator("article h1")).to_contain_text(name)
    assert seen.page.locator("article img").count() == 0


def test_a_token_that_is_over_ends_the_page(visit: Opener, site: Site) -> None:
    """An open page asks again who looks: after the token is revoked it leads to the sign-in."""
    seen = visit(site, secret=site.token("吴"))
    with site.server.store.transaction() as session:
        token = session.exec(select(Token).where(Token.name == "吴")).one()
        token.revoked_ms = site.clock.wall_ms()
        session.add(token)
    site.clock.now_ms += 10_000
    seen.page.wait_for_url("**/sign-in?next=**")


def test_an_empty_county_says_what_to_do(visit: Opener, tmp_path: Path) -> None:
    """Before anything is registered the page names the command."""
    site = Site(tmp_path).start()
    seen = visit(site)
    expect(seen.page.locator(".empty")).to_contain_text("coldseal seal add")
    expect(seen.page.locator("article")).to_be_hidden()
    site.stop()


def test_two_servers_in_one_process(visit: Opener, tmp_path: Path, site: Site) -> None:
    """A server that is built after another is served shows its own seals, and the first goes on showing its own."""
    second = Site(tmp_path / "second")
    second.county.feed(second.county.seal(90, "示例机械六厂"), 7_740, 7_860)
    seen = visit(site)
    expect(seen.page.locator(".item.seal")).to_have_count(2)
    expect(seen.page.locator(".item.seal").first).to_contain_text("示例铸造一厂")
    second.stop()


def _steps(site: Site) -> list[Transition]:
    with site.server.store.transaction() as session:
        return list(session.exec(select(Transition).order_by(Transition.id)).all())  # type: ignore[arg-type]
