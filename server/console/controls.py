"""Buttons: one element each, with the key that presses it."""

from collections.abc import Awaitable, Callable

from markupsafe import Markup
from nicegui import ui

Act = Callable[[], Awaitable[None]]


def button(text: str, act: Act, classes: str = "", key: str = "") -> ui.html:
    """A button.

    Args:
        text: what stands on it.
        act: what it does.
        classes: how it looks, besides `button`.
        key: the key that presses it while nothing is typed; shown on it.
    """
    word = Markup("<span>{}</span>").format(text) if text else Markup("")
    inside = Markup("{}<kbd>{}</kbd>").format(word, key) if key else word
    made = ui.html(str(inside), sanitize=False, tag="button").classes(f"button {classes}").on("click", act, args=[])
    made.props["type"] = "button"
    if key:
        made.props["data-key"], made.props["aria-keyshortcuts"] = key, key
    return made
