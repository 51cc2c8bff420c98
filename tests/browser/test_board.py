"""The duty board of a county at night, as a real browser shows it: queue, selected violation, counties, keys, sizes."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlmodel import select

from server.access.rights import Role
from server.console.palette import DARK
from server.county_names import county_names
from server.detect.finding import Coverage
from server.tables import CoverageSpan, Violation
from server.views.counties import county_shares
from server.views.state import SealState
from server.views.today import CoverageToday
from tests.browser.reach import grave, overflow_px, small_targets
from tests.browser.served import RESUMED_S, Opener, Site, Visit
from tests.browser.stories import tell_a_wall
from tests.browser.traced import every_row, numbers, shown_text, untraced, words_of
from tests.server.ingest.plant import START_MS

MELTING = "FZ-MH-2026-0043"

SAMPLED = 601
"""Readings of the first ten minutes of the melt, one a second, both ends counted."""


PHRASES = ("近 12 小时", "此前 60 分钟", "开始 10 分钟")
"""The product's own constants in its words: how far back log and weighing look."""


@pytest.fixture(scope="module")
def wall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Thirteen counties; tests that share it change nothing."""
    site = Site(tmp_path_factory.mktemp("wall"))
    tell_a_wall(site)
    yield site.start()
    site.stop()


def test_the_most_urgent_is_there_first(visit: Opener, wall: Site) -> None:
    """The unacknowledged red that goes on is open at once: sentence, six figures, curve; the page has its language."""
    seen = visit(wall, size=(1920, 1080))
    expect(seen.page.locator("h1.sentence")).to_contain_text("示例铸造一厂 2 号炉 02:10:00 恢复用电：最高 326 kW")
    expect(seen.page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(seen.page.locator(".figure")).to_have_count(6)
    expect(seen.page.locator(".side")).to_contain_text("值班/闽侯县/红色")
    seen.chart()
    assert not seen.mistakes


def test_the_queue_has_its_groups(visit: Opener, wall: Site) -> None:
    """What nobody saw stands apart from what somebody does, and each row says with whom it is."""
    seen = visit(wall)
    unseen, working = seen.page.locator(".list.unseen"), seen.page.locator(".list.working")
    expect(unseen.locator("h2")).to_contain_text("未确认 3")
    expect(working.locator("h2")).to_contain_text("处理中 2")
    expect(working.locator(".item", has_text="示例轧材八厂")).to_contain_text("已派单 陈某")
    expect(working.locator(".item", has_text="示例合金三厂")).to_contain_text("已确认 陈某")
    expect(seen.page.locator(".list.shelved")).to_be_hidden()
    expect(seen.page.locator(".log li").first).to_contain_text("陈某 确认 示例合金三厂")


def test_no_state_is_told_by_colour_alone(visit: Opener, wall: Site) -> None:
    """Every row and every count has a drawn mark and a word, and each mark goes with one word."""
    seen = visit(wall, size=(1920, 1080))
    said = {
        (row.locator("svg.mark").get_attribute("data-mark"), row.locator(".what em").inner_text())
        for row in seen.page.locator(".item").all()
    }
    assert said == {
        ("restarted", "恢复用电"),
        ("restarted", "重新带电"),
        ("ended_unseen", "恢复用电，已停止"),
        ("unproved", "未证实：采集端失联"),
    }
    words = {
        (one.locator("svg.mark").get_attribute("data-mark"), one.locator(".word").text_content())
        for one in seen.page.locator(".county .counts > span").all()
    }
    legend = {
        (one.locator("svg.mark").get_attribute("data-mark"), one.inner_text())
        for one in seen.page.locator(".legend span").all()
    }
    assert words <= legend
    assert {mark for mark, _ in legend} == {state.value for state in SealState}
    assert len({word for _, word in legend}) == len(legend)


def test_the_small_curves_hatch_gaps(visit: Opener, wall: Site) -> None:
    """A row's small curve is drawn from the store: a line, and a hatched band where nothing was read."""
    seen = visit(wall, size=(1920, 1080))
    for name, bands in (("示例铸造一厂", 1), ("示例五金四厂", 1), ("示例铸件五厂", 0)):
        curve = seen.page.locator(".item", has_text=name).locator(".spark svg")
        expect(curve.locator("path.line")).to_have_attribute("d", re.compile("^M"))
        assert (curve.locator("rect.band").count() >= 1) is (bands > 0)


