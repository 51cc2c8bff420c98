"""The page in a real browser before a real server: what it shows, what it refuses, what it records."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlmodel import select

from server import violations
from server.console.chart_style import shifted
from server.tables import Token, Transition
from tests.browser.served import GAP_S, PEAK_S, RESUMED_S, Site, Visit, tell_a_night, tell_a_start
from tests.server.ingest.plant import START_MS

Opener = Callable[..., Visit]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A county at 02:51:40; tests that share it change nothing."""
    site = Site(tmp_path_factory.mktemp("night"))
    tell_a_night(site.county)
    yield site.start()
    site.stop()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A county at 02:11:02, one furnace just resumed; for one test to change."""
    served = Site(tmp_path)
    tell_a_start(served.county)
    yield served.start()
    served.stop()


def test_the_sentence_is_there_first(visit: Opener, night: Site) -> None:
    """The most urgent violation is open at once with its sentence in Chinese, its figures and the page's language."""
    seen = visit(night)
    expect(seen.page.locator("article h1")).to_contain_text("示例铸造一厂 2 号炉 02:10:00 恢复用电：最高 326 kW")
    expect(seen.page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(seen.page.locator(".figures")).to_contain_text("按电表寄存器")
    expect(seen.page.locator(".item.seal")).to_have_count(4)
    assert not seen.mistakes


def test_nothing_is_told_by_colour_alone(visit: Opener, night: Site) -> None:
    """Every row has a drawn mark and a word, and states that differ differ in mark and word."""
    seen = visit(night)
    rows = seen.page.locator(".item.seal").all()
    told = {(row.locator("svg.mark").get_attribute("data-mark"), row.locator(".word").inner_text()) for row in rows}
    assert told == {
        ("restarted", "恢复用电"),
        ("off", "证实断电"),
        ("ended_unseen", "已停止未看：恢复用电"),
        ("unproved", "未证实：采集端失联"),
    }
    for row in seen.page.locator(".item.violation").all():
        assert row.locator("svg.mark").count() == 1
        assert row.locator(".step").inner_text() == "未确认"
        assert row.locator(".said").inner_text()


def test_no_request_leaves_the_machine(visit: Opener, night: Site) -> None:
    """Fonts, scripts, styles and data all come from this server, in both languages."""
    seen = visit(night)
    seen.chart()
    seen.page.goto(f"{night.url}/en")
    seen.chart()
    assert seen.hosts == {night.url.removeprefix("http://")}


def test_a_gap_is_null_and_a_peak_is_kept(visit: Opener, night: Site) -> None:
    """In the drawn chart the unanswered time is null and hatched, never 0, and a peak of one sample is there."""
    seen = visit(night)
    seen.chart()
    seen.page.get_by_role("button", name="24 小时").click()
    seen.page.wait_for_function(
        "at => getElement(document.querySelector('.chart').id.slice(1)).chart.getOption().xAxis[0].min < at",
        arg=shifted(START_MS),
    )
    series = {one["name"]: one["data"] for one in seen.chart()["series"]}
    first, last = (shifted(START_MS + second * 1000) for second in GAP_S)
    inside = [watts for t, watts in series["power"] + series["violation"] if first <= t < last]
    assert inside
    assert set(inside) == {None}
    assert [shifted(START_MS + PEAK_S * 1000), 9.0] in series["power"]
    areas = seen.chart()["series"][0]["markArea"]["data"]
    hatched = [area for area in areas if area[0]["xAxis"] == first]
    assert hatched[0][0]["name"] == "未证实：电表无应答 3 分钟".replace(" 分钟", "\u2009分钟")
    assert "image" in hatched[0][0]["itemStyle"]["color"]


def test_the_chart_marks_pledge_test_line_and_detection(visit: Opener, night: Site) -> None:
    """The pledge, the line of the test above it, and the first sample of the violation stand in the chart."""
    seen = visit(night)
    lines = seen.chart()["series"][0]["markLine"]["data"]
    assert {line["yAxis"] for line in lines if "yAxis" in line} == {0, 10.5}
    assert shifted(START_MS + RESUMED_S * 1000) in [line.get("xAxis") for line in lines]


def test_english(visit: Opener, night: Site) -> None:
    """The switch leads to the same page in English and back."""
    seen = visit(night)
    seen.page.get_by_role("link", name="English").click()
    expect(seen.page.locator("article h1")).to_contain_text("resumed power: up to 326 kW (pledge allows 0 kW)")
    expect(seen.page.locator("html")).to_have_attribute("lang", "en-US")
    assert "未确认" not in seen.page.locator("body").inner_text()
    seen.page.get_by_role("link", name="中文").click()
    expect(seen.page.locator("html")).to_have_attribute("lang", "zh-CN")


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


def test_keys_move_through_the_lists(visit: Opener, night: Site) -> None:
    """J and K go down and up through violations and seals and stop at the ends; the address follows."""
    seen = visit(night)
    selected = seen.page.locator(".item.selected")
    seen.page.keyboard.press("k")
    expect(selected).to_contain_text("示例铸造一厂")
    for _ in range(3):
        seen.page.keyboard.press("j")
    expect(selected).to_have_class("item seal is-restarted selected")
    seen.page.wait_for_url("**/?s=FZ-MH-2026-0043")
    expect(seen.page.locator("article h1")).to_contain_text("今天到现在证实断电")
    seen.page.keyboard.press("?")
    expect(seen.page.locator(".help")).to_be_visible()


def test_on_a_phone(visit: Opener, night: Site) -> None:
    """On 390 px the list comes first, a row opens, the way back is there, and nothing is wider than the screen."""
    seen = visit(night, size=(390, 844))
    expect(seen.page.locator("article")).to_be_hidden()
    seen.pick("示例五金四厂")
    expect(seen.page.locator("article h1")).to_contain_text("没有数据不等于断电")
    seen.chart()
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390
    seen.page.get_by_role("button", name="返回列表").click()
    expect(seen.page.locator("article")).to_be_hidden()
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390


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
