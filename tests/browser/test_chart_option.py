"""The chart's option without a browser: what is null, what is red, what is hatched, which clock the axis shows."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from server.console.chart import option
from server.console.chart_style import ChartStyle, shifted
from server.console.chart_time import event_time, newest_ms
from server.console.palette import DARK, LIGHT
from server.console.words import Words
from server.curve import Gap
from server.detect.finding import Coverage
from server.views import Curve, SealRow
from server.views.curves import DeclaredWindow, Line, Live, Mark, Source
from server.views.seals import AgentHeard
from server.views.state import FRESH_MS, SealState
from server.views.today import CoveragePart, CoverageToday
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
        "windows": [], "marks": [], "spans": [part(0, 100, Coverage.OFF, "metered")], "lines": [], "live": [],
        "sources": [], "detail_from_ms": None, "detail_to_ms": None,
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


def gap(from_s: float, to_s: float, reason: str, energy_wh: float | None = None) -> Gap:
    """A gap by seconds of the day."""
    from_ms, to_ms = at(from_s), at(to_s)
    return Gap(from_ms=from_ms, to_ms=to_ms, reason=reason, missing_ms=to_ms - from_ms, energy_wh=energy_wh)


def one(of: dict[str, Any], name: str, panel: int = 0) -> dict[str, Any]:
    """The series of a name in a panel."""
    (series,) = (each for each in of["series"] if (each["name"], each["xAxisIndex"]) == (name, panel))
    found: dict[str, Any] = series
    return found


def bands(of: dict[str, Any], name: str, panel: int = 0) -> list[list[dict[str, Any]]]:
    """The areas of a series; without areas there is no series."""
    found = [each for each in of["series"] if (each["name"], each["xAxisIndex"]) == (name, panel)]
    assert all(each["markArea"]["data"] for each in found)
    return [area for each in found for area in each["markArea"]["data"]]


def data(of: dict[str, Any], name: str) -> list[list[float | None]]:
    """A series' data with seconds of the day for times."""
    series = next(each for each in of["series"] if each["name"] == name)
    return [[(t - shifted(START_MS)) / 1000, value] for t, value in series["data"]]


def test_null_stays_null() -> None:
    """A null is drawn as null, a 0 as 0; lines are steps and never join over a gap."""
    seen = drawn(curve([(at(1), 0.0), (at(2), None), (at(5), 1_500.0)]))
    assert data(seen, "power") == [[1, 0.0], [2, None], [5, 1.5]]
    for series in seen["series"][:2]:
        assert series["connectNulls"] is False
        assert series["step"] == "end"
        assert not series.keys() & {"smooth", "sampling"}


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
    assert shifted(at(1)) in [line.get("xAxis") for line in one(seen, "power")["markLine"]["data"]]


def test_gaps_are_hatched_with_their_reason() -> None:
    """A gap is amber with its reason; where the register closed it, grey; a short one is still 3 px wide."""
    gaps = [gap(10, 30, "timeout", 23_500.0), gap(50, 70, "no_data", 0.0), gap(80, 80.001, "busy")]
    spans = [part(0, 50, Coverage.UNPROVED, "timeout"), part(50, 75, Coverage.OFF, "register"),
             part(75, 100, Coverage.UNPROVED, "busy")]  # fmt: skip
    seen = drawn(curve([(at(1), 0.0)], gaps=gaps, spans=spans))
    (amber, short), (grey,) = bands(seen, "missing"), bands(seen, "closed")
    assert amber[0]["name"] == "未证实：电表无应答 20\u2009秒，电量 +23.5\u2009kWh"
    assert grey[0]["name"] == "寄存器补证：没有数据 20\u2009秒，电量 0\u2009kWh"
    looks = [one(seen, name)["markArea"]["itemStyle"]["color"]["image"] for name in ("missing", "closed")]
    assert looks[0] != looks[1]
    assert [a[0]["label"]["show"] for a in (amber, grey, short)] == [True, True, False]
    assert short[1]["xAxis"] - short[0]["xAxis"] >= 100_000 * 3 // 900


