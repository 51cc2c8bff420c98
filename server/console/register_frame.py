"""The energy register on a page."""

from urllib.parse import urlencode

from server.console.drawing import Drawing
from server.console.words import Words

_STEPS = 1_000
"""A register is drawn anew when so many parts of its time have passed: less than a pixel."""


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
        step_ms = max(10_000, (to_ms - from_ms) // _STEPS // 10_000 * 10_000)
        end_ms = max(to_ms - to_ms % step_ms, from_ms + step_ms)
        asked = {"seal": seal_id, "from": from_ms, "to": end_ms, "lang": self._words.language}
        self._drawing.draw(f"/console/register?{urlencode(asked)}")
