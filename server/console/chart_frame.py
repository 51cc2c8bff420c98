"""A curve on a page: its tools (time shown, zoom, exports), the chart, and the line that says why it stayed empty."""

from nicegui import ui

from server.console.chart import Place
from server.console.chart_time import event_time, newest_ms
from server.console.drawing import Drawing
from server.console.html import render
from server.console.words import Words
from server.views import SealRow
from server.views.violations import ViolationRow


class ChartFrame:
    """The elements; chart.js fetches what they show and answers the tools.

    Args:
        words: the language.
        place: where it stands, which says how high its panels are.
    """

    def __init__(self, words: Words, place: Place) -> None:
        self._words, self._place = words, place
        self._asked: dict[str, object] = {}
        self._tools = ui.html("", sanitize=False).classes("chart-tools")
        self._drawing = Drawing(words("chart_of"))
        self._tools.set_content(render("chart_tools", words, id=self._drawing.element.id))

    def show(self, seal: SealRow, violation: ViolationRow | None, now_ms: int) -> None:
        """Show the curve of a seal, around a violation where one is given; the browser fetches only what is new."""
        from_ms, to_ms = event_time(violation, seal, now_ms)
        asked: dict[str, object] = {
            "seal": seal.id,
            "lang": self._words.language,
            "place": self._place,
            "v": None if violation is None else violation.id,
            "event": [from_ms, to_ms],
            "newest_ms": newest_ms(seal, now_ms),
            "sealed_ms": seal.from_ms,
        }
        if asked != self._asked:
            self._asked = asked
            self._drawing.tell("coldseal.chart.show", asked)
