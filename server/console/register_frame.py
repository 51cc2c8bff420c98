"""The energy register on a page."""

from urllib.parse import urlencode

from server.console.drawing import Drawing
from server.console.words import Words

_STEP_MS = 60_000
"""A register is drawn anew each minute."""


class RegisterFrame:
    """The chart of a register, and the line that says why it stayed empty.

    Args:
        words: the language.
    """

    def __init__(self, words: Words) -> None:
        self._words = words
        self._drawing = Drawing(words("register_of"))

    def show(self, seal_id: str, from_ms: int, to_ms: int) -> None:
        """Show the register of a seal between two times."""
        end_ms = to_ms + -to_ms % _STEP_MS
        asked = {"seal": seal_id, "from": from_ms, "to": end_ms, "lang": self._words.language}
        self._drawing.draw(f"/console/register?{urlencode(asked)}")
