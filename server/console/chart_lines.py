"""The lines of a chart, its lane of coverage, and the hatching of what is missing."""

from collections.abc import Sequence

from server.console import chart_gaps
from server.console.chart_style import LABEL_SHARE, ChartStyle, Option, shifted
from server.curve import Point
from server.detect.finding import Coverage
from server.views.curves import Curve, Line, Mark
from server.views.today import REGISTER, CoveragePart


def line(name: str, points: Sequence[Point], panel: int, look: Option, *, per_unit: float = 1.0) -> Option:
    """A series that keeps each value until the next, and leaves open what is null.

    Args:
        name: of the series.
        points: time in ms and value.
        panel: index of its panel.
        look: how the line is drawn.
        per_unit: how much of the value one of the axis' unit is.
    """
    return {
        "name": name,
        "type": "line",
        "xAxisIndex": panel,
        "yAxisIndex": panel,
        "step": "end",
        "connectNulls": False,
        "showSymbol": False,
        "data": [[shifted(t), None if value is None else round(value / per_unit, 6)] for t, value in points],
        "lineStyle": look,
        "itemStyle": {"color": look["color"]},
        "emphasis": {"disabled": True},
        "z": 3,
    }


def split(points: Sequence[Point], marks: Sequence[Mark]) -> tuple[list[Point], list[Point]]:
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


def other(of: Line, curve: Curve, style: ChartStyle, panel: int) -> Option:
    """A quantity besides the draw, with its own gaps and the moments of violations."""
    areas = [chart_gaps.area(gap, curve, style, told=False) for gap in chart_gaps.under_seal(of.gaps, curve)]
    return line(of.quantity, of.points, panel, {"color": style.palette.text, "width": 1}) | {
        "markArea": {"silent": True, "animation": False, "data": areas},
    }


def lane(curve: Curve, style: ChartStyle, panel: int) -> Option:
    """What each moment is proved to be, under the curve."""
    return {
        "name": "coverage",
        "type": "line",
        "xAxisIndex": panel,
        "yAxisIndex": panel,
        "data": [[shifted(curve.from_ms), None]],
        "markArea": {
            "silent": True,
            "animation": False,
            "data": [_lane_area(span, curve, style) for span in chart_gaps.seen(curve.spans, curve)],
        },
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
