"""The chart's option without a browser: what is null, what is red, what is hatched, which clock the axis shows."""

import json
from typing import Any

import pytest

from server.console.chart import option
from server.console.chart_style import ChartStyle, shifted
from server.console.chart_time import EVENT, chart_time, newest_ms
from server.console.palette import DARK, LIGHT
from server.console.words import Words
from server.curve import Gap
from server.detect.finding import Coverage
from server.views import Curve, SealRow
from server.views.curves import DeclaredWindow, Mark
from server.views.seals import AgentHeard
from server.views.state import FRESH_MS, SealState
from server.views.today import CoveragePart, CoverageToday
from server.views.violations import ViolationRow
from tests.server.ingest.plant import START_MS

Points = list[tuple[int, float | None]]


def at(second: float) -> int:
    """A second of the day in ms."""
    return START_MS + round(second * 1000)


def part(from_s: float, to_s: float, state: Coverage, reason: str) -> CoveragePart:
    """A span by seconds of the day."""
    return CoveragePart(from_ms=at(from_s), to_ms=at(to_s), state=state, reason=reason)


def curve(points: Points, **more: Any) -> Curve:  # noqa: ANN401 - a curve's own fields, checked by it
    """A curve of 100 s with a pledge of 2 kW and a test line 10.5 kW above it."""
    given: dict[str, Any] = {
        "period_ms": 1_000, "samples": len(points), "bucket_ms": None, "gaps": [], "seal_id": "S", "agent_id": "a1",
        "meter": "m1", "from_ms": at(0), "to_ms": at(100), "allowed_w": 2_000.0, "threshold_w": 10_500.0,
        "windows": [], "marks": [], "spans": [part(0, 100, Coverage.OFF, "metered")],
    }  # fmt: skip
    return Curve(points=points, **(given | more))


def drawn(of: Curve, *, narrow: bool = False, violation: str | None = "V") -> dict[str, Any]:
    """Its option in Chinese, light."""
    return option(of, ChartStyle(Words("zh"), LIGHT, narrow=narrow), violation)


def mark(first_s: float, last_s: float, code: str = "resumed_power", severity: str = "red") -> Mark:
    """A violation that was raised a second after its first sample."""
    return Mark(
        violation_id="V", code=code, severity=severity, first_ms=at(first_s), raised_ms=at(first_s + 1),
        last_ms=at(last_s), ended_ms=None,
    )  # fmt: skip


def data(of: dict[str, Any], name: str) -> list[list[float | None]]:
    """A series' data with seconds of the day for times."""
    (series,) = (one for one in of["series"] if one["name"] == name)
    return [[(t - shifted(START_MS)) / 1000, kw] for t, kw in series["data"]]


def test_null_stays_null() -> None:
    """A null is drawn as null, a 0 as 0; lines are steps and never join over a gap."""
    seen = drawn(curve([(at(1), 0.0), (at(2), None), (at(5), 1_500.0)]))
    assert data(seen, "power") == [[1, 0.0], [2, None], [5, 1.5]]
    for series in seen["series"][:2]:
        assert series["connectNulls"] is False
        assert series["step"] == "end"


def test_a_violation_is_another_line() -> None:
    """The samples of a violation are a series of their own; the edge to it belongs to it, the edge from it does not."""
    seen = drawn(curve([(at(1), 0.0), (at(2), 9e4), (at(3), 8e4), (at(4), 0.0)], marks=[mark(2, 3)]))
    assert data(seen, "violation") == [[1, 0.0], [2, 90.0], [3, 80.0], [3, None]]
    assert data(seen, "power") == [[1, 0.0], [1, None], [3, 80.0], [4, 0.0]]


def test_an_edge_is_not_drawn_over_a_gap() -> None:
    """Where a gap lies before the violation nothing leads up to it."""
    seen = drawn(curve([(at(1), 0.0), (at(2), None), (at(5), 9e4)], marks=[mark(5, 5)]))
    assert data(seen, "violation") == [[5, 90.0]]
    assert data(seen, "power") == [[1, 0.0], [2, None], [2, None]]


@pytest.mark.parametrize(("code", "severity"), [("seal_opened", "red"), ("silent", "amber")])
def test_only_power_colours_the_line(code: str, severity: str) -> None:
    """An open seal or a silent agent marks a moment but says nothing about the draw."""
    seen = drawn(curve([(at(1), 0.0), (at(2), 0.0)], marks=[mark(1, 2, code, severity)]))
    assert data(seen, "violation") == []
    assert shifted(at(1)) in [line.get("xAxis") for line in seen["series"][0]["markLine"]["data"]]


