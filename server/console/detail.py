"""The right half of the page: elements that stay and whose contents change."""

import json
from collections.abc import Awaitable, Callable
from functools import partial

from nicegui import ui

from server.console.chart_time import EVENT, RANGES
from server.console.html import render
from server.console.lists import Pick, picks
from server.console.panel import Panel
from server.console.words import Words

REASON_CHARS_MAX = 500

Act = Callable[[], Awaitable[None]]


class Detail:
    """What is selected.

    Args:
        words: the language.
        on_pick: told the key of a link inside.
        acknowledge, close, back: what the buttons do.
        redraw: called when another time was chosen.
    """

    def __init__(self, words: Words, on_pick: Pick, *, acknowledge: Act, close: Act, back: Act, redraw: Act) -> None:
        self._words, self._redraw = words, redraw
        self.range = EVENT
        self._chart_url = ""
        with ui.element("main") as main:
            picks(main, on_pick)
            with ui.element("article") as self._article:
                self._build_head(acknowledge, close, back)
                self._build_body()
            self._empty = ui.html(render("empty", words), sanitize=False).classes("empty")

    @property
    def reason(self) -> str:
        """What was typed as a reason."""
        return str(self._reason.value or "").strip()

    def show(self, panel: Panel, state: str | None) -> None:
        """Show a panel; state is the violation's, None where a seal is shown."""
        self._article.set_visibility(True)
        self._empty.set_visibility(False)
        self._head.set_content(panel.head)
        self._sentence.set_content(panel.sentence)
        self._figures.set_content(panel.figures)
        self._below.set_content(panel.below)
        self._actions.set_visibility(state in ("open", "acknowledged"))
        self._acknowledge.set_visibility(state == "open")

    def show_empty(self) -> None:
        """Nothing is registered yet: say what to do."""
        self._article.set_visibility(False)
        self._empty.set_visibility(True)

    def say(self, problem: str) -> None:
        """Show what went wrong, or nothing."""
        self._problem.set_content(render("plain", self._words, text=problem) if problem else "")

    def forget(self) -> None:
        """Another thing is selected: its reason is not this one's."""
        self._reason.set_value("")
        self.say("")

    def focus_reason(self) -> None:
        """Put the cursor where the reason is written."""
        self._reason.run_method("focus")

    def draw(self, url: str) -> None:
        """Have the browser fetch and draw a curve, unless it shows that one already."""
        if url != self._chart_url:
            self._chart_url = url
            ui.run_javascript(f"coldseal.draw({self._chart.id}, {json.dumps(url)})")

    def _build_head(self, acknowledge: Act, close: Act, back: Act) -> None:
        words = self._words
        with ui.element("div").classes("head"):
            _button(words("back"), "back", back)
            self._head = ui.html("", sanitize=False).classes("facts")
            with ui.element("div").classes("actions") as self._actions:
                self._reason = ui.input(placeholder=words("reason")).props("dense borderless").classes("reason")
                self._reason.props["aria-label"], self._reason.props["maxlength"] = words("reason"), REASON_CHARS_MAX
                self._acknowledge = _button(words("acknowledge"), "primary acknowledge", acknowledge, key="A")
                _button(words("close"), "close", close)

    def _build_body(self) -> None:
        words = self._words
        self._problem = ui.html("", sanitize=False).classes("problem").props("role=alert")
        self._sentence = ui.html("", sanitize=False, tag="h1")
        self._figures = ui.html("", sanitize=False).classes("figures")
        with ui.element("div").classes("ranges"):
            self._buttons = {n: _button(words(f"range.{n}"), "range", partial(self._choose, n)) for n in RANGES}
            ui.html(render("plain", words, text=words("raw_or_envelope")), sanitize=False, tag="span")
        self._press()
        self._chart = ui.echart({}).classes("chart")
        self._chart.props["role"], self._chart.props["aria-label"] = "img", f"{words('power')} kW"
        ui.element("div").classes("problem").props(f'role=alert data-chart-problem="{self._chart.id}"')
        self._below = ui.html("", sanitize=False).classes("below")

    async def _choose(self, name: str) -> None:
        self.range = name
        self._press()
        await self._redraw()

    def _press(self) -> None:
        for name, button in self._buttons.items():
            button.props(f'aria-pressed="{"true" if name == self.range else "false"}"')


def _button(text: str, classes: str, act: Act, key: str = "") -> ui.element:
    with ui.element("button").classes(f"button {classes}").on("click", act, args=[]) as button:
        ui.label(text)
        if key:
            with ui.element("kbd"):
                ui.label(key)
    return button
