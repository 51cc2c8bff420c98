"""The calendar of coverage and the register's chart without a browser: what is drawn is what is stored."""

import re
from typing import Any

import pytest

from server.console.calendar import CELL_PX, LEAST_PX, calendar_html, shares
from server.console.chart_style import ChartStyle, shifted
from server.console.palette import LIGHT
from server.console.register_chart import option
from server.console.words import Words
from server.curve import Gap
from server.detect.finding import Coverage
from server.views.coverage import CoverageCalendar, CoverageDay, UnprovedTime
from server.views.register import EnergyMark, Register, RegisterCurve
from server.views.today import CoveragePart, CoverageToday
from tests.server.ingest.plant import START_MS

H, DAY_MS = 3_600_000, 86_400_000


def day(number: int, *, off: float = 0, register: float = 0, on: float = 0, unproved: float = 0) -> CoverageDay:
    """A day by hours; the rest of it is outside of the seal."""
    lasting = [round(hours * H) for hours in (off, register, on, unproved)]
    return CoverageDay(
        day_ms=START_MS + number * DAY_MS, off_ms=lasting[0], off_by_register_ms=lasting[1], on_ms=lasting[2],
        unproved_ms=lasting[3], outside_ms=DAY_MS - sum(lasting),
    )  # fmt: skip


TABLE = [
    (day(0, off=24), {"off": 16.0}),
    (day(0), {}),
    (day(0, off=12, unproved=12), {"unproved": 8.0, "off": 8.0}),
    (day(0, off=23.99, on=0.01), {"on": 3.0, "off": 13.0}),
    (day(0, off=6, register=6, on=6, unproved=6), {"on": 4.0, "unproved": 4.0, "register": 4.0, "off": 4.0}),
    (day(0, unproved=23.8, on=0.1, register=0.1), {"on": 2.19, "unproved": 11.61, "register": 2.19}),
    (day(0, off=6), {"off": 4.0}),
]


@pytest.mark.parametrize(("of", "heights"), TABLE)
def test_a_cell(of: CoverageDay, heights: dict[str, float]) -> None:
    """Shares from the bottom up, what is not proved off never invisible, and never more than the cell."""
    parts = shares(of)
    assert {name: height for name, _, height in parts} == pytest.approx(heights, abs=0.02)
    bottoms = [top + height for _, top, height in parts]
    assert bottoms == pytest.approx([CELL_PX, *(top for _, top, _ in parts)][: len(parts)], abs=0.03)
    if sum(max(LEAST_PX, h) for h in heights.values()) <= CELL_PX:
        assert all(height >= LEAST_PX for name, _, height in parts if name != "off")


def calendar(days: list[CoverageDay]) -> CoverageCalendar:
    """Days with their sums and a longest unproved time."""
    total = {name: sum(getattr(one, name) for one in days) for name in CoverageToday.model_fields}
    return CoverageCalendar(
        seal_id="S", from_ms=days[0].day_ms, to_ms=days[-1].day_ms + DAY_MS, days=days, total=CoverageToday(**total),
        longest_unproved=UnprovedTime(from_ms=START_MS, to_ms=START_MS + 5 * H, reason="timeout"),
    )  # fmt: skip


def test_every_day_says_itself() -> None:
    """A year and more is blocks of 53 weeks; each day has its words, each state a pattern and a word of its own."""
    days = [day(n, off=20, unproved=4) for n in range(400)]
    html = calendar_html(calendar(days), Words("zh"))
    assert html.count('<svg class="days-block"') == 2
    assert html.count("<title>") == 400
    assert "2026-03-01：证实断电 20\u2009h，其中寄存器补证 0\u2009s，未证实 4\u2009h，证实用电 0\u2009s" in html
    assert re.findall(r'fill="url\(#(days-\w+)-1\)"', html)[0] == "days-unproved"
    for text in (
        "证实断电",
        "其中寄存器补证",
        "未证实",
        "证实用电",
        "最长未证实",
        "电表无应答",
        "2026 年 3 月",
        ">4 月<",
    ):
        assert text in html
    assert calendar_html(calendar([day(0, off=24)]), Words("en")).count("<title>2026-03-01: proved off 24\u2009h") == 1