def test_every_figure_is_stored(visit: Opener, wall: Site) -> None:
    """Each number that a person can read on the board is what a stored row is shown as; an invented one is found."""
    seen = visit(wall, size=(1920, 1080))
    seen.chart()
    text = shown_text(seen.page)
    with wall.server.store.transaction() as session:
        rows = every_row(session)
        counties = county_shares(session, wall.clock.now_ms, frozenset())
    sums: list[object] = [*rows, *counties, *_shares([c.today for c in counties]), *_counts(seen.page), SAMPLED]
    sums.append(_off_before(rows))
    names = {*words_of(rows), *PHRASES}
    assert len(numbers(text, names)) > 60
    assert untraced(text, sums, wall.clock.now_ms, known_words=names) == []
    assert untraced(f"{text} 0.36137 t", sums, wall.clock.now_ms, known_words=names) == ["0.36137"]


def _shares(days: list[CoverageToday]) -> list[float]:
    """The one share that the strip shows: of all counties' time today what is proved, rounded down to a tenth."""
    whole = sum(sum(day.model_dump().values()) for day in days)
    unproved = sum(day.unproved_ms for day in days)
    return [(whole - unproved) * 1000 // whole / 10]


def _off_before(rows: Sequence[object]) -> float:
    """In the hour before the melt, the share that is proved off, in % rounded down to a tenth."""
    to_ms = START_MS + RESUMED_S * 1000
    from_ms = to_ms - 3_600_000
    spans = [
        row for row in rows if isinstance(row, CoverageSpan) and row.seal_id == MELTING and row.state == Coverage.OFF
    ]
    off_ms = sum(max(0, min(span.to_ms, to_ms) - max(span.from_ms, from_ms)) for span in spans)
    return off_ms * 1000 // 3_600_000 / 10


def _counts(page: Page) -> list[float]:
    """How many elements there are of what the page counts: rows of each group, points, messages, checks, seals."""
    selectors = (
        ".item", ".list.unseen .item", ".list.working .item", ".points ul:first-of-type li", ".points li", ".told li",
        ".checklist li",
    )  # fmt: skip
    return [page.locator(selector).count() for selector in selectors]


def test_english(visit: Opener, wall: Site) -> None:
    """The switch leads to the same violation in English and back; nothing of the page itself is left in Chinese."""
    seen = visit(wall)
    seen.pick("示例铸件五厂")
    expect(seen.page.locator("h1.sentence")).to_contain_text("示例铸件五厂")
    seen.page.get_by_role("link", name="English").click()
    expect(seen.page.locator("h1.sentence")).to_contain_text("示例铸件五厂 1 号炉 02:25:00 resumed power: up to 110 kW")
    expect(seen.page.locator("html")).to_have_attribute("lang", "en-US")
    body = seen.page.locator("body").inner_text()
    assert not [word for word in ("未确认", "恢复用电", "支持", "今日证实") if word in body]
    seen.page.get_by_role("link", name="中文").click()
    expect(seen.page.locator("h1.sentence")).to_contain_text("已停止")


def test_keys_walk_the_queue(visit: Opener, wall: Site) -> None:
    """J and K go down and up through all groups and stop at the ends, the address follows, Enter opens the page."""
    seen = visit(wall)
    selected = seen.page.locator(".item.selected")
    seen.page.keyboard.press("k")
    expect(selected).to_contain_text("示例铸造一厂")
    for name in ("示例铸件五厂", "示例五金四厂", "示例合金三厂", "示例轧材八厂", "示例轧材八厂"):
        seen.page.keyboard.press("j")
        expect(selected).to_contain_text(name)
    expect(seen.page.locator("h1.sentence")).to_contain_text("示例轧材八厂")
    seen.page.wait_for_url("**/?v=V-*")
    key = selected.get_attribute("data-pick")
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_url(f"**/violations/{key}")


def test_the_list_of_keys(visit: Opener, wall: Site) -> None:
    """The question mark lists every key that a button on the page carries; Esc closes it."""
    seen = visit(wall)
    seen.page.keyboard.press("?")
    sheet = seen.page.locator("dialog.help")
    expect(sheet).to_be_visible()
    listed = set(sheet.locator("dt kbd").all_inner_texts())
    carried = {one.get_attribute("data-key") for one in seen.page.locator("[data-key]").all()}
    assert carried | {"Esc"} == listed
    seen.page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()


def test_a_seal_is_found_by_keyboard(visit: Opener, wall: Site) -> None:
    """Slash opens the search; enterprise, number and meter lead to the seal's page; nothing found says what to try."""
    seen = visit(wall)
    seen.page.keyboard.press("/")
    results = seen.page.locator(".results")
    expect(results).to_contain_text("57 台封存")
    for text in ("铸造一厂", "0043", "A43"):
        seen.page.locator("#find-text").fill(text)
        expect(results.locator("a")).to_have_count(1)
        expect(results).to_contain_text("示例铸造一厂 2 号炉")
    seen.page.locator("#find-text").fill("%")
    expect(results).to_contain_text("没有这样的封存")
    seen.page.locator("#find-text").fill("铸造一厂")
    expect(results.locator("a")).to_have_count(1)
    seen.page.keyboard.press("Tab")
    seen.page.keyboard.press("Enter")
    seen.page.wait_for_url(f"**/seals/{MELTING}")


def test_a_county_lists_its_seals(visit: Opener, wall: Site) -> None:
    """A county in the strip opens the list of its seals."""
    seen = visit(wall)
    seen.page.locator(".county", has_text="鼓楼区").click()
    expect(seen.page.locator(".results a")).to_have_count(4)
    expect(seen.page.locator(".results")).to_contain_text("无未关违规")


def test_somebody_of_one_county_sees_one(visit: Opener, wall: Site) -> None:
    """Queue, counties, log and search hold only what is in somebody's counties; another's violation is not shown."""
    mine = wall.token("周某", Role.MONITOR, ("350121",))
    seen = visit(wall, secret=mine)
    expect(seen.page.locator(".item")).to_have_count(1)
    expect(seen.page.locator(".county")).to_have_count(1)
    expect(seen.page.locator(".scope")).to_have_text("闽侯县")
    assert "示例铸件五厂" not in seen.page.locator("body").inner_text()
    seen.page.keyboard.press("/")
    expect(seen.page.locator(".results")).to_contain_text("5 台封存")
    other = _violation_of(wall, "FZ-MH-2026-0060")
    seen.page.goto(f"{wall.url}/?v={other}")
    expect(seen.page.locator(".empty")).to_contain_text("不在你的县区")


def _violation_of(site: Site, seal_id: str) -> str:
    with site.server.store.transaction() as session:
        return session.exec(select(Violation.id).where(Violation.seal_id == seal_id)).one()


@pytest.mark.parametrize("path", ["/", "/en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(chromium: Browser, wall: Site, path: str, scheme: Literal["light", "dark"]) -> None:
    """No serious or critical finding of axe in either theme and language, with the dialog of a step open as well."""
    seen = Visit(chromium, size=(1920, 1080), scheme=scheme)
    seen.enter(wall, path)
    seen.chart()
    assert grave(seen.page) == []
    seen.page.keyboard.press("d")
    expect(seen.page.locator("dialog.step")).to_be_visible()
    assert grave(seen.page) == []
    seen.close()


def test_counties_by_their_names_in_english(visit: Opener, wall: Site) -> None:
    """The English board calls every county by its name in pinyin, in the strip, the queue and the facts."""
    seen = visit(wall, "/en", size=(1920, 1080))
    named = seen.page.locator(".county .name").all_inner_texts()
    expect(seen.page.locator(".item .name i").first).to_be_visible()
    queued = seen.page.locator(".item .name i").all_inner_texts()

    assert named == list(county_names("en").values())
    assert set(queued) <= set(named)
    expect(seen.page.locator(".facts").first).to_contain_text("Minhou · Seal")


@pytest.mark.parametrize("path", ["/", "/en"])
def test_on_a_phone(visit: Opener, wall: Site, path: str) -> None:
    """At 390 px nothing is wider than the screen, what is touched is 44 px high, and a row leads to its own page."""
    seen = visit(wall, path, size=(390, 844))
    assert overflow_px(seen.page) == 0
    assert small_targets(seen.page) == []
    seen.page.locator(".item", has_text="示例铸造一厂").click()
    seen.page.wait_for_url("**/violations/V-*")


def test_no_request_leaves_the_machine(visit: Opener, wall: Site) -> None:
    """Fonts, scripts, styles and data all come from this server, in both languages."""
    seen = visit(wall, size=(1920, 1080))
    seen.chart()
    seen.page.goto(f"{wall.url}/en")
    seen.chart()
    assert seen.hosts == {wall.url.removeprefix("http://")}
    assert not seen.mistakes


def test_the_dark_theme(chromium: Browser, wall: Site) -> None:
    """In the dark the page and the curve have the dark theme's colours."""
    seen = Visit(chromium, scheme="dark")
    seen.enter(wall)
    option = seen.chart()
    ground = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    seen.close()
    assert ground == "rgb(27, 32, 38)"  # DARK.surface
    assert DARK.text in str(option["series"])


def test_a_curve_that_cannot_be_read_is_said(visit: Opener, wall: Site) -> None:
    """When the curve's data do not come the page says what happened, what is kept and what to do; it recovers."""
    seen = visit(wall)
    seen.chart()
    problem = seen.page.locator("[data-chart-problem]")
    seen.page.route("**/console/chart*", lambda route: route.fulfill(status=503))
    seen.pick("示例铸件五厂")
    expect(problem).to_contain_text("曲线没取到（HTTP 503）。数据仍在库里")
    seen.page.unroute("**/console/chart*")
    seen.pick("示例铸造一厂")
    expect(problem).to_be_empty()
