"""The rows of the board as HTML: mark, name, word, number. Nothing is told by colour alone."""

import msgspec

from server.console import figures
from server.console.board_data import Drawn
from server.console.html import render
from server.console.words import Words
from server.county_names import county_name
from server.detect.finding import Code
from server.views import ViolationRow

MINUTE_MS = 60_000


class Row(msgspec.Struct, frozen=True):
    """One row.

    Attributes:
        key: what picking it says: the violation's id.
        href: where it leads without a script, and on a phone.
        html: what it shows.
        classes: how it looks.
    """

    key: str
    href: str
    html: str
    classes: str


def violation_row(row: ViolationRow, drawn: Drawn | None, words: Words, href: str, now_ms: int) -> Row:
    """A violation; a bar at its left edge while it waits for a person.

    Args:
        row: the violation.
        drawn: its number; None where its finding has none.
        words: the language.
        href: of its page.
        now_ms: server time.
    """
    said = words(f"code.{row.code}") if row.severity == "red" else words("unproved_why", why=words.why(row.code))
    ended_ms = row.ended_ms if row.severity == "red" else None
    return Row(
        key=row.id,
        href=href,
        html=render(
            "violation_row",
            words,
            row=row,
            county=county_name(row.county_code, words.language),
            said=said if ended_ms is None else words("stopped", what=said),
            number=number(row, drawn, words, now_ms),
            lasting=figures.briefly(now_ms - row.first_ms),
            step=where(row, words),
            minute=(row.last_ms if row.ended_ms is None else row.ended_ms) // MINUTE_MS,
            unseen=row.unseen_since_ms is not None,
        ),
        classes=f"violation is-{row.severity} is-{'unseen' if row.unseen_since_ms is not None else 'seen'}",
    )


def number(row: ViolationRow, drawn: Drawn | None, words: Words, now_ms: int) -> str:
    """The number that says most: how long ago it stopped, the energy of a gap, or the largest draw or voltage."""
    if row.severity == "red" and row.ended_ms is not None:
        return words("ago", span=figures.briefly(now_ms - row.ended_ms))
    if drawn is None or row.code in (Code.SEAL_OPENED.value, Code.SILENT.value):
        return ""
    if row.code == Code.ENERGY_IN_GAP.value:
        return f"+{figures.measured(drawn.statistic, drawn.unit)}"
    return figures.measured(drawn.peak, "W" if drawn.unit == "σ" else drawn.unit)


def where(row: ViolationRow, words: Words) -> str:
    """Where it stands: with whom, or that nobody looked."""
    if row.unseen_since_ms is not None:
        return words("row.unseen" if row.ended_ms is None else "row.ended")
    state = words(f"row.{row.state}")
    if row.state == "dispatched" and row.assignee_shown is not None:
        return words("with", who=row.assignee_shown, state=state)
    return state if row.last_step is None else words("with", who=row.last_step.author_shown, state=state)