def test_gaps_told_as_one_say_how_long_they_were_together() -> None:
    """Many short gaps of one reason in one bucket say how much was missing, not how far apart they lay."""
    together = gap(10, 60, "busy").model_copy(update={"missing_ms": 7_000})
    spans = [part(0, 100, Coverage.UNPROVED, "busy")]
    (area,) = bands(drawn(curve([(at(1), 0.0)], gaps=[together], spans=spans)), "missing")
    assert area[0]["name"] == "未证实：电表忙 7\u2009秒"


def test_before_the_seal_nothing_is_missing() -> None:
    """Time outside of the seal is left blank: nothing was to be proved there."""
    of = curve([], gaps=[gap(0, 50, "no_data")], spans=[part(40, 100, Coverage.UNPROVED, "no_data")])
    (area,) = bands(drawn(of), "missing")
    assert [edge["xAxis"] for edge in area] == [shifted(at(40)), shifted(at(50))]
    outside = drawn(curve([], gaps=[gap(0, 50, "no_data")], spans=[]))
    assert bands(outside, "missing") == bands(outside, "closed") == []


def test_the_lane_shows_every_state() -> None:
    """Under the curve each span of coverage is a colour or a hatch of its own."""
    spans = [
        part(0, 25, Coverage.OFF, "metered"),
        part(25, 50, Coverage.OFF, "register"),
        part(50, 75, Coverage.UNPROVED, "no_data"),
        part(75, 100, Coverage.ON, "resumed_power"),
    ]
    lane = [each for each in drawn(curve([], spans=spans))["series"] if each["name"].startswith("coverage")]
    assert [area[0]["name"] for each in lane for area in each["markArea"]["data"]] == [
        "证实断电",
        "寄存器补证：电能寄存器未走",
        "未证实：没有数据",
        "证实用电",
    ]
    assert len({json.dumps(each["markArea"]["itemStyle"]["color"]) for each in lane}) == 4


def test_a_moment_of_draw_is_seen_in_a_year() -> None:
    """Of many spans in one pixel those that are not proved off stay, 3 px wide, and time is never told twice."""
    year_s = 365 * 86_400
    spans = [part(0, 1_000, Coverage.OFF, "metered"), part(1_000, 1_002, Coverage.ON, "resumed_power"),
             part(1_002, year_s, Coverage.OFF, "metered")]  # fmt: skip
    seen = drawn(curve([], spans=spans, to_ms=at(year_s)))
    (on,) = bands(seen, "coverage state.on", 1)
    assert on[1]["xAxis"] - on[0]["xAxis"] >= year_s * 1000 // 900 * 3
    off = bands(seen, "coverage state.off", 1)
    assert off[-1][0]["xAxis"] == on[1]["xAxis"]


def test_pledge_and_test_line() -> None:
    """The pledge and the line of the test above it are drawn; without a stored pledge neither is."""
    lines = one(drawn(curve([])), "power")["markLine"]["data"]
    assert [(line["yAxis"], line["label"]["formatter"]) for line in lines] == [
        (12.5, "判定线 12.5\u2009kW"), (2.0, "承诺上限 2\u2009kW"),
    ]  # fmt: skip
    assert one(drawn(curve([], allowed_w=None)), "power")["markLine"]["data"] == []


def moments(of: Curve, violation: str) -> list[dict[str, Any]]:
    """The lines at moments, as seen when one violation is looked at."""
    return [line for line in one(drawn(of, violation=violation), "power")["markLine"]["data"] if "xAxis" in line]


def test_the_moment_of_detection_is_labelled() -> None:
    """The violation that is looked at says when it began and when it was raised, with an arrow; another only what."""
    of = curve([], marks=[mark(40, 60)])
    (line,) = moments(of, "V")
    assert line["label"]["formatter"] == "{what|00:00:40 恢复用电}\n{raised|00:00:41 判出，迟 1.0\u2009秒}"
    (other,) = moments(of, "W")
    assert other["label"]["formatter"] == "{what|00:00:40 恢复用电}"
    assert one(drawn(of, violation="W"), "power")["markPoint"]["data"] == []
    assert len(one(drawn(of), "power")["markPoint"]["data"]) == 1


def test_moments_that_lie_close_are_named_once() -> None:
    """Two moments without room for both their names carry one name, and both lines."""
    close = [mark(40, 60), mark(45, 45, "seal_opened").model_copy(update={"violation_id": "W"})]
    assert ["formatter" in line["label"] for line in moments(curve([], marks=close), "V")] == [True, False]
    apart = [mark(10, 12), mark(80, 81, "seal_opened").model_copy(update={"violation_id": "W"})]
    told = [line["label"]["formatter"] for line in moments(curve([], marks=apart), "V")]
    assert told[1] == "{what|00:01:20 封条打开}"


