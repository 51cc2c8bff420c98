"""A progress line for a terminal: narrow enough for a phone, and nothing where no person looks."""

from typing import TextIO

BAR = 12
WIDTH = 40


class ProgressLine:
    """One line that is written over."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_shown = out.isatty()
        self._length = 0

    def show(self, done: int, of: int, left_s: float | None, words: str) -> None:
        """Write the line anew.

        Args:
            done: so many.
            of: of so many.
            left_s: time left; None where it is not known.
            words: what is done now.
        """
        if self._is_shown:
            self._write(bar(done, of, left_s, words))

    def clear(self) -> None:
        """Take the line away, so that something else can be printed."""
        if self._is_shown and self._length:
            self._write("")
            self._out.write("\r")
            self._out.flush()

    def _write(self, text: str) -> None:
        self._out.write("\r" + text.ljust(self._length))
        self._out.flush()
        self._length = len(text)


def bar(done: int, of: int, left_s: float | None, words: str) -> str:
    """The line, at most WIDTH characters."""
    share = done / of if of else 1.0
    full = round(share * BAR)
    left = "" if left_s is None else f" {int(left_s) // 60}:{int(left_s) % 60:02d} left"
    return f"[{'#' * full}{'.' * (BAR - full)}] {share:4.0%}{left} {words}"[:WIDTH]
