"""The marks of the states, drawn by ourselves on a grid of 14 px: nothing is told by colour alone (console.md §1)."""

import math
from collections.abc import Collection

from markupsafe import Markup

from server.views.seals import SealRow
from server.views.state import SealState
from server.views.violations import ViolationRow

HATCH_PITCH, HATCH_STROKE = 4.5, 1.3

_LOW, _HIGH, _MIDDLE, _RADIUS = 1, 13, 7, 4.5
_SQUARE = f'x="{_LOW}" y="{_LOW}" width="{_HIGH - _LOW}" height="{_HIGH - _LOW}" rx="1"'
_CIRCLE = f'cx="{_MIDDLE}" cy="{_MIDDLE}" r="{_RADIUS}"'


def _hatched_square() -> str:
    """Lines x + y = c inside the square; drawn to its edge, so that no clip path with an id is needed."""
    sums = [_MIDDLE * 2 + k * HATCH_PITCH for k in range(-2, 3)]
    return "".join(
        f"M{max(_LOW, c - _HIGH)} {min(_HIGH, c - _LOW)}L{min(_HIGH, c - _LOW)} {max(_LOW, c - _HIGH)}" for c in sums
    )


def _hatched_circle() -> str:
    """Lines x + y = c inside the circle."""
    path = ""
    for c in (_MIDDLE * 2 + k * HATCH_PITCH for k in (-1, 0, 1)):
        half = math.sqrt(_RADIUS**2 - (c / 2 - _MIDDLE) ** 2 * 2) / math.sqrt(2)
        path += f"M{c / 2 - half:.2f} {c / 2 + half:.2f}L{c / 2 + half:.2f} {c / 2 - half:.2f}"
    return path


def _lines(path: str) -> str:
    return f'<path d="{path}" stroke="currentColor" stroke-width="{HATCH_STROKE}"/>'


_SHAPES = {
    SealState.RESTARTED: f'<rect {_SQUARE} fill="currentColor"/>',
    SealState.ENDED_UNSEEN: f'<rect {_SQUARE} fill="none" stroke="currentColor" stroke-width="1.6"/>',
    SealState.UNPROVED: (
        _lines(_hatched_square()) + f'<rect {_SQUARE} fill="none" stroke="currentColor" stroke-width="1.4"/>'
    ),
    SealState.OFF: f'<circle {_CIRCLE} fill="currentColor"/>',
    SealState.OFF_BY_REGISTER: (
        _lines(_hatched_circle()) + f'<circle {_CIRCLE} fill="none" stroke="currentColor" stroke-width="1.4"/>'
    ),
}

COLOURS = {
    SealState.RESTARTED: "red",
    SealState.ENDED_UNSEEN: "red",
    SealState.UNPROVED: "amber",
    SealState.OFF: "off",
    SealState.OFF_BY_REGISTER: "off",
}


def mark(state: SealState, *, blinks: bool = False) -> Markup:
    """A state's mark; it says nothing to a screen reader, the word beside it does."""
    more = " blinks" if blinks else ""
    return Markup(  # noqa: S704 - shapes of this file and names of an enum
        f'<svg class="mark {COLOURS[state]}{more}" data-mark="{state.value}" viewBox="0 0 14 14" '
        f'width="14" height="14" aria-hidden="true">{_SHAPES[state]}</svg>'
    )


def of_violation(row: ViolationRow) -> SealState:
    """The mark of a violation: solid while a red one goes on, an outline when it ended, hatched for unproved time."""
    if row.severity != "red":
        return SealState.UNPROVED
    return SealState.RESTARTED if row.ended_ms is None else SealState.ENDED_UNSEEN


def of_severities(severities: Collection[str]) -> Markup:
    """The mark of a seal's worst violation that is not closed; nothing is drawn of a seal without any."""
    worst = _WORST.get(severity_word(severities))
    return Markup("<span></span>") if worst is None else mark(worst)


def severity_word(severities: Collection[str]) -> str:
    """The key of the words for a seal's worst violation that is not closed."""
    return "found_red" if "red" in severities else "found_amber" if severities else "found_calm"


def severity_colour(severities: Collection[str]) -> str:
    """The class that goes with it."""
    worst = _WORST.get(severity_word(severities))
    return "muted" if worst is None else COLOURS[worst]


_WORST = {"found_red": SealState.RESTARTED, "found_amber": SealState.UNPROVED}


def of_seal(row: SealRow) -> Markup:
    """A seal's mark; it blinks where a red violation goes on that nobody acknowledged."""
    unseen = any(v.severity == "red" and v.state == "open" and v.ended_ms is None for v in row.violations)
    return mark(row.state, blinks=unseen and row.state is SealState.RESTARTED)