def line_of(quantity: str, points: Points, gaps: Sequence[Gap] = ()) -> Line:
    """Another quantity of the same meter."""
    return Line(
        quantity=quantity, agent_id="a1", meter="m1", period_ms=1_000, samples=len(points), bucket_ms=None,
        points=points, gaps=list(gaps),
    )  # fmt: skip


def test_only_what_was_read_has_a_panel() -> None:
    """Power and coverage always; water and frequency each in a panel of its own with its unit, where they were read."""
    assert [axis["gridIndex"] for axis in drawn(curve([]))["xAxis"]] == [0, 1]
    lines = [line_of("water_flow_m3_h", [(at(1), 10.6)]), line_of("frequency_hz", [(at(1), 49.98), (at(2), 50.03)])]
    seen = drawn(curve([(at(1), 0.0)], lines=lines))
    told = [element["style"]["text"] for element in seen["graphic"]]
    assert told == ["功率", "kW", "覆盖", "冷却水", "m³/h", "频率", "Hz"]
    assert data(seen, "frequency_hz") == [[1, 49.98], [2, 50.03]]
    water, frequency = seen["yAxis"][2:]
    assert (water["min"], water["max"]) == (0, 15)
    assert (frequency["min"], frequency["max"]) == (49.95, 50.05)
    assert [axis["axisLabel"]["show"] for axis in seen["xAxis"]] == [False, False, False, True]


def test_a_gap_is_hatched_in_every_panel() -> None:
    """Each panel hatches what its own quantity lacks, and the moments of violations go through all of them."""
    line = line_of("frequency_hz", [(at(1), 50.0), (at(10), None)], [gap(10, 30, "timeout")])
    spans = [part(0, 100, Coverage.UNPROVED, "timeout")]
    seen = drawn(curve([(at(1), 0.0)], lines=[line], spans=spans, marks=[mark(40, 60)]))
    assert bands(seen, "missing") == []
    assert [edge["xAxis"] for edge in bands(seen, "missing", 2)[0]] == [shifted(at(10)), shifted(at(30))]
    assert one(seen, "frequency_hz", 2)["markLine"]["data"][0]["xAxis"] == shifted(at(40))


def live(quantity: str, value: float) -> Live:
    """A newest value, read at second 99."""
    return Live(quantity=quantity, value=value, t_ms=at(99), period_ms=1_000, agent_id="a1", seq=7)


def test_windows_and_newest_values() -> None:
    """A declared window is an area; each newest value stands beside its panel, red while a violation reports it."""
    windows = [DeclaredWindow(from_ms=at(10), to_ms=at(20))]
    lines = [line_of("frequency_hz", [(at(99), 50.01)])]
    of = curve(
        [(at(99), 3e5)], windows=windows, lines=lines, live=[live("active_power_w", 3e5), live("frequency_hz", 50.01)]
    )
    seen = drawn(of)
    assert one(seen, "power")["markArea"]["data"][0][0]["name"] == "申报检修"
    told = {element["id"]: element for element in seen["graphic"] if "id" in element}
    assert told["live-value-0"]["style"]["text"] == "300\u2009kW"
    assert told["live-value-2"]["style"]["text"] == "50.01\u2009Hz"
    assert told["live-value-0"]["style"]["fill"] == LIGHT.text
    reported = drawn(of.model_copy(update={"marks": [mark(40, 99)]}))
    assert {e["id"]: e for e in reported["graphic"] if "id" in e}["live-value-0"]["style"]["fill"] == LIGHT.red
    assert seen["coldseal"]["live"] == [
        {"id": "live-age-0", "at_ms": at(99), "fresh_ms": 120_000},
        {"id": "live-age-2", "at_ms": at(99), "fresh_ms": 120_000},
    ]


