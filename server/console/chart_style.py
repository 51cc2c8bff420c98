"""How a chart is drawn: words, colours, patterns, and times as its axis wants them."""

from typing import Any

from server.console.hatch import tile
from server.console.palette import FONT, Palette
from server.console.words import Words
from wire.clock import beijing

Option = dict[str, Any]

_BEIJING_MS = 28_800_000
_NO_SUMMER_TIME_MS = 694_195_200_000
"""From 1992 on Beijing has one offset; thousands of points need not ask for it."""

LABEL_SHARE = 0.12
"""An area narrower than this share of the plot carries no text; its pattern remains."""


class ChartStyle:
    """How a chart is drawn: words, colours, and whether the screen is a phone's."""

    def __init__(self, words: Words, palette: Palette, *, narrow: bool) -> None:
        self.words, self.palette, self.narrow = words, palette, narrow
        self.font = FONT
        self.left = 44 if narrow else (84 if words.language == "zh" else 112)
        self.right = 14 if narrow else 120

    def hatch(self, pitch: int, stroke: float, *, closed: bool) -> Option:
        """The pattern of time without a value: grey where the register closed it, else amber."""
        p = self.palette
        ink, ground = (p.off_fill, p.surface) if closed else (p.amber_hatch, p.amber_tint)
        image = tile(pitch, stroke, ink, ground, scale=2)
        return {"image": image, "repeat": "repeat", "scaleX": 0.5, "scaleY": 0.5}


def shifted(at_ms: int) -> int:
    """Beijing wall time as if it were UTC."""
    if at_ms >= _NO_SUMMER_TIME_MS:
        return at_ms + _BEIJING_MS
    offset = beijing(at_ms).utcoffset()
    assert offset is not None  # noqa: S101 - beijing() is aware
    return at_ms + round(offset.total_seconds() * 1000)
