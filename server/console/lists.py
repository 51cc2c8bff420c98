"""Lists on the board: one element a row, kept by its key, so that news changes only the rows that it concerns."""

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui
from nicegui.events import GenericEventArguments

from server.console.controls import button
from server.console.rows import Row
from server.console.words import Words

AT_ONCE = 40
"""A storm of hundreds is not built at once: so many rows, and the rest when they are asked for."""

PICKED = """(event) => {
  const row = event.target.closest('[data-pick]');
  if (!row || coldseal.isPhone() || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  emit(row.dataset.pick);
}"""
"""A row is a real link to the violation's page; where there is room beside the list a plain click selects it."""

Pick = Callable[[str], Awaitable[None]]


class RowList:
    """A titled list of links; hidden while it is empty.

    Args:
        words: the language.
        name: its class.
        on_pick: told the key of the row that was clicked.
    """

    def __init__(self, words: Words, name: str, on_pick: Pick) -> None:
        self._words, self._limit, self._on_pick = words, AT_ONCE, on_pick
        with ui.element("section").classes(f"list {name}") as self._section:
            self._title = ui.html("", sanitize=False, tag="h2")
            self._box = ui.element("nav")
            self._box.on("click", self._picked, js_handler=PICKED)
            self._more = button("", self._show_more, "more")
        self._shown: dict[str, tuple[Row, ui.html]] = {}
        self._last: tuple[str, Sequence[Row], str] = ("", (), "")

    def show(self, title: str, rows: Sequence[Row], selected: str) -> None:
        """Show these rows, in this order, the selected one marked.

        Args:
            title: the heading, as HTML.
            rows: what to show.
            selected: the key of the selected row; another list's where it is not here.
        """
        self._last = (title, rows, selected)
        self._section.set_visibility(bool(rows))
        self._title.set_content(title)
        left = len(rows) - self._limit
        self._more.set_visibility(left > 0)
        self._more.set_content(self._words("more_rows", n=left) if left > 0 else "")
        self._keep(rows[: self._limit])
        for row in rows[: self._limit]:
            self._update(row, is_selected=row.key == selected)

    def reach(self, key: str) -> None:
        """Have a row that is beyond those at once."""
        keys = [row.key for row in self._last[1]]
        if key in keys[self._limit :]:
            self._limit = keys.index(key) + AT_ONCE

    async def _show_more(self) -> None:
        self._limit += AT_ONCE
        self.show(*self._last)

    async def _picked(self, event: GenericEventArguments) -> None:
        await self._on_pick(str(event.args))

    def _update(self, row: Row, *, is_selected: bool) -> None:
        old, element = self._shown[row.key]
        if old.html != row.html:
            element.set_content(row.html)
        classes = f"item {row.classes}{' selected' if is_selected else ''}"
        if element.classes != classes.split():
            element.classes(replace=classes)
            element.props(f'aria-current="{"true" if is_selected else "false"}"')
        self._shown[row.key] = (row, element)

    def _keep(self, rows: Sequence[Row]) -> None:
        """Make the rows that are new, delete those that are gone, and bring the others into their order."""
        wanted = {row.key for row in rows}
        for key in [key for key in self._shown if key not in wanted]:
            self._shown.pop(key)[1].delete()
        for index, row in enumerate(rows):
            if row.key not in self._shown:
                self._shown[row.key] = (row, self._made(row))
            element = self._shown[row.key][1]
            if self._box.default_slot.children[index] is not element:
                element.move(self._box, index)

    def _made(self, row: Row) -> ui.html:
        with self._box:
            element = ui.html(row.html, sanitize=False, tag="a").classes(f"item {row.classes}")
        element.props["href"], element.props["data-pick"] = row.href, row.key
        return element