def test_what_is_under_the_pointer_can_be_told() -> None:
    """chart.js is told each gap's reason, what is proved of each moment, and the envelope that each sample is from."""
    sources = [Source(agent_id="a1", seq=7, first_ms=at(0), last_ms=at(59))]
    told = drawn(curve([(at(1), 0.0)], sources=sources, gaps=[gap(60, 90, "timeout")]))["coldseal"]
    assert told["sources"] == [[shifted(at(0)), shifted(at(60)), "采集端 a1 信封 7"]]
    assert told["gaps"][0][2] == "寄存器补证：电表无应答 30\u2009秒"
    assert told["spans"] == [[shifted(at(0)), shifted(at(100)), "活表读数"]]
    assert told["origin"] == "采集端 a1，电表 m1，已验签名的信封 7–7；北京时间 UTC+8"
    assert told["from_ms"] + told["shift_ms"] == shifted(at(0))


def test_the_finer_part_is_what_is_seen() -> None:
    """A zoomed chart keeps its whole time on the axis and shows the part that was drawn finer."""
    seen = drawn(curve([(at(1), 0.0)], detail_from_ms=at(20), detail_to_ms=at(40)))
    (zoom,) = seen["dataZoom"]
    assert (zoom["startValue"], zoom["endValue"]) == (shifted(at(20)), shifted(at(40)))
    assert zoom["xAxisIndex"] == [0, 1]
    assert seen["xAxis"][0]["max"] == shifted(at(100))
    assert seen["coldseal"]["title"].endswith("2026-03-01 00:00:20 – 2026-03-01 00:00:40")
    year_s = 365 * 86_400
    spans = [part(0, year_s, Coverage.UNPROVED, "busy")]
    of = {"gaps": [gap(30, 31, "busy")], "spans": spans, "to_ms": at(year_s)}
    (far,) = bands(drawn(curve([(at(1), 0.0)], **of)), "missing")
    (near,) = bands(drawn(curve([(at(1), 0.0)], detail_from_ms=at(20), detail_to_ms=at(40), **of)), "missing")
    assert far[1]["xAxis"] - far[0]["xAxis"] >= year_s * 1000 * 3 // 900
    assert near[1]["xAxis"] - near[0]["xAxis"] == 1_000  # as long as it was


def test_panels_do_not_overlap() -> None:
    """Each panel stands below the one before it, inside the chart's height, at every place."""
    lines = [line_of("water_flow_m3_h", [(at(1), 1.0)]), line_of("frequency_hz", [(at(1), 50.0)])]
    for place, narrow in (("board", False), ("page", False), ("page", True)):
        style = ChartStyle(Words("zh"), LIGHT, narrow=narrow)
        seen = option(curve([], lines=lines), style, None, "board" if place == "board" else "page")
        edges = [edge for grid in seen["grid"] for edge in (grid["top"], grid["top"] + grid["height"])]
        assert edges == sorted(edges)
        assert edges[-1] < seen["coldseal"]["height"]
        assert {grid["outerBoundsMode"] for grid in seen["grid"]} == {"none"}


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
    of = curve([(at(1), 1.0), (at(2), None)], gaps=[gap(2, 100, "timeout")])
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


class Happened(msgspec.Struct, frozen=True):
    """What began and ended then."""

    first_ms: int
    ended_ms: int | None


@pytest.mark.parametrize(
    ("of", "newest_s", "shown"),
    [
        (None, 3_590, (-3_610, 3_590)),
        ((3_000, None), 3_600, (2_800, 3_600)),
        ((3_000, 3_060), 3_600, (2_940, 3_120)),
        ((3_580, None), 3_600, (3_520, 3_600)),
        ((3_000, None), None, (2_800, 3_600)),
        ((-86_395, -86_390), 3_600, (-86_405, -86_330)),
    ],
)
def test_the_time_that_is_shown(
    of: tuple[float, float | None] | None, newest_s: float | None, shown: tuple[float, float]
) -> None:
    """An event with a third of itself around it, or a seal's last two hours."""
    event = None if of is None else Happened(at(of[0]), None if of[1] is None else at(of[1]))
    assert event_time(event, seal(newest_s), at(3_600)) == (at(shown[0]), at(shown[1]))


def test_what_has_not_arrived_is_not_missing_yet() -> None:
    """The axis ends at the newest row while the agent is heard, and at now when that is long ago."""
    assert newest_ms(seal(100), at(100) + FRESH_MS) == at(100)
    assert newest_ms(seal(100), at(100) + FRESH_MS + 1) == at(100) + FRESH_MS + 1
    assert newest_ms(seal(None), at(100)) == at(100)
