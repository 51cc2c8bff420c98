"""The power curve as an ECharts option: pure, so that paper and screen cannot differ (console.md §4).

Times go in as Beijing wall time labelled UTC, and the axis runs in UTC: a browser in another zone shows the same clock.
"""

from collections.abc import Sequence

from server.console.chart_marks import annotations
from server.console.chart_style import LABEL_SHARE, ChartStyle, Option, shifted
from server.console.palette import FONT
from server.detect.finding import POWER, Coverage
from server.views.curves import Curve, Mark
from server.views.today import REGISTER, CoveragePart

Point = tuple[int, float | None]

_POWER_CODES = tuple(code.value for code in POWER)


def option(curve: Curve, style: ChartStyle, violation_id: str | None) -> Option:
    """The chart of a curve.

    Args:
        curve: what to draw.
        style: words and colours.
        violation_id: the violation whose detection is labelled; others of this time are thin lines.
    """
    p = style.palette
    high, step = _scale(curve)
    calm, hot = _split(curve.points, [m for m in curve.marks if m.code in _POWER_CODES])
    return {
        "animation": False,
        "useUTC": True,
        "textStyle": {"fontFamily": FONT, "color": p.muted, "fontSize": 12},
        "grid": [
            {"left": style.left, "right": style.right, "top": 52, "bottom": 56, "outerBoundsMode": "none"},
            {"left": style.left, "right": style.right, "height": 14, "bottom": 30, "outerBoundsMode": "none"},
        ],
        "xAxis": [_time_axis(curve, style, 0), _time_axis(curve, style, 1)],
        "yAxis": [_power_axis(style, high, step), {"gridIndex": 1, "min": 0, "max": 1, "show": False}],
        "axisPointer": {"link": [{"xAxisIndex": "all"}], "lineStyle": {"color": p.line2}},
        "tooltip": _tooltip(style),
        "graphic": _gutter(style),
        "series": [
            _power_series("power", calm, {"color": p.text, "width": 1.5})
            | annotations(curve, style, violation_id, high),
            _power_series("violation", hot, {"color": p.red, "width": 1.5}) | {"areaStyle": {"color": p.red_tint}},
            _lane(curve, style),
        ],
    }


def _power_series(name: str, points: Sequence[Point], line: Option) -> Option:
    return {
        "name": name,
        "type": "line",
        "step": "end",
        "connectNulls": False,
        "showSymbol": False,
        "data": [[shifted(t), None if w is None else round(w / 1000, 4)] for t, w in points],
        "lineStyle": line,
        "itemStyle": {"color": line["color"]},
        "z": 3,
    }


def _split(points: Sequence[Point], marks: Sequence[Mark]) -> tuple[list[Point], list[Point]]:
    """Points outside and inside of violations; at each border the edge belongs to the later one."""
    calm: list[Point] = []
    hot: list[Point] = []
    last, last_is_hot = None, False
    for t_ms, watts in points:
        is_hot = any(m.first_ms <= t_ms <= m.last_ms for m in marks)
        mine, other = (hot, calm) if is_hot else (calm, hot)
        if last is not None and is_hot != last_is_hot:
            other.append((last[0], None))
            if last[1] is not None and watts is not None:
                mine.append(last)
        mine.append((t_ms, watts))
        last, last_is_hot = (t_ms, watts), is_hot
    return calm, hot


def _lane(curve: Curve, style: ChartStyle) -> Option:
    """What each moment is proved to be, under the curve."""
    areas = [_lane_area(span, curve, style) for span in curve.spans]
    return {
        "name": "coverage",
        "type": "line",
        "xAxisIndex": 1,
        "yAxisIndex": 1,
        "data": [[shifted(curve.from_ms), None]],
        "markArea": {"silent": True, "animation": False, "data": areas},
    }


def _lane_area(span: CoveragePart, curve: Curve, style: ChartStyle) -> list[Option]:
    p = style.palette
    key, fill, ink = "state.off", p.off_fill, p.text
    hatched = span.state is Coverage.UNPROVED or span.reason == REGISTER
    if span.state is Coverage.ON:
        key, fill, ink = "state.on", p.red_fill, "#FFFFFF"
    elif hatched:
        key, ink = ("state.unproved", p.amber) if span.state is Coverage.UNPROVED else ("state.off_by_register", p.text)
    wide = span.to_ms - span.from_ms > (curve.to_ms - curve.from_ms) * LABEL_SHARE
    label = {"show": wide, "position": "insideLeft", "color": ink, "fontSize": 11, "fontWeight": 500}
    name = style.words(key)
    if hatched:
        label |= {"backgroundColor": p.surface, "padding": [0, 4]}
        name = style.words("gap_label", state=name, why=style.words.why(span.reason))
    look = {"color": style.hatch(span, 5, 1.3) if hatched else fill}
    first = {"name": name, "xAxis": shifted(span.from_ms), "itemStyle": look, "label": label}
    return [first, {"xAxis": shifted(span.to_ms)}]


def _time_axis(curve: Curve, style: ChartStyle, grid: int) -> Option:
    p = style.palette
    minute = "{HH}:{mm}"
    second = "{HH}:{mm}:{ss}"
    levels = {"day": "{MM}-{dd}", "hour": minute, "minute": minute, "second": second, "millisecond": second}
    return {
        "type": "time",
        "gridIndex": grid,
        "min": shifted(curve.from_ms),
        "max": shifted(curve.to_ms),
        "axisLine": {"lineStyle": {"color": p.line2}},
        "axisTick": {"show": False},
        "splitLine": {"show": grid == 0, "lineStyle": {"color": p.line}},
        "axisLabel": {"show": grid == 1, "formatter": levels, "color": p.muted, "hideOverlap": True, "margin": 10},
        "splitNumber": 4 if style.narrow else 8,
    }


def _power_axis(style: ChartStyle, high: float, step: float) -> Option:
    p = style.palette
    return {
        "type": "value",
        "min": 0,
        "max": high,
        "interval": step,
        "splitLine": {"lineStyle": {"color": p.line}},
        "axisLabel": {"color": p.muted, "margin": 10},
    }


def _scale(curve: Curve) -> tuple[float, float]:
    """The top of the power axis in kW and the step of its labels: 3 to 5 of them, round numbers."""
    level = (curve.allowed_w or 0.0) + (curve.threshold_w or 0.0)
    top = max([level, 1.0, *(w for _, w in curve.points if w is not None)]) / 1000 * 1.12
    step = next(m * 10**e for e in range(-3, 7) for m in (1, 2, 2.5, 5) if top / (m * 10**e) <= 5)
    return round(step * -(-top // step), 6), step


def _tooltip(style: ChartStyle) -> Option:
    """Its text is console.js's: a function cannot travel."""
    p = style.palette
    return {
        "trigger": "axis",
        "backgroundColor": p.surface,
        "borderColor": p.line2,
        "textStyle": {"color": p.text, "fontSize": 12},
        "axisPointer": {"type": "line"},
    }


def _gutter(style: ChartStyle) -> list[Option]:
    p, words = style.palette, style.words
    bold, plain = f"600 12px {FONT}", f"12px {FONT}"
    name_top, unit_left, unit_top = (22, 34, 22) if style.narrow else (44, 0, 62)
    return [
        {"type": "text", "left": 0, "top": name_top, "style": {"text": words("power"), "fill": p.text, "font": bold}},
        {"type": "text", "left": unit_left, "top": unit_top, "style": {"text": "kW", "fill": p.muted, "font": plain}},
        {"type": "text", "left": 0, "bottom": 31, "style": {"text": words("coverage"), "fill": p.text, "font": bold}},
    ]
