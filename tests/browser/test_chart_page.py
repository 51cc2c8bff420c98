"""A curve in a real browser: the tools by keyboard and pointer, finer data where one looks, ages, tooltip, exports."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from server import rollup
from server.console.chart_layout import AXIS_PX
from server.console.html import in_script
from tests.browser.served import GAP_S, RESUMED_S, Opener, Site, Visit, melt
from tests.server.views import melts
from tests.server.views.melts import at
from wire.clock import iso

SEAL = "FZ-MH-2026-0043"
FIRST_S, LAST_S = 3_600, 10_280


CURVE = """window.curve = () => {
  const box = document.querySelector('.chart-tools')?.nextElementSibling;
  return box && window.getElement?.(Number(box.id.slice(1)))?.chart;
}"""
"""Finds the chart behind the tools: the seal's page has a register too."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A melt with water and frequency at 02:51:25, the first of it in minutes; tests that share it change nothing."""
    made = Site(tmp_path_factory.mktemp("curves"))
    furnace = made.county.seal(43, "示例铸造一厂", "2 号炉", from_s=-40 * 86_400)
    melts.add_water(made.county, furnace)
    melts.minutes(made.county, furnace, FIRST_S, LAST_S, melt)
    with made.server.store.transaction() as session:
        rollup.roll(session, 80)
    made.county.tick(LAST_S + 5)
    yield made.start()
    made.stop()


def opened(visit: Opener, site: Site, **more: Any) -> Visit:  # noqa: ANN401 - passed on
    """The seal's page with its curve drawn."""
    seen = visit(site, f"/seals/{SEAL}", **more)
    frames(seen.page)
    return seen


def frames(page: Page) -> Any:  # noqa: ANN401 - what ECharts tells
    """The option of the curve, once it is drawn."""
    page.wait_for_function("() => curve()?.getOption()?.dataZoom?.length")
    return page.evaluate("() => curve().getOption()")


def zoomed(page: Page, from_s: float, to_s: float) -> Any:  # noqa: ANN401 - what ECharts tells
    """Zoom as a wheel or a finger does, and wait for the finer data."""
    span = [at(from_s) + 8 * 3_600_000, at(to_s) + 8 * 3_600_000]
    with page.expect_response(lambda answer: "zoom_from" in answer.url):
        page.evaluate(
            "([a, b]) => curve().dispatchAction({type: 'dataZoom', startValue: a, endValue: b})", span
        )  # fmt: skip
    page.wait_for_function("([a]) => Math.abs(curve().getOption().dataZoom[0].startValue - a) < 60000", arg=span)
    return frames(page)


def values(option: Any, name: str, from_s: float, to_s: float) -> list[tuple[int, float | None]]:  # noqa: ANN401
    """A series' points between two seconds, in the server's time."""
    data = next(one["data"] for one in option["series"] if one["name"] == name)
    shift = 8 * 3_600_000
    return [(t - shift, value) for t, value in data if at(from_s) <= t - shift < at(to_s)]


def test_finer_data_where_one_looks(visit: Opener, site: Site) -> None:
    """A day is minutes; where one looks closely the page gets every second of the part that is seen, and can pan on."""
    seen = opened(visit, site, before=CURVE)
    with seen.page.expect_response(lambda answer: "/console/chart" in answer.url):
        seen.page.get_by_role("button", name="24 小时", exact=True).click()
    seen.page.wait_for_function("() => curve().getOption().series[0].data.length < 1500")
    coarse = values(frames(seen.page), "violation", 8_400, 8_700)
    assert len(coarse) <= 10
    fine = values(zoomed(seen.page, 8_400, 8_700), "violation", 8_400, 8_700)
    assert fine == [(at(s), (melt(s) or 0.0) / 1000) for s in range(8_400, 8_700)]
    with seen.page.expect_response(lambda answer: "zoom_from" in answer.url):
        seen.page.get_by_role("button", name="往后", exact=True).click()
    seen.page.wait_for_function(
        "([a]) => curve().getOption().dataZoom[0].startValue > a", arg=[at(8_400) + 8 * 3_600_000]
    )
    assert not seen.mistakes
    assert seen.hosts == {site.url.removeprefix("http://")}