def test_gaps_are_hatched_with_their_reason() -> None:
    """A gap is amber with its reason; where the register closed it, grey; a short one is still 3 px wide."""
    gaps = [
        Gap(from_ms=at(10), to_ms=at(30), reason="timeout"),
        Gap(from_ms=at(50), to_ms=at(70), reason="no_data"),
        Gap(from_ms=at(80), to_ms=at(80.001), reason="busy"),
    ]
    spans = [part(0, 50, Coverage.UNPROVED, "timeout"), part(50, 100, Coverage.OFF, "register")]
    amber, grey, short = drawn(curve([(at(1), 0.0)], gaps=gaps, spans=spans))["series"][0]["markArea"]["data"]
    assert amber[0]["name"] == "未证实：电表无应答 20\u2009秒"
    assert grey[0]["name"] == "寄存器补证：没有数据 20\u2009秒"
    assert amber[0]["itemStyle"]["color"]["image"] != grey[0]["itemStyle"]["color"]["image"]
    assert [a[0]["label"]["show"] for a in (amber, grey, short)] == [True, True, False]
    assert short[1]["xAxis"] - short[0]["xAxis"] >= 100_000 * 3 // 900


def test_before_the_seal_nothing_is_missing() -> None:
    """Time outside of the seal is left blank: nothing was to be proved there."""
    gap = Gap(from_ms=at(0), to_ms=at(50), reason="no_data")
    (area,) = drawn(curve([], gaps=[gap], spans=[part(40, 100, Coverage.UNPROVED, "no_data")]))["series"][0][
        "markArea"
    ]["data"]
    assert [edge["xAxis"] for edge in area] == [shifted(at(40)), shifted(at(50))]
    assert drawn(curve([], gaps=[gap], spans=[]))["series"][0]["markArea"]["data"] == []


def test_the_lane_shows_every_state() -> None:
    """Under the curve each span of coverage is a colour or a hatch of its own."""
    spans = [
        part(0, 25, Coverage.OFF, "metered"),
        part(25, 50, Coverage.OFF, "register"),
        part(50, 75, Coverage.UNPROVED, "no_data"),
        part(75, 100, Coverage.ON, "resumed_power"),
    ]
    lane = drawn(curve([], spans=spans))["series"][2]["markArea"]["data"]
    assert [area[0]["name"] for area in lane] == [
        "证实断电",
        "寄存器补证：电能寄存器未走",
        "未证实：没有数据",
        "证实用电",
    ]
    assert len({json.dumps(area[0]["itemStyle"]["color"]) for area in lane}) == 4


def test_pledge_and_test_line() -> None:
    """The pledge and the line of the test above it are drawn; without a stored pledge neither is."""
    lines = drawn(curve([]))["series"][0]["markLine"]["data"]
    assert [(line["yAxis"], line["label"]["formatter"]) for line in lines] == [
        (12.5, "判定线 12.5\u2009kW"), (2.0, "承诺上限 2\u2009kW"),
    ]  # fmt: skip
    assert drawn(curve([], allowed_w=None))["series"][0]["markLine"]["data"] == []


def test_the_moment_of_detection_is_labelled() -> None:
    """The violation that is looked at has its times at its first sample; another one only a thin line."""
    marks = [mark(40, 60)]
    (line,) = (one for one in drawn(curve([], marks=marks))["series"][0]["markLine"]["data"] if "xAxis" in one)
    assert line["label"]["formatter"] == "{what|00:00:40 恢复用电}\n{raised|00:00:41 判出，迟 1.0\u2009秒}"
    other = drawn(curve([], marks=marks), violation="W")["series"][0]
    assert [one["label"] for one in other["markLine"]["data"] if "xAxis" in one] == [{"show": False}]
    assert other["markPoint"]["data"] == []


def test_windows_and_last_value() -> None:
    """A declared window is an area; a newest value above the test line stands at the right edge."""
    seen = drawn(curve([(at(99), 3e5)], windows=[DeclaredWindow(from_ms=at(10), to_ms=at(20))]))["series"][0]
    assert seen["markArea"]["data"][0][0]["name"] == "申报检修"
    (point,) = seen["markPoint"]["data"]
    assert point["label"]["formatter"] == "300\u2009kW"
    assert drawn(curve([(at(99), 1_000.0)]))["series"][0]["markPoint"]["data"] == []


