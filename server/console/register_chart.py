"""A seal's energy register as an ECharts option: of a furnace that stays off it is one level line."""

from server.console import chart_gaps, figures
from server.console.chart_layout import Panel, scale, text, time_axis, value_axis
from server.console.chart_lines import bands, line
from server.console.chart_style import ChartStyle, Option, shifted
from server.console.palette import FONT
from server.curve import Gap
from server.sentences import THIN
from server.views.register import EnergyMark, Register, RegisterCurve

TOP_PX, HEIGHT_PX, AXIS_PX = 40, 128, 30
_LABELS_MAX, _LABELLED_SHARE = 4, 0.008
_APART_SHARE = 0.2


def option(curve: RegisterCurve, style: ChartStyle) -> Option:
    """The chart of a register.

    Args:
        curve: what to draw.
        style: words and colours.
    """
    p = style.palette
    panel = Panel("register_kwh", "kWh", TOP_PX, HEIGHT_PX)
    axis = time_axis(curve.from_ms, curve.to_ms, style, 0, is_last=True, is_lane=False)
    axis["axisLabel"]["formatter"] = axis["axisLabel"]["formatter"] | {
        "year": "{yyyy}", "month": "{yyyy}-{MM}", "day": "{MM}-{dd}",
    }  # fmt: skip
    grid = {
        "left": style.left, "right": style.right, "top": TOP_PX, "height": HEIGHT_PX, "outerBoundsMode": "none",
    }  # fmt: skip
    return {
        "animation": False,
        "useUTC": True,
        "textStyle": {"fontFamily": FONT, "color": p.muted, "fontSize": 12},
        "grid": [grid],
        "xAxis": [axis],
        "yAxis": [value_axis(*_scale(curve), style, 0)],
        "tooltip": {
            "trigger": "axis", "confine": True, "backgroundColor": p.surface, "borderColor": p.line2,
            "textStyle": {"color": p.text, "fontSize": 12}, "axisPointer": {"type": "line", "snap": False},
        },
        "graphic": [
            text(style.words(panel.key), 0, style, TOP_PX - (20 if style.narrow else 6), bold=True),
            *([] if style.narrow else [text(panel.unit, 0, style, TOP_PX + 12)]),
            *_ends(curve, style),
        ],
        "series": _series(curve, style),
        "coldseal": _told(curve, style, panel),
    }  # fmt: skip


