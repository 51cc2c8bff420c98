"""What is written over a power curve: pledge and test line, moments of detection, gaps, declared windows."""

from collections.abc import Sequence

from server.console import figures
from server.console.chart_style import ChartStyle, Option, shifted
from server.curve import Gap
from server.detect.finding import Coverage
from server.views.curves import Curve, Mark
from server.views.today import CoveragePart

_LEAST_PX = 3
_PLOT_PX = 900
"""A gap too short to see is drawn _LEAST_PX wide on a plot of about this width."""

_LABELLED_SHARE, _LABELS_MAX = 0.04, 3
"""Only the longest gaps carry their reason as text (on a phone one), and none below this share of the plot."""


def annotations(curve: Curve, style: ChartStyle, violation_id: str | None, high_kw: float) -> Option:
    """Lines, areas and points for the series of the draw; the named violation's moment is labelled.

    Args:
        curve: what is drawn.
        style: words and colours.
        violation_id: the violation that is looked at.
        high_kw: top of the power axis.
    """
    lines = [*_levels(curve, style), *_moments(curve, style, violation_id)]
    gaps = _under_seal(curve)
    told = sorted(gaps, key=lambda gap: gap.from_ms - gap.to_ms)[: 1 if style.narrow else _LABELS_MAX]
    areas = [_gap_area(gap, curve, style, told=gap in told) for gap in gaps]
    areas += [_window_area(w.from_ms, w.to_ms, style) for w in curve.windows]
    points = [*_arrows(curve, style, violation_id, high_kw), *_last_value(curve, style)]
    return {
        "markLine": {"silent": True, "animation": False, "symbol": ["none", "none"], "data": lines},
        "markArea": {"silent": True, "animation": False, "data": areas},
        "markPoint": {"silent": True, "animation": False, "data": points},
    }


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
            "itemStyle": {"color": style.palette.red if mark.severity == "red" else style.palette.amber},
            "label": {"show": False},
        }
        for mark in curve.marks
        if mark.violation_id == violation_id and curve.from_ms <= mark.first_ms <= curve.to_ms
    ]


def _moments(curve: Curve, style: ChartStyle, violation_id: str | None) -> list[Option]:
    lines: list[Option] = []
    for mark in curve.marks:
        colour = style.palette.red if mark.severity == "red" else style.palette.amber
        chosen = mark.violation_id == violation_id
        if not curve.from_ms <= mark.first_ms <= curve.to_ms:
            continue
        lines.append(
            {
                "xAxis": shifted(mark.first_ms),
                "lineStyle": {"color": colour, "type": "solid" if chosen else "dotted", "width": 1.5 if chosen else 1},
                "label": _moment_label(mark, curve, style, colour) if chosen else {"show": False},
            }
        )
    return lines


def _moment_label(mark: Mark, curve: Curve, style: ChartStyle, colour: str) -> Option:
    words = style.words
    what = f"{figures.clock(mark.first_ms)} {words(f'code.{mark.code}')}"
    late = figures.delay(words, mark.raised_ms - mark.first_ms)
    raised = words("raised_at", time=figures.clock(mark.raised_ms), delay=late)
    on_the_right = mark.first_ms > curve.from_ms + (curve.to_ms - curve.from_ms) * 0.6
    return {
        "formatter": f"{{what|{what}}}\n{{raised|{raised}}}",
        "position": "end",
        "align": "right" if on_the_right else "left",
        "offset": [-8 if on_the_right else 8, 8],
        "rich": {
            "what": {"color": colour, "fontWeight": 600, "fontSize": 12, "lineHeight": 17},
            "raised": {"color": style.palette.muted, "fontSize": 12, "lineHeight": 17},
        },
    }


def _under_seal(curve: Curve) -> list[Gap]:
    """Gaps cut to the time that coverage speaks of: outside of it nothing was to be proved."""
    if not curve.spans:
        return []
    first_ms, last_ms = curve.spans[0].from_ms, curve.spans[-1].to_ms
    cut = [(max(gap.from_ms, first_ms), min(gap.to_ms, last_ms), gap.reason) for gap in curve.gaps]
    return [Gap(from_ms=a, to_ms=b, reason=reason) for a, b, reason in cut if a < b]


def _gap_area(gap: Gap, curve: Curve, style: ChartStyle, *, told: bool) -> list[Option]:
    """A hatched band with its reason; never a line."""
    part = _coverage_at(curve.spans, (gap.from_ms + gap.to_ms) // 2)
    whole = curve.to_ms - curve.from_ms
    to_ms = min(curve.to_ms, max(gap.to_ms, gap.from_ms + whole * _LEAST_PX // _PLOT_PX))
    wide = told and to_ms - gap.from_ms > whole * _LABELLED_SHARE
    closed = part is not None and part.state is Coverage.OFF
    state = style.words("state.off_by_register" if closed else "state.unproved")
    span = figures.lasted(style.words, gap.to_ms - gap.from_ms)
    text = style.words("gap_lasting", state=state, why=style.words.why(gap.reason), span=span)
    p = style.palette
    label = {
        "show": wide,
        "position": _inside_top((gap.from_ms + to_ms) / 2 - curve.from_ms, whole),
        "distance": 6,
        "color": p.text if closed else p.amber,
        "fontWeight": 600,
        "fontSize": 11,
        "backgroundColor": p.surface,
        "padding": [2, 4],
    }
    style_ = {"color": style.hatch(part, 8, 1.5)}
    return [
        {"name": text, "xAxis": shifted(gap.from_ms), "itemStyle": style_, "label": label},
        {"xAxis": shifted(to_ms)},
    ]


def _inside_top(middle_ms: float, whole_ms: int) -> str:
    """Where a gap's text starts from: near an edge of the plot it must not leave it."""
    at = middle_ms / whole_ms
    return "insideTopLeft" if at < 0.12 else "insideTopRight" if at > 0.85 else "insideTop"


def _window_area(from_ms: int, to_ms: int, style: ChartStyle) -> list[Option]:
    p = style.palette
    label = {"show": True, "position": "insideBottom", "color": p.muted, "fontSize": 11}
    look = {"color": p.selected, "opacity": 0.7}
    first = {"name": style.words("window"), "xAxis": shifted(from_ms), "itemStyle": look, "label": label}
    return [first, {"xAxis": shifted(to_ms)}]


def _last_value(curve: Curve, style: ChartStyle) -> list[Option]:
    """The newest value at the right edge, unless it would lie on the pledge's own label."""
    known = [(t, w) for t, w in curve.points if w is not None]
    floor = (curve.allowed_w or 0.0) + (curve.threshold_w or 0.0)
    if not known or style.narrow or known[-1][1] <= floor:
        return []
    t_ms, watts = known[-1]
    label = {"show": True, "position": "right", "distance": 8, "fontSize": 13, "fontWeight": 600}
    return [
        {
            "coord": [shifted(t_ms), round(watts / 1000, 4)],
            "symbol": "circle",
            "symbolSize": 6,
            "itemStyle": {"color": style.palette.red},
            "label": label | {"formatter": figures.power(watts), "color": style.palette.red},
        }
    ]


def _coverage_at(spans: Sequence[CoveragePart], at_ms: int) -> CoveragePart | None:
    return next((span for span in spans if span.from_ms <= at_ms < span.to_ms), None)