@pytest.mark.parametrize("number_of_days", [1, 8, 365])
def test_no_months_name_is_cut(number_of_days: int) -> None:
    """The calendar is as wide as the name of its last month needs, also where it is one column."""
    html = calendar_html(calendar([day(n, off=24) for n in range(number_of_days)]), Words("zh"))
    (width,) = {int(found) for found in re.findall(r'class="days-block" viewBox="0 0 (\d+) ', html)}
    for x, name in re.findall(r'<text x="(\d+)" y="12">([^<]+)</text>', html):
        assert int(x) + sum(11 if ord(sign) > 0x2E80 else 6.2 for sign in name) <= width


def register(points: list[tuple[int, float | None]], gaps: list[Gap], marks: list[EnergyMark]) -> RegisterCurve:
    """A register over ten days, closed by itself in the first half."""
    known = [(t, wh) for t, wh in points if wh is not None]
    spans = [
        CoveragePart(from_ms=START_MS, to_ms=START_MS + 5 * DAY_MS, state=Coverage.OFF, reason="register"),
        CoveragePart(
            from_ms=START_MS + 5 * DAY_MS, to_ms=START_MS + 10 * DAY_MS, state=Coverage.UNPROVED, reason="timeout"
        ),
    ]
    return RegisterCurve(
        seal_id="S", agent_id="a1", meter="m1", from_ms=START_MS, to_ms=START_MS + 10 * DAY_MS,
        first=Register(t_ms=known[0][0], energy_wh=known[0][1]), last=Register(t_ms=known[-1][0], energy_wh=known[-1][1]),
        points=points, gaps=gaps, spans=spans, marks=marks,
    )  # fmt: skip


def drawn(of: RegisterCurve, *, narrow: bool = False) -> dict[str, Any]:
    """Its option."""
    found = option(of, ChartStyle(Words("zh"), LIGHT, narrow=narrow))
    found["by_name"] = {one["name"]: one for one in found["series"]}
    return found


def test_the_register() -> None:
    """Values in kWh at their times, null in gaps; gaps grey where the register closed them; a level line stays level."""
    at = [START_MS + n * DAY_MS for n in range(11)]
    gap = Gap(from_ms=at[1], to_ms=at[2], reason="no_data", missing_ms=DAY_MS, energy_wh=0.0)
    lost = Gap(from_ms=at[6], to_ms=at[7], reason="timeout", missing_ms=DAY_MS, energy_wh=412_000.0)
    mark = EnergyMark(violation_id="V", code="energy_in_gap", first_ms=at[6], last_ms=at[7], energy_wh=412_000.0)
    points: list[tuple[int, float | None]] = [
        (at[0], 48_217_360.0), (at[1], None), (at[2], 48_217_360.0), (at[6], None), (at[7], 48_629_360.0),
    ]  # fmt: skip
    seen = drawn(register(points, [gap, lost], [mark]))
    line = seen["by_name"]["register"]
    assert line["data"] == [[shifted(t), None if wh is None else wh / 1000] for t, wh in points]
    assert (line["step"], line["connectNulls"]) == ("end", False)
    (grey,), (amber,) = (seen["by_name"][name]["markArea"]["data"] for name in ("closed", "missing"))
    assert grey[0]["name"] == "寄存器补证：没有数据 24\u2009小时 0\u2009分钟，电量 0\u2009kWh"
    assert "电量 +412\u2009kWh" in amber[0]["name"]
    assert line["markLine"]["data"][0]["label"]["formatter"] == "03-07 间断期内有用电，+412\u2009kWh"
    small = drawn(register(points, [gap, lost], [mark]), narrow=True)["by_name"]
    assert not [1 for name in ("closed", "missing") for (area, _) in small[name]["markArea"]["data"] if "name" in area]
    told = [element["style"]["text"] for element in seen["graphic"]]
    assert told == ["止码", "kWh", "止码 48\u2009629.36", "起码 48\u2009217.36"]
    level = drawn(register([(at[0], 500_000.0), (at[10], 500_000.0)], [], []))["yAxis"][0]
    assert level["max"] - level["min"] >= 10
