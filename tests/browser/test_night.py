"""A night in a county, as a real browser shows it: sentence, marks, curve, both languages, a phone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from server.console.chart_style import shifted
from server.console.palette import DARK
from tests.browser.served import GAP_S, PEAK_S, RESUMED_S, Opener, Site, Visit, tell_a_night
from tests.server.ingest.plant import START_MS


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A county at 02:51:40; tests that share it change nothing."""
    site = Site(tmp_path_factory.mktemp("night"))
    tell_a_night(site.county)
    yield site.start()
    site.stop()


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


def test_the_chart_has_the_themes_colours(chromium: Browser, night: Site) -> None:
    """In the dark the curve and its axis are drawn in the dark theme's colours."""
    seen = Visit(chromium, scheme="dark")
    seen.enter(night)
    option = seen.chart()
    ground = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    seen.close()
    assert option["series"][0]["lineStyle"]["color"] == DARK.text
    assert ground == "rgb(27, 32, 38)"  # DARK.surface


def test_a_curve_that_cannot_be_read_is_said(visit: Opener, night: Site) -> None:
    """When the chart's data do not come the page says what happened, what is kept and what to do; it recovers."""
    seen = visit(night)
    seen.chart()
    problem = seen.page.locator("[data-chart-problem]")
    seen.page.route("**/console/chart*", lambda route: route.fulfill(status=503))
    seen.page.get_by_role("button", name="10 分钟").click()
    expect(problem).to_contain_text("曲线没取到（HTTP 503）。数据仍在库里")
    seen.page.unroute("**/console/chart*")
    seen.page.get_by_role("button", name="2 小时").click()
    expect(problem).to_be_empty()


def test_values_say_how_old_they_are(visit: Opener, night: Site) -> None:
    """A live value has its age beside it, which grows by itself; an old one is greyed and says since when."""
    seen = visit(night)
    live = seen.page.locator(".item.seal.is-off .last time")
    expect(live).to_have_text(re.compile("^1[0-9]\u2009秒前$"))
    before = live.inner_text()
    expect(live).not_to_have_text(before)
    old = seen.page.locator(".item.seal.is-unproved .last time")
    expect(old).to_have_text("02:44:59 起无新值")
    expect(old).to_have_class("stale")
