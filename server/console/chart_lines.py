"""The lines of a chart, its lane of coverage, and the hatching of what is missing."""

from collections.abc import Sequence

from server.console import chart_gaps
from server.console.chart_style import LABEL_SHARE, ChartStyle, Option, shifted
from server.curve import Gap, Point
from server.detect.finding import Coverage
from server.views.curves import Curve, Mark
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


def bands(name: str, areas: Sequence[list[Option]], panel: int, look: Option) -> Option:
    """A series without a line: bands of one look, which is told once however many they are."""
    return {
        "name": name,
        "type": "line",
        "xAxisIndex": panel,
        "yAxisIndex": panel,
        "data": [],
        "markArea": {"silent": True, "animation": False, "itemStyle": look, "data": list(areas)},
    }


def missing(gaps: Sequence[Gap], curve: Curve, style: ChartStyle, panel: int, *, labelled: bool) -> list[Option]:
    """The gaps of a panel: those that nothing proves, and those that the register closed."""
    mine = chart_gaps.under_seal(gaps, curve)
    told = chart_gaps.longest(mine, curve, style) if labelled else []
    sides: dict[bool, list[list[Option]]] = {False: [], True: []}
    for gap in mine:
        closed = chart_gaps.is_closed(gap, curve.spans)
        sides[closed].append(chart_gaps.area(gap, curve, style, told=gap in told, closed=closed))
    return [
        bands("closed" if closed else "missing", areas, panel, {"color": style.hatch(8, 1.5, closed=closed)})
        for closed, areas in sides.items()
        if areas  # a series costs a browser some ms, even one of nothing
    ]


def lane(curve: Curve, style: ChartStyle, panel: int) -> list[Option]:
    """What each moment is proved to be, under the curve."""
    p = style.palette
    looks = {
        "state.off": p.off_fill,
        "state.off_by_register": style.hatch(5, 1.3, closed=True),
        "state.unproved": style.hatch(5, 1.3, closed=False),
        "state.on": p.red_fill,
    }
    kinds: dict[str, list[list[Option]]] = {key: [] for key in looks}
    for span in chart_gaps.seen(curve.spans, curve):
        key = _kind(span)
        kinds[key].append(_lane_area(span, key, curve, style))
    return [bands(f"coverage {key}", areas, panel, {"color": looks[key]}) for key, areas in kinds.items() if areas]


def _kind(span: CoveragePart) -> str:
    """The key of the words for what a span is."""
    if span.state is Coverage.ON:
        return "state.on"
    if span.state is Coverage.UNPROVED:
        return "state.unproved"
    return "state.off_by_register" if span.reason == REGISTER else "state.off"


def _lane_area(span: CoveragePart, key: str, curve: Curve, style: ChartStyle) -> list[Option]:
    p = style.palette
    hatched = key in ("state.off_by_register", "state.unproved")
    ink = {"state.on": "#FFFFFF", "state.unproved": p.amber}.get(key, p.text)
    wide = span.to_ms - span.from_ms > curve.seen_ms * LABEL_SHARE
    name = style.words(key)
    first: Option = {"name": name, "xAxis": shifted(span.from_ms), "label": {"show": False}}
    if hatched:
        first["name"] = style.words("gap_label", state=name, why=style.words.why(span.reason))
    if wide:
        label = {"show": True, "position": "insideLeft", "color": ink, "fontSize": 11, "fontWeight": 500}
        first["label"] = label | ({"backgroundColor": p.surface, "padding": [0, 4]} if hatched else {})
    return [first, {"xAxis": shifted(span.to_ms)}]
