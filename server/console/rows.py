"""The rows of the lists as HTML: mark, name, word, numbers. Nothing is told by colour alone."""

from urllib.parse import urlencode

import msgspec

from server.console.html import render
from server.console.panel import state_words
from server.console.words import Words
from server.views import SealRow, ViolationRow


class Row(msgspec.Struct, frozen=True):
    """One row.

    Attributes:
        key: what picking it says, "v:ID" or "s:ID".
        href: where it leads without a script.
        html: what it shows.
        classes: how it looks.
    """

    key: str
    href: str
    html: str
    classes: str


def violation_row(row: ViolationRow, words: Words, home: str, now_ms: int) -> Row:
    """A violation with its sentence; a bar at its left edge while nobody acknowledged it."""
    reason = row.reason_zh if words.language == "zh" else row.reason_en
    return Row(
        key=f"v:{row.id}",
        href=f"{home}?{urlencode({'v': row.id})}",
        html=render("violation_row", words, row=row, reason=reason, now_ms=now_ms),
        classes=f"violation is-{row.severity} is-{row.state}",
    )


def seal_row(row: SealRow, words: Words, home: str) -> Row:
    """A seal with its state, what is proved of today, and its last value."""
    return Row(
        key=f"s:{row.id}",
        href=f"{home}?{urlencode({'s': row.id})}",
        html=render("seal_row", words, row=row, state=state_words(row, words)),
        classes=f"seal is-{row.state.value}",
    )
