"""How a chart is drawn: words, colours, patterns, and times as its axis wants them."""

from typing import Any

from server.console.hatch import tile
from server.console.palette import FONT, Palette
from server.console.words import Words
from server.detect.finding import Coverage
from server.views.today import CoveragePart
from wire.clock import beijing

Option = dict[str, Any]

LABEL_SHARE = 0.12
"""An area narrower than this share of the plot carries no text; its pattern remains."""


class ChartStyle:
    """How a chart is drawn: words, colours, and whether the screen is a phone's."""

    def __init__(self, words: Words, palette: Palette, *, narrow: bool) -> None:
        self.words, self.palette, self.narrow = words, palette, narrow
        self.font = FONT
        self.left = 44 if narrow else (84 if words.language == "zh" else 112)
        self.right = 14 if narrow else 120

    def hatch(self, part: CoveragePart | None, pitch: int, stroke: float) -> Option:
        """The pattern of time without a value: grey where the register closed it, else amber."""
        p = self.palette
        closed = part is not None and part.state is Coverage.OFF
        ink, ground = (p.off_fill, p.surface) if closed else (p.amber_hatch, p.amber_tint)
        image = tile(pitch, stroke, ink, ground, scale=2)
        return {"image": image, "repeat": "repeat", "scaleX": 0.5, "scaleY": 0.5}


def shifted(at_ms: int) -> int:
    """Beijing wall time as if it were UTC."""
    offset = beijing(at_ms).utcoffset()
    assert offset is not None  # noqa: S101 - beijing() is aware
    return at_ms + round(offset.total_seconds() * 1000)
