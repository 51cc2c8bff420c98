"""What is written over a power curve: pledge and test line, moments of violations, declared windows."""

from collections.abc import Sequence

from server.console import figures
from server.console.chart_style import ChartStyle, Option, shifted
from server.views.curves import Curve, Mark

_APART_SHARE = 0.16
"""Moments nearer to each other than this share of the plot: only the first is named."""


def annotations(curve: Curve, style: ChartStyle, violation_id: str | None, high_kw: float) -> Option:
    """Lines, areas and points for the series of the draw; the moment of the named violation is told in full.

    Args:
        curve: what is drawn.
        style: words and colours.
        violation_id: the violation that is looked at.
        high_kw: top of the power axis.
    """
    areas = [_window_area(w.from_ms, w.to_ms, style) for w in curve.windows]
    lines = [*_levels(curve, style), *_moments(curve, style, violation_id)]
    return {
        "markLine": {"silent": True, "animation": False, "symbol": ["none", "none"], "data": lines},
        "markArea": {"silent": True, "animation": False, "data": areas},
        "markPoint": {"silent": True, "animation": False, "data": _arrows(curve, style, violation_id, high_kw)},
    }


def through(curve: Curve, style: ChartStyle, violation_id: str | None) -> Option:
    """The same moments in a panel below, without their words."""
    lines = [line | {"label": {"show": False}} for line in _moments(curve, style, violation_id)]
    for line in lines:
        line["lineStyle"] = line["lineStyle"] | {"type": "dotted", "width": 1}
    return {"markLine": {"silent": True, "animation": False, "symbol": ["none", "none"], "data": lines}}


def _levels(curve: Curve, style: ChartStyle) -> list[Option]:
    """The pledge and the test line above it."""
    p, words, lines = style.palette, style.words, list[Option]()
    if curve.allowed_w is None:
        return lines
    if curve.threshold_w is not None:
        level = curve.allowed_w + curve.threshold_w
        line = {"color": p.muted, "type": "dotted", "width": 1}
        lines.append(_level(level, f"{words('test_line')} {figures.power(level)}", line, style, -8))
    line = {"color": p.text, "type": "dashed", "width": 1.5}
    lines.append(_level(curve.allowed_w, f"{words('allowed')} {figures.power(curve.allowed_w)}", line, style, 6))
    return lines


def _level(watts: float, text: str, line: Option, style: ChartStyle, down_px: int) -> Option:
    label = {"formatter": text, "color": line["color"], "fontSize": 11, "position": "end", "offset": [0, down_px]}
    if style.narrow:
        label |= {"position": "insideStartTop" if down_px > 0 else "insideEndTop", "offset": [0, 0]}
    return {"yAxis": round(watts / 1000, 4), "lineStyle": line, "label": label}


def _arrows(curve: Curve, style: ChartStyle, violation_id: str | None, high_kw: float) -> list[Option]:
    """The head of the line at the moment that is looked at."""
    return [
        {
            "coord": [shifted(mark.first_ms), high_kw],
            "symbol": "triangle",
            "symbolSize": [10, 7],
            "symbolRotate": 180,
            "itemStyle": {"color": _colour(mark, style)},
            "label": {"show": False},
        }
        for mark in _inside(curve)
        if mark.violation_id == violation_id
    ]


def _moments(curve: Curve, style: ChartStyle, violation_id: str | None) -> list[Option]:
    marks = _inside(curve)
    named = [mark.first_ms for mark in marks if mark.violation_id == violation_id]
    lines: list[Option] = []
    for mark in marks:
        chosen = mark.violation_id == violation_id
        label: Option = {"show": False}
        if chosen:
            label = _moment_label(mark, curve, style)
        elif _has_room(mark.first_ms, named, curve, style):
            named.append(mark.first_ms)
            label = _short_label(mark, curve, style)
        look = {"color": _colour(mark, style), "type": "solid" if chosen else "dotted", "width": 1.5 if chosen else 1}
        lines.append({"xAxis": shifted(mark.first_ms), "lineStyle": look, "label": label})
    return lines


def _inside(curve: Curve) -> list[Mark]:
    return [mark for mark in curve.marks if curve.from_ms <= mark.first_ms <= curve.to_ms]


def _has_room(at_ms: int, named: Sequence[int], curve: Curve, style: ChartStyle) -> bool:
    apart_ms = curve.seen_ms * _APART_SHARE * (2 if style.narrow else 1)
    return all(abs(at_ms - other) >= apart_ms for other in named)


def _moment_label(mark: Mark, curve: Curve, style: ChartStyle) -> Option:
    words = style.words
    what = f"{figures.clock(mark.first_ms)} {words(f'code.{mark.code}')}"
    late = figures.delay(words, mark.raised_ms - mark.first_ms)
    raised = words("raised_at", time=figures.clock(mark.raised_ms), delay=late)
    return _label(mark, curve, style, f"{{what|{what}}}\n{{raised|{raised}}}")


def _short_label(mark: Mark, curve: Curve, style: ChartStyle) -> Option:
    """When and what: of a violation that is not the one looked at."""
    clock = figures.clock(mark.first_ms, curve.to_ms)
    return _label(mark, curve, style, f"{{what|{clock} {style.words(f'code.{mark.code}')}}}")


def _label(mark: Mark, curve: Curve, style: ChartStyle, text: str) -> Option:
    on_the_right = mark.first_ms > curve.seen[0] + curve.seen_ms * 0.6
    return {
        "formatter": text,
        "position": "end",
        "align": "right" if on_the_right else "left",
        "offset": [-8 if on_the_right else 8, 8],
        "rich": {
            "what": {"color": _colour(mark, style), "fontWeight": 600, "fontSize": 12, "lineHeight": 17},
            "raised": {"color": style.palette.muted, "fontSize": 12, "lineHeight": 17},
        },
    }


def _colour(mark: Mark, style: ChartStyle) -> str:
    return style.palette.red if mark.severity == "red" else style.palette.amber


def _window_area(from_ms: int, to_ms: int, style: ChartStyle) -> list[Option]:
    p = style.palette
    label = {"show": True, "position": "insideBottom", "color": p.muted, "fontSize": 11}
    look = {"color": p.selected, "opacity": 0.7}
    first = {"name": style.words("window"), "xAxis": shifted(from_ms), "itemStyle": look, "label": label}
    return [first, {"xAxis": shifted(to_ms)}]