def test_tools_by_keyboard(visit: Opener, site: Site) -> None:
    """Ranges and zoom are buttons: reached by Tab, pressed by Enter, and they say which one is pressed."""
    seen = opened(visit, site, before=CURVE)
    first = seen.page.get_by_role("button", name="自动", exact=True)
    first.focus()
    seen.page.keyboard.press("Tab")
    with seen.page.expect_response(lambda answer: "/console/chart" in answer.url):
        seen.page.keyboard.press("Enter")
    expect(seen.page.get_by_role("button", name="10 分钟", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(first).to_have_attribute("aria-pressed", "false")
    seen.page.get_by_role("button", name="放大", exact=True).focus()
    with seen.page.expect_response(lambda answer: "zoom_from" in answer.url):
        seen.page.keyboard.press("Enter")


def test_what_is_under_the_pointer(visit: Opener, site: Site) -> None:
    """The tooltip says time, value with unit, what is proved and the envelope; in a gap the reason and no value."""
    seen = opened(visit, site, before=CURVE)
    chart = seen.page.locator(".chart-tools + .chart")
    for second, told, untold in (
        (8_000, ("2026-03-01 02:13", "功率", "kW", "冷却水", "10.5", "采集端 a43 信封"), "未证实"),
        (sum(GAP_S) / 2, ("2026-03-01 02:30:00 – 2026-03-01 02:33:20", "未证实：电表无应答"), "功率"),
    ):
        x = seen.page.evaluate("(t) => curve().convertToPixel({xAxisIndex: 0}, t)", at(second) + 8 * 3_600_000)
        chart.hover(position={"x": x, "y": 120})
        tip = seen.page.locator(".chart-tools + .chart > div", has_text="2026-03-01").last
        for text in told:
            expect(tip).to_contain_text(text)
        expect(tip).not_to_contain_text(untold)


def test_the_newest_value_and_its_age(visit: Opener, site: Site) -> None:
    """Beside each panel stands its newest value with its age in the ink of what it says."""
    seen = opened(visit, site, before=CURVE)
    seen.page.wait_for_function("() => curve().getOption().graphic?.[0].elements.some(e => /秒前/.test(e.style?.text))")
    told = {e["id"]: e["style"] for e in frames(seen.page)["graphic"][0]["elements"] if e["id"].startswith("live")}
    assert told["live-value-0"]["text"].endswith("\u2009kW")
    assert told["live-value-2"]["text"] == "10.5\u2009m³/h"
    assert set(told) == {f"live-{what}-{panel}" for what in ("value", "age") for panel in (0, 2, 3)}


NO_LINE = "window.WebSocket = function () {};"
"""A browser whose line to the server never stands."""


@pytest.mark.parametrize("path", ["/", f"/seals/{SEAL}"])
def test_drawn_before_the_line_stands(visit: Opener, site: Site, path: str) -> None:
    """What a page shows is told by its first HTML: every chart on it is fetched and drawn without its live line."""
    seen = visit(site, path, before=NO_LINE)
    seen.page.wait_for_function(
        "() => [...document.querySelectorAll('.chart')].every(c => "
        "getElement(c.id.slice(1))?.chart?.getOption()?.series?.length)"
    )
    assert not seen.page.evaluate("() => window.did_handshake")
    assert not seen.mistakes


def test_fetched_once(visit: Opener, site: Site) -> None:
    """The page is told twice, by its HTML and by its line, fetches once, and the range of the address is pressed."""
    asked: list[str] = []
    seen = visit(site)
    seen.page.on("request", lambda request: asked.append(request.url.split("?")[0].rsplit("/", 1)[1]))
    seen.page.goto(f"{site.url}/seals/{SEAL}?range=7200")
    expect(seen.page.get_by_role("button", name="2 小时", exact=True)).to_have_attribute("aria-pressed", "true")
    seen.page.wait_for_function("() => [...document.querySelectorAll('.chart canvas')].length >= 2")
    assert sorted(one for one in asked if one in ("chart", "register")) == ["chart", "register"]


def test_it_stands_at_its_height_at_once(visit: Opener, site: Site) -> None:
    """The chart's element has the height of its panels, and the picture fills it: nothing is laid out twice."""
    seen = opened(visit, site, before=CURVE)
    of_element, of_chart = seen.page.evaluate("() => [curve().getDom().clientHeight, curve().getHeight()]")
    last = frames(seen.page)["grid"][-1]
    assert of_element == of_chart == last["top"] + last["height"] + AXIS_PX


def test_what_was_typed_cannot_leave_a_script() -> None:
    """Text in a script of the page neither ends that script nor begins another."""
    told = {"seal": "</script><script>alert(1)</script><!--"}
    assert "<" not in in_script(told)
    assert json.loads(in_script(told)) == told


def test_exports(visit: Opener, site: Site, tmp_path: Path) -> None:
    """PNG is a picture at twice the size with what it is of; CSV is the time that is seen, poll by poll."""
    seen = opened(visit, site, before=CURVE)
    zoomed(seen.page, RESUMED_S - 60, RESUMED_S + 60)
    with seen.page.expect_download() as png:
        seen.page.get_by_role("button", name="PNG", exact=True).click()
    png.value.save_as(tmp_path / "curve.png")
    picture = (tmp_path / "curve.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20], "big") > 2_000
    assert png.value.suggested_filename == f"coldseal_{SEAL}.png"
    with seen.page.expect_download() as csv:
        seen.page.get_by_role("button", name="CSV", exact=True).click()
    csv.value.save_as(tmp_path / "curve.csv")
    lines = (tmp_path / "curve.csv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0].startswith("t,meter,power_kW")
    mine = [line for line in lines if ",m1," in line]
    assert mine[0].startswith(iso(at(RESUMED_S - 60)))
    assert 120 <= len(mine) <= 182  # whole minutes


def test_on_a_phone(visit: Opener, site: Site) -> None:
    """On a phone nothing stands in gutters that are not there, and the page does not scroll sideways."""
    seen = opened(visit, site, before=CURVE, size=(390, 844))
    told = [e["style"]["text"] for e in frames(seen.page)["graphic"][0]["elements"]]
    assert told == ["功率", "覆盖", "冷却水", "频率"]
    assert seen.page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
