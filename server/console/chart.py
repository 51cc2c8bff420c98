"""A seal's curve as an ECharts option: pure, so that paper and screen cannot differ (console.md §4).

Times go in as Beijing wall time labelled UTC, and the axis runs in UTC: a browser in another zone shows the same clock.
What only chart.js needs stands beside the option under "coldseal".
"""

from typing import Literal

from server.console import chart_lines, chart_marks, chart_told
from server.console.chart_layout import (
    HEIGHTS,
    Panel,
    grids,
    names,
    panels,
    scale,
    text,
    time_axis,
    value_axis,
    whole_height,
)
from server.console.chart_style import ChartStyle, Option, shifted
from server.console.palette import FONT
from server.detect.finding import POWER
from server.views.curves import Curve, Line, Live
from wire import quantities
from wire.quantities import Quantity

Place = Literal["board", "page"]

_POWER_CODES = tuple(code.value for code in POWER)
_FROM_ZERO = (Quantity.WATER_FLOW_M3_H.value,)


def option(curve: Curve, style: ChartStyle, violation_id: str | None, place: Place = "board") -> Option:
    """The chart of a curve.

    Args:
        curve: what to draw.
        style: words and colours.
        violation_id: the violation whose detection is told in full; others of this time are thin lines.
        place: where it stands, which says how high its panels are.
    """
    p = style.palette
    here = panels(
        HEIGHTS["phone" if style.narrow else place],
        [(line.quantity, quantities.unit(Quantity(line.quantity))) for line in curve.lines],
    )
    axes = [
        time_axis(curve.from_ms, curve.to_ms, style, index, is_last=panel is here[-1], is_lane=panel.is_lane)
        for index, panel in enumerate(here)
    ]
    return {
        "animation": False,
        "useUTC": True,
        "textStyle": {"fontFamily": FONT, "color": p.muted, "fontSize": 12},
        "grid": grids(here, style),
        "xAxis": axes,
        "yAxis": _value_axes(curve, style),
        "axisPointer": {"link": [{"xAxisIndex": "all"}], "lineStyle": {"color": p.line2}},
        "tooltip": _tooltip(style),
        "graphic": [*names(here, style), *_live(curve, here, style)],
        "dataZoom": [_zoom(curve, style, len(here), place)],
        "series": _series(curve, style, violation_id),
        "coldseal": chart_told.told(curve, style, here, whole_height(here)),
    }


def _series(curve: Curve, style: ChartStyle, violation_id: str | None) -> list[Option]:
    p = style.palette
    calm, hot = chart_lines.split(curve.points, [m for m in curve.marks if m.code in _POWER_CODES])
    series = [
        chart_lines.line("power", calm, 0, {"color": p.text, "width": 1.5}, per_unit=1000)
        | chart_marks.annotations(curve, style, violation_id, _power_scale(curve)[0]),
        chart_lines.line("violation", hot, 0, {"color": p.red, "width": 1.5}, per_unit=1000)
        | {"areaStyle": {"color": p.red_tint}},
        *chart_lines.missing(curve.gaps, curve, style, 0, labelled=True),
        *chart_lines.lane(curve, style, 1),
    ]
    for panel, line in enumerate(curve.lines, start=2):
        series.append(
            chart_lines.line(line.quantity, line.points, panel, {"color": p.text, "width": 1})
            | chart_marks.through(curve, style, violation_id)
        )
        series += chart_lines.missing(line.gaps, curve, style, panel, labelled=False)
    return series


def _value_axes(curve: Curve, style: ChartStyle) -> list[Option]:
    high, step = _power_scale(curve)
    return [
        value_axis(0, high, step, style, 0),
        {"gridIndex": 1, "min": 0, "max": 1, "show": False},
        *(_other_axis(line, style, 2 + index) for index, line in enumerate(curve.lines)),
    ]


def _power_scale(curve: Curve) -> tuple[float, float]:
    """The top of the power axis in kW and the step of its labels: 3 to 5 of them, round numbers."""
    level = (curve.allowed_w or 0.0) + (curve.threshold_w or 0.0)
    top = max([level, 1.0, *(w for _, w in curve.points if w is not None)]) / 1000 * 1.12
    _, high, step = scale(0.0, top, 5)
    return high, step


def _other_axis(line: Line, style: ChartStyle, grid: int) -> Option:
    known = [value for _, value in line.points if value is not None]
    from_zero = line.quantity in _FROM_ZERO
    return value_axis(*scale(0.0 if from_zero else min(known), max(known), 3 if from_zero else 2), style, grid)


def _zoom(curve: Curve, style: ChartStyle, count: int, place: Place) -> Option:
    """Wheel, drag and pinch over all panels; what is drawn finer is what is seen."""
    seen: Option = {}
    if curve.detail_from_ms is not None and curve.detail_to_ms is not None:
        seen = {"startValue": shifted(curve.detail_from_ms), "endValue": shifted(curve.detail_to_ms)}
    return {
        "type": "inside",
        "xAxisIndex": list(range(count)),
        "filterMode": "none",
        "minValueSpan": 10_000,
        "zoomOnMouseWheel": True if place == "board" else "ctrl",  # a page that scrolls goes on scrolling
        "moveOnMouseWheel": False,
        "moveOnMouseMove": not style.narrow,
        "preventDefaultMouseMove": not style.narrow,
    } | seen


def _live(curve: Curve, here: list[Panel], style: ChartStyle) -> list[Option]:
    """The newest value of each panel in the right gutter; its age is chart.js's."""
    found: list[Option] = []
    for index, live in chart_told.live_panels(curve, style):
        panel = here[index]
        top = panel.top - (34 if index == 0 else 4)
        value = text(chart_told.value_of(live), index, style, top, bold=True, right=True, ink=_ink(live, curve, style))
        age = text("", index, style, top + 17, right=True)
        found += [value | {"id": f"live-value-{index}"}, age | {"id": f"live-age-{index}"}]
    return found


def _ink(live: Live, curve: Curve, style: ChartStyle) -> str:
    """Red where a violation reports the draw now."""
    reported = any(m.code in _POWER_CODES and m.ended_ms is None and m.first_ms <= live.t_ms for m in curve.marks)
    return style.palette.red if reported and live.quantity == Quantity.ACTIVE_POWER_W.value else style.palette.text


def _tooltip(style: ChartStyle) -> Option:
    """Its text is chart.js's: a function cannot travel."""
    p = style.palette
    return {
        "trigger": "axis",
        "confine": True,
        "backgroundColor": p.surface,
        "borderColor": p.line2,
        "textStyle": {"color": p.text, "fontSize": 12},
        "axisPointer": {"type": "line", "snap": False},
    }