@pytest.mark.parametrize(
    ("top_w", "high", "step"), [(0.0, 15, 5), (326_000.0, 400, 100), (11_900.0, 15, 5), (1e7, 12_500, 2_500)]
)
def test_the_axis_has_round_numbers(top_w: float, high: float, step: float) -> None:
    """From three to five labels above 0, none of them crooked; the test line is always inside."""
    axis = drawn(curve([(at(1), top_w)]))["yAxis"][0]
    assert (axis["min"], axis["max"], axis["interval"]) == (0, high, step)


def test_the_axis_shows_beijing_time() -> None:
    """Midnight in Beijing is midnight on an axis that runs in UTC, so the browser's own zone does not matter."""
    seen = drawn(curve([]))
    assert seen["useUTC"] is True
    assert shifted(START_MS) % 86_400_000 == 0
    assert [axis["min"] for axis in seen["xAxis"]] == [shifted(START_MS)] * 2


def test_themes_languages_and_phones_differ_only_in_looks() -> None:
    """The data are the same in every look, and every look can travel as JSON."""
    of = curve([(at(1), 1.0), (at(2), None)], gaps=[Gap(from_ms=at(2), to_ms=at(100), reason="timeout")])
    looks = [
        option(of, ChartStyle(Words(language), palette, narrow=narrow), None)
        for language in ("zh", "en") for palette in (LIGHT, DARK) for narrow in (False, True)
    ]  # fmt: skip
    assert len({json.dumps(look, allow_nan=False) for look in looks}) == 8
    assert len({json.dumps([series["data"] for series in look["series"]]) for look in looks}) == 1


def seal(last_row_s: float | None) -> SealRow:
    """A seal whose agent's newest row is at a second of the day."""
    return SealRow(
        id="S", enterprise="E", site="P", county_code="350121", furnace="1", kind="mf_coreless", shell=None, tonnes=0.5,
        rated_kw=350.0, allowed_kw=0.0, from_ms=at(-86_400), until_ms=None, dismantle_by_ms=None, state=SealState.OFF,
        state_reason="metered", last_power_w=None, last_power_ms=None, violations=[],
        agents=[AgentHeard(id="a", heard_ms=None, last_row_ms=None if last_row_s is None else at(last_row_s))],
        today=CoverageToday(off_ms=0, off_by_register_ms=0, on_ms=0, unproved_ms=0),
    )  # fmt: skip


def violation(first_s: float, ended_s: float | None) -> ViolationRow:
    """One with these times."""
    return ViolationRow(
        id="V", seal_id="S", enterprise="E", site="P", county_code="350121", furnace="1", code="resumed_power",
        severity="red", state="open", first_ms=at(first_s), raised_ms=at(first_s), last_ms=at(first_s),
        ended_ms=None if ended_s is None else at(ended_s), detected_ms=at(first_s), reason_zh="", reason_en="",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "of", "newest_s", "shown"),
    [
        ("600", None, 3_590, (2_990, 3_590)),
        ("600", None, None, (3_000, 3_600)),
        (EVENT, None, 3_590, (-3_610, 3_590)),
        (EVENT, (3_000, None), 3_600, (2_800, 3_600)),
        (EVENT, (3_000, 3_060), 3_600, (2_940, 3_120)),
        (EVENT, (3_580, None), 3_600, (3_520, 3_600)),
        (EVENT, (-86_395, -86_390), 3_600, (-86_405, -86_330)),
    ],
)
def test_the_time_that_is_shown(
    chosen: str, of: tuple[float, float | None] | None, newest_s: float | None, shown: tuple[float, float]
) -> None:
    """An event with a third of itself around it, a seal's last two hours, or the last so many seconds."""
    event = None if of is None else violation(*of)
    assert chart_time(chosen, event, seal(newest_s), at(3_600)) == (at(shown[0]), at(shown[1]))


def test_what_has_not_arrived_is_not_missing_yet() -> None:
    """The axis ends at the newest row while the agent is heard, and at now when that is long ago."""
    assert newest_ms(seal(100), at(100) + FRESH_MS) == at(100)
    assert newest_ms(seal(100), at(100) + FRESH_MS + 1) == at(100) + FRESH_MS + 1
    assert newest_ms(seal(None), at(100)) == at(100)
