"""Every word of the console, Chinese first: one file a page, merged here; a test checks that each has both."""

from typing import Literal

from server.console import (
    words_board,
    words_chart,
    words_door,
    words_frame,
    words_seal,
    words_states,
    words_violation,
)

Language = Literal["zh", "en"]

HOMES: dict[Language, str] = {"zh": "/", "en": "/en"}
"""One address a language: a page's language is known before it is built."""

_PARTS = (words_frame, words_states, words_board, words_violation, words_seal, words_chart, words_door)

PAIRS: dict[str, tuple[str, str]] = {key: pair for part in _PARTS for key, pair in part.PAIRS.items()}


class Words:
    """The words of one language.

    Args:
        language: zh or en.
    """

    def __init__(self, language: Language) -> None:
        self.language: Language = language
        self._index = 0 if language == "zh" else 1

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key, with its places filled."""
        text = PAIRS[key][self._index]
        return text.format(**values) if values else text

    def starting(self, prefix: str) -> dict[str, str]:
        """The texts whose keys start so, without the prefix: for scripts, which know no language."""
        return {key.removeprefix(prefix): pair[self._index] for key, pair in PAIRS.items() if key.startswith(prefix)}

    def why(self, reason: str) -> str:
        """Why time is unproved or proved: coverage's reason, or a finding's code."""
        for key in (f"why.{reason}", f"code.{reason}"):
            if key in PAIRS:
                return self(key)
        return reason
