"""Where the panels of a chart are: power, the lane of coverage, then each other quantity, over one axis of time."""

import math
from collections.abc import Sequence

import msgspec

from server.console.chart_style import ChartStyle, Option, shifted
from server.console.palette import FONT

HEAD_PX = 58
"""Room above the first panel for the moment of detection and the newest value."""

AXIS_PX = 30
"""Room under the last one for its times."""

_NEARLY = 1e-6
"""A value that is a label but for its last digits is that label."""

_BETWEEN_PX = 16
_LANE_ABOVE_PX = 11


class Panel(msgspec.Struct, frozen=True):
    """One panel.

    Attributes:
        key: of the words that name it.
        unit: as it stands under the name; empty for the lane.
        top, height: px.
    """

    key: str
    unit: str
    top: int
    height: int

    @property
    def is_lane(self) -> bool:
        """Whether it is the lane of coverage."""
        return not self.unit


class Heights(msgspec.Struct, frozen=True):
    """Heights of panels in px (console.md §4); where there is more room, chart.js gives it to them in proportion."""

    power: int
    lane: int
    other: int


HEIGHTS = {"board": Heights(164, 14, 55), "page": Heights(138, 18, 46), "phone": Heights(150, 14, 50)}


def panels(heights: Heights, others: Sequence[tuple[str, str]]) -> list[Panel]:
    """The panels from top to bottom.

    Args:
        heights: how high.
        others: key and unit of each quantity besides power.
    """
    found = [Panel("power", "kW", HEAD_PX, heights.power)]
    top = HEAD_PX + heights.power + _LANE_ABOVE_PX
    found.append(Panel("coverage", "", top, heights.lane))
    top += heights.lane + _BETWEEN_PX
    for key, unit in others:
        found.append(Panel(key, unit, top, heights.other))
        top += heights.other + _BETWEEN_PX
    return found


def whole_height(of: Sequence[Panel]) -> int:
    """The height of the chart in px."""
    return of[-1].top + of[-1].height + AXIS_PX


def grids(of: Sequence[Panel], style: ChartStyle) -> list[Option]:
    """A grid for each panel, all of them equally wide."""
    return [
        {
            "left": style.left, "right": style.right, "top": panel.top, "height": panel.height,
            "outerBoundsMode": "none",
        }
        for panel in of
    ]  # fmt: skip


def time_axis(from_ms: int, to_ms: int, style: ChartStyle, grid: int, *, is_last: bool, is_lane: bool) -> Option:
    """One panel's axis of time; only the last one is labelled."""
    p = style.palette
    minute, second = "{HH}:{mm}", "{HH}:{mm}:{ss}"
    levels = {
        "year": "{yyyy}-{MM}-{dd}",
        "month": "{MM}-{dd}",
        "day": "{MM}-{dd}",
        "hour": minute,
        "minute": minute,
        "second": second,
        "millisecond": second,
    }
    return {
        "type": "time",
        "gridIndex": grid,
        "min": shifted(from_ms),
        "max": shifted(to_ms),
        "axisLine": {"lineStyle": {"color": p.line2}},
        "axisTick": {"show": False},
        "splitLine": {"show": not is_lane, "lineStyle": {"color": p.line}},
        "axisLabel": {"show": is_last, "formatter": levels, "color": p.muted, "hideOverlap": True, "margin": 10},
        "axisPointer": {"snap": False, "label": {"show": False}},
        "splitNumber": 4 if style.narrow else 8,
    }


def value_axis(low: float, high: float, step: float, style: ChartStyle, grid: int) -> Option:
    """A panel's axis of values, labelled from low to high."""
    p = style.palette
    return {
        "type": "value",
        "gridIndex": grid,
        "min": low,
        "max": high,
        "interval": step,
        "splitLine": {"lineStyle": {"color": p.line}},
        "axisLabel": {"color": p.muted, "margin": 10, "fontSize": 11, "showMinLabel": True, "showMaxLabel": True},
    }


def scale(low: float, high: float, most: int) -> tuple[float, float, float]:
    """Round numbers around a range: the lowest, the highest, and the step between labels, of which there are `most`."""
    span = max(high - low, 1e-3)
    step = next(m * 10**e for e in range(-3, 8) for m in (1, 2, 2.5, 5) if span / (m * 10**e) <= most)
    lowest, highest = math.floor(low / step + _NEARLY), math.ceil(high / step - _NEARLY)
    return round(step * lowest, 6), round(step * highest, 6), step


def names(of: Sequence[Panel], style: ChartStyle) -> list[Option]:
    """What stands in the left gutter: each panel's name and unit."""
    found: list[Option] = []
    for index, panel in enumerate(of):
        top = panel.top - (20 if style.narrow else 0 if panel.is_lane else 6)
        found.append(text(style.words(panel.key), index, style, top, bold=True))
        if panel.unit and not style.narrow:
            found.append(text(panel.unit, index, style, top + 18))
    return found


def text(
    told: str, panel: int, style: ChartStyle, top: int, *, bold: bool = False, right: bool = False, ink: str = ""
) -> Option:
    """A text beside a panel; `info` tells chart.js with which panel it moves."""
    p = style.palette
    weight = "600 " if bold else ""
    look = {"text": told, "fill": ink or (p.text if bold else p.muted), "font": f"{weight}12px {FONT}"}
    side: Option = {"right": 0} if right else {"left": 0}
    info = {"panel": panel, "gutter": right}
    return {"type": "text", "top": top, "silent": True, "info": info, "style": look} | side