def _series(curve: RegisterCurve, style: ChartStyle) -> list[Option]:
    sides: dict[bool, list[list[Option]]] = {False: [], True: []}
    mine = [gap for gap in curve.gaps if chart_gaps.coverage_at(curve.spans, (gap.from_ms + gap.to_ms) // 2)]
    told = [] if style.narrow else sorted(mine, key=lambda gap: gap.from_ms - gap.to_ms)[:_LABELS_MAX]
    for gap in mine:
        closed = chart_gaps.is_closed(gap, curve.spans)
        sides[closed].append(_area(gap, curve, style, told=gap in told, closed=closed))
    lines = {"silent": True, "animation": False, "symbol": ["none", "none"], "data": _moved(curve, style)}
    return [
        line("register", curve.points, 0, {"color": style.palette.text, "width": 1.5}, per_unit=1000)
        | {"markLine": lines},
        *(
            bands("closed" if closed else "missing", areas, 0, {"color": style.hatch(5, 1.3, closed=closed)})
            for closed, areas in sides.items()
            if areas
        ),
    ]


def _area(gap: Gap, curve: RegisterCurve, style: ChartStyle, *, told: bool, closed: bool) -> list[Option]:
    """A band at least 3 px wide; its words stand above it, on a phone only where one points."""
    whole = curve.to_ms - curve.from_ms
    to_ms = min(curve.to_ms, max(gap.to_ms, gap.from_ms + whole * 3 // chart_gaps.PLOT_PX))
    first: Option = {"xAxis": shifted(gap.from_ms), "label": {"show": False}}
    if told and to_ms - gap.from_ms > whole * _LABELLED_SHARE:
        at = (gap.from_ms - curve.from_ms) / whole
        first["name"] = chart_gaps.words_of(gap, style, closed=closed)
        first["label"] = {
            "show": True, "position": "top", "color": style.palette.text if closed else style.palette.amber,
            "fontSize": 11, "fontWeight": 600, "align": "left" if at < 0.15 else "right" if at > 0.8 else "center",
        }  # fmt: skip
    return [first, {"xAxis": shifted(to_ms)}]


def _moved(curve: RegisterCurve, style: ChartStyle) -> list[Option]:
    """Violations with the energy that is stored of them; those with room are named."""
    lines, named = list[Option](), list[int]()
    for mark in curve.marks:
        at_ms = max(mark.first_ms, curve.from_ms)
        roomy = all(abs(at_ms - other) > (curve.to_ms - curve.from_ms) * _APART_SHARE for other in named)
        if roomy:
            named.append(at_ms)
        p = style.palette
        right = at_ms > curve.from_ms + (curve.to_ms - curve.from_ms) * 0.6
        label = {
            "show": roomy and not style.narrow, "formatter": _moved_text(mark, style), "color": p.red, "fontSize": 11,
            "position": "end", "align": "right" if right else "left", "offset": [-6 if right else 6, 16],
            "backgroundColor": p.surface, "padding": [1, 3],
        }  # fmt: skip
        look = {"color": p.red, "type": "dotted", "width": 1}
        lines.append({"xAxis": shifted(at_ms), "lineStyle": look, "label": label})
    return lines


def _moved_text(mark: EnergyMark, style: ChartStyle) -> str:
    energy = figures.measured(mark.energy_wh, "Wh")
    code = style.words(f"code.{mark.code}")
    return style.words("register_moved", date=figures.date(mark.first_ms)[5:], code=code, energy=f"+{energy}")


def _ends(curve: RegisterCurve, style: ChartStyle) -> list[Option]:
    """The last value and the first, in the right gutter."""
    if curve.first is None or curve.last is None or style.narrow:
        return []
    moved = curve.last.energy_wh != curve.first.energy_wh
    ink = style.palette.red if moved and curve.marks else style.palette.text
    last = text(
        style.words("register_now", value=_kwh(curve.last)), 0, style, TOP_PX - 4, bold=True, right=True, ink=ink
    )
    first = text(
        style.words("register_first", value=_kwh(curve.first)), 0, style, TOP_PX + HEIGHT_PX - 14, right=True
    )  # fmt: skip
    return [last, first]


def _kwh(at: Register) -> str:
    """A register to its last 10 Wh, digits grouped."""
    return f"{at.energy_wh / 1000:,.2f}".replace(",", THIN)


def _scale(curve: RegisterCurve) -> tuple[float, float, float]:
    """An axis that never makes a level line look like a climb: it is at least 10 kWh high."""
    known = [value / 1000 for _, value in curve.points if value is not None] or [0.0]
    low, high = min(known), max(known)
    spare = max(5.0, (high - low) * 0.15)
    return scale(max(0.0, low - spare), high + spare, 4)


def _told(curve: RegisterCurve, style: ChartStyle, panel: Panel) -> Option:
    words = style.words
    return {
        "seal": curve.seal_id,
        "from_ms": curve.from_ms,
        "to_ms": curve.to_ms,
        "shift_ms": shifted(curve.from_ms) - curve.from_ms,
        "height": TOP_PX + HEIGHT_PX + AXIS_PX,
        "right": style.right,
        "panels": [{"top": panel.top, "height": panel.height, "lane": False}],
        "series": [{"names": ["register"], "label": words("register_kwh"), "unit": "kWh", "bucket_ms": None}],
        "gaps": [
            [
                shifted(gap.from_ms), shifted(gap.to_ms),
                chart_gaps.words_of(gap, style, closed=chart_gaps.is_closed(gap, curve.spans)),
            ]
            for gap in curve.gaps
        ],
        "spans": [],
        "sources": [],
        "source_of_minutes": "",
        "live": [],
    }  # fmt: skip
