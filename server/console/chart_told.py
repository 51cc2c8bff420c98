"""What chart.js is told beside the option: what the tooltip says, how old the newest values are, what an export says."""

from collections.abc import Sequence

from server.console import chart_gaps, figures
from server.console.chart_layout import Panel
from server.console.chart_style import ChartStyle, Option, shifted
from server.minutes import MINUTE_MS
from server.views.curves import Curve, Live
from wire import quantities
from wire.clock import beijing
from wire.limits import BATCH_ROWS
from wire.quantities import Quantity

STALE_PERIODS = 2 * BATCH_ROWS
"""A value older than two periods of what brings it, a batch, is greyed and says since when (console.md §1)."""


def told(curve: Curve, style: ChartStyle, here: Sequence[Panel], height: int) -> Option:
    """Everything that chart.js needs; times are as on the axis, except those of the newest values.

    Args:
        curve: what is drawn.
        style: words and colours.
        here: the panels.
        height: of the chart in px, where nothing makes it larger.
    """
    p, words = style.palette, style.words
    return {
        "seal": curve.seal_id,
        "from_ms": curve.from_ms,
        "to_ms": curve.to_ms,
        "shift_ms": shifted(curve.from_ms) - curve.from_ms,
        "height": height,
        "right": style.right,
        "panels": [{"top": panel.top, "height": panel.height, "lane": panel.is_lane} for panel in here],
        "series": _series(curve, style),
        "gaps": [_timed(gap.from_ms, gap.to_ms, chart_gaps.text(gap, curve, style)) for gap in curve.gaps],
        "spans": [_timed(s.from_ms, s.to_ms, words.why(s.reason)) for s in chart_gaps.seen(curve.spans, curve)],
        "sources": [
            _timed(s.first_ms, s.last_ms + (curve.period_ms or 0), words("source", agent=s.agent_id, seq=s.seq))
            for s in curve.sources
        ],
        "source_of_minutes": words("source_of_minutes"),
        "live": [
            {"id": f"live-age-{index}", "at_ms": live.t_ms, "fresh_ms": STALE_PERIODS * live.period_ms}
            for index, live in live_panels(curve, style)
        ],
        "stale": p.muted,
        "title": title(curve, style),
        "origin": origin(curve, style),
        "ground": p.surface,
        "ink": p.text,
        "muted": p.muted,
        "font": style.font,
    }


def live_panels(curve: Curve, style: ChartStyle) -> list[tuple[int, Live]]:
    """The newest values with the index of their panel; none on a phone, where only the figures above have room."""
    order = {Quantity.ACTIVE_POWER_W.value: 0} | {line.quantity: 2 + index for index, line in enumerate(curve.lines)}
    return [(order[live.quantity], live) for live in curve.live if live.quantity in order and not style.narrow]


def value_of(live: Live) -> str:
    """A newest value with its unit."""
    return figures.measured(live.value, quantities.unit(Quantity(live.quantity)))


def title(curve: Curve, style: ChartStyle) -> str:
    """What an exported picture is of."""
    first, last = (beijing(at_ms) for at_ms in curve.seen)
    span = f"{first:%Y-%m-%d %H:%M:%S} – {last:%Y-%m-%d %H:%M:%S}"
    return style.words("chart_title", seal=curve.seal_id, span=span)


def origin(curve: Curve, style: ChartStyle) -> str:
    """Where its numbers come from."""
    words = style.words
    if curve.agent_id is None:
        return words("beijing_zone")
    mine = [source.seq for source in curve.sources if source.agent_id == curve.agent_id]
    if mine:
        how = words("of_envelopes", first=min(mine), last=max(mine))
    elif curve.samples is None:
        how = words("of_minutes", minutes=(curve.bucket_ms or MINUTE_MS) // MINUTE_MS)
    else:
        how = words("of_nothing")
    return words("chart_origin", agent=curve.agent_id, meter=curve.meter, how=how, zone=words("beijing_zone"))


def _series(curve: Curve, style: ChartStyle) -> list[Option]:
    """Name, unit and width of the buckets of each line."""
    power: Option = {"names": ["violation", "power"], "label": style.words("power"), "unit": "kW"}
    return [
        power | {"bucket_ms": curve.bucket_ms},
        *(
            {
                "names": [line.quantity], "label": style.words(line.quantity),
                "unit": quantities.unit(Quantity(line.quantity)), "bucket_ms": line.bucket_ms,
            }
            for line in curve.lines
        ),
    ]  # fmt: skip


def _timed(from_ms: int, to_ms: int, text: str) -> list[int | str]:
    return [shifted(from_ms), shifted(to_ms), text]
