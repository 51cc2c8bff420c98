"""Missing time on a chart: a hatched band with its reason and how long it was, never a line."""

from bisect import bisect_right
from collections.abc import Sequence

from server.console import figures
from server.console.chart_style import ChartStyle, Option, shifted
from server.curve import Gap
from server.detect.finding import Coverage
from server.views.curves import Curve
from server.views.today import CoveragePart

PLOT_PX = 900
"""About how wide a plot is."""

_LEAST_PX = 3
"""A gap too short to see is drawn so wide."""

_LABELLED_SHARE, _LABELS_MAX = 0.04, 3
"""Only the longest gaps carry their reason as text (on a phone one), and none below this share of the plot."""


def longest(gaps: Sequence[Gap], curve: Curve, style: ChartStyle) -> list[Gap]:
    """Those of what is looked at that carry their reason as text."""
    first, last = curve.seen
    here = [gap for gap in gaps if gap.from_ms < last and gap.to_ms > first]
    return sorted(here, key=lambda gap: gap.from_ms - gap.to_ms)[: 1 if style.narrow else _LABELS_MAX]


def under_seal(gaps: Sequence[Gap], curve: Curve) -> list[Gap]:
    """Gaps cut to the time that coverage speaks of: outside of it nothing was to be proved."""
    if not curve.spans:
        return []
    first_ms, last_ms = curve.spans[0].from_ms, curve.spans[-1].to_ms
    cut = [
        gap.model_copy(update={"from_ms": max(gap.from_ms, first_ms), "to_ms": min(gap.to_ms, last_ms)})
        for gap in gaps
    ]  # fmt: skip
    return [gap for gap in cut if gap.from_ms < gap.to_ms]


def seen(spans: Sequence[CoveragePart], curve: Curve) -> list[CoveragePart]:
    """Spans as they can be seen: of many in one pixel those that are not proved off stay, each at least 3 px wide."""
    least_ms = curve.seen_ms // PLOT_PX
    found: list[CoveragePart] = []
    for span in spans:
        last = found[-1] if found else None
        tiny = span.state is Coverage.OFF and span.to_ms - span.from_ms < least_ms
        if last is not None and (tiny or (last.state, last.reason) == (span.state, span.reason)):
            found[-1] = last.model_copy(update={"to_ms": span.to_ms})
        elif last is not None and span.from_ms < last.to_ms:
            if span.to_ms > last.to_ms:
                found.append(span.model_copy(update={"from_ms": last.to_ms}))
        else:
            found.append(_widened(span, least_ms * _LEAST_PX, curve.to_ms))
    return found


def text(gap: Gap, curve: Curve, style: ChartStyle) -> str:
    """What is missing, why, for how long, and what the register says of it."""
    return words_of(gap, style, closed=is_closed(gap, curve.spans))


def words_of(gap: Gap, style: ChartStyle, *, closed: bool) -> str:
    """The same, of a gap of which it is known whether the register closed it."""
    words = style.words
    key = "state.off_by_register" if closed else "state.unproved"
    span = figures.lasted(words, gap.missing_ms)
    told = words("gap_lasting", state=words(key), why=words.why(gap.reason), span=span)
    if gap.energy_wh is None:
        return told
    energy = figures.measured(gap.energy_wh, "Wh")
    return told + words("gap_energy", energy=f"+{energy}" if gap.energy_wh > 0 else energy)


def is_closed(gap: Gap, spans: Sequence[CoveragePart]) -> bool:
    """Whether the energy register proved that nothing was drawn in it."""
    part = coverage_at(spans, (gap.from_ms + gap.to_ms) // 2)
    return part is not None and part.state is Coverage.OFF


def coverage_at(spans: Sequence[CoveragePart], at_ms: int) -> CoveragePart | None:
    """The span in which a moment lies."""
    at = bisect_right(spans, at_ms, key=lambda span: span.from_ms) - 1
    return spans[at] if at >= 0 and at_ms < spans[at].to_ms else None


def area(gap: Gap, curve: Curve, style: ChartStyle, *, told: bool, closed: bool) -> list[Option]:
    """One band, with its text where `told` and wide enough."""
    whole = curve.seen_ms
    to_ms = min(curve.to_ms, max(gap.to_ms, gap.from_ms + whole * _LEAST_PX // PLOT_PX))
    first: Option = {"xAxis": shifted(gap.from_ms), "label": {"show": False}}
    if told and to_ms - gap.from_ms > whole * _LABELLED_SHARE:
        p = style.palette
        first["name"] = words_of(gap, style, closed=closed)
        first["label"] = {
            "show": True,
            "position": _inside_top((gap.from_ms + to_ms) / 2 - curve.seen[0], whole),
            "distance": 6,
            "color": p.text if closed else p.amber,
            "fontWeight": 600,
            "fontSize": 11,
            "backgroundColor": p.surface,
            "padding": [2, 4],
        }
    return [first, {"xAxis": shifted(to_ms)}]


def _inside_top(middle_ms: float, whole_ms: int) -> str:
    """Where a gap's text starts from: near an edge of the plot it must not leave it."""
    at = middle_ms / whole_ms
    return "insideTopLeft" if at < 0.12 else "insideTopRight" if at > 0.85 else "insideTop"


def _widened(span: CoveragePart, least_ms: int, end_ms: int) -> CoveragePart:
    """A span that is not proved off, wide enough to be seen."""
    if span.state is Coverage.OFF:
        return span
    return span.model_copy(update={"to_ms": min(end_ms, max(span.to_ms, span.from_ms + least_ms))})
