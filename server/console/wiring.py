"""The wiring of a seal as one line of symbols, drawn from where the break is registered; nothing else is assumed.

The order of the symbols is the point: a meter above the break stays alive and says 0 itself, one below it goes dead.
"""

from markupsafe import Markup

from server.console.words import Words
from server.views.dossier import Dossier
from server.views.instruments import MeterHere

WIDTH, HEIGHT = 400, 118

_LINE_Y, _TEXT_Y, _NOTE_Y = 48, 92, 109
_SUPPLY_X, _FIRST_X, _SECOND_X, _FURNACE_X = 12, 116, 232, 322
_DEAD = "dead"
"""Class of what carries no voltage while the break is open."""


def drawing(dossier: Dossier, words: Words) -> Markup:
    """The line from supply to furnace as SVG; a screen reader is read the same in words."""
    meter = dossier.furnace_meter
    upstream = dossier.break_position == "upstream"
    break_x, meter_x = (_FIRST_X, _SECOND_X) if upstream else (_SECOND_X, _FIRST_X)
    parts = [
        _line(_SUPPLY_X + 4, break_x - 20, ""),
        _line(break_x + 22, _FURNACE_X, _DEAD),
        _supply(words),
        _break(break_x, dossier, words),
        "" if meter is None else _meter(meter_x, meter, words, dead=upstream),
        _furnace(dossier),
    ]
    label = f"{words('wiring')}：{meaning(dossier, words)}" if words.language == "zh" else meaning(dossier, words)
    return Markup('<svg class="wiring" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, label, Markup("").join(parts)
    )


def meaning(dossier: Dossier, words: Words) -> str:
    """What the place of the break means for what can be proved (design.md §3)."""
    meter = dossier.furnace_meter
    if dossier.break_position != "upstream":
        return words("wiring.downstream")
    return words("wiring.upstream_aux" if meter is not None and meter.aux_powered else "wiring.upstream_dead")


def _line(from_x: int, to_x: int, classes: str) -> Markup:
    return Markup('<path class="wire {}" d="M{} {}H{}"/>').format(classes, from_x, _LINE_Y, to_x)


def _supply(words: Words) -> Markup:
    return Markup('<circle class="node" cx="{}" cy="{}" r="4"/>{}').format(
        _SUPPLY_X, _LINE_Y, _text(_SUPPLY_X - 6, words("wiring.supply"), "start")
    )


def _break(x: int, dossier: Dossier, words: Words) -> Markup:
    """An open switch; the numbers of the paper seals under it."""
    seals = dossier.paper_seals
    more = words("wiring.seals", first=seals[0], n=len(seals)) if len(seals) > 1 else "".join(seals)
    return Markup(
        '<circle class="dot" cx="{}" cy="{}" r="3.5"/><path class="wire" d="M{} {}L{} {}"/>'
        '<circle class="node" cx="{}" cy="{}" r="3.5"/>{}{}'
    ).format(
        x - 20, _LINE_Y, x - 20, _LINE_Y, x + 12, _LINE_Y - 20, x + 20, _LINE_Y,
        _text(x, words("wiring.break"), bold=True), _text(x, more, note=True),
    )  # fmt: skip


def _meter(x: int, meter: MeterHere, words: Words, *, dead: bool) -> Markup:
    """The current transformers on the line and the meter above them."""
    state = f" {_DEAD}" if dead and not meter.aux_powered else ""
    return Markup(
        '<g class="instrument{}"><circle class="node" cx="{}" cy="{}" r="8"/><path class="wire" d="M{} {}V24H{}"/>'
        '<rect class="node" x="{}" y="12" width="52" height="24" rx="2"/>'
        '<text class="inside" x="{}" y="28" text-anchor="middle">{}</text></g>{}{}'
    ).format(
        state, x, _LINE_Y, x, _LINE_Y - 8, x + 14, x + 14, x + 40, words("wiring.meter"),
        _text(x, words("wiring.transformers")), _text(x, words("wiring.ratio", ratio=f"{meter.ct_ratio:g}"), note=True),
    )  # fmt: skip


def _furnace(dossier: Dossier) -> Markup:
    x, middle = _FURNACE_X, _FURNACE_X + 32
    return Markup(
        '<rect class="node {}" x="{}" y="{}" width="64" height="32" rx="2"/>'
        '<path class="wire {}" d="M{} {}v32M{} {}v32"/>{}{}'
    ).format(
        _DEAD, x, _LINE_Y - 16, _DEAD, x + 12, _LINE_Y - 16, x + 52, _LINE_Y - 16,
        _text(middle, dossier.row.furnace), _text(middle, f"{dossier.row.rated_kw:g}\u2009kW", note=True),
    )  # fmt: skip


def _text(x: int, text: str, anchor: str = "middle", *, bold: bool = False, note: bool = False) -> Markup:
    classes = "note" if note else "bold" if bold else "plain"
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        classes, x, _NOTE_Y if note else _TEXT_Y, anchor, text
    )
