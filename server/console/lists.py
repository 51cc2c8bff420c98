"""Lists on the page: one element a row, kept by its key, so that news changes only the rows that it concerns."""

from collections.abc import Awaitable, Callable, Sequence

from nicegui import ui
from nicegui.events import GenericEventArguments

from server.console.rows import Row

PICKED = """(event) => {
  const row = event.target.closest('[data-pick]');
  if (!row || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  emit(row.dataset.pick);
}"""
"""A row is a real link; a plain click stays on the page and says which row."""

Pick = Callable[[str], Awaitable[None]]


def picks(element: ui.element, on_pick: Pick) -> None:
    """Let the links inside an element pick what they name."""

    def picked(event: GenericEventArguments) -> Awaitable[None]:
        return on_pick(str(event.args))

    element.on("click", picked, js_handler=PICKED)


class RowList:
    """A titled list of links; hidden while it is empty.

    Args:
        on_pick: told the key of the row that was clicked.
    """

    def __init__(self, on_pick: Pick) -> None:
        with ui.element("section").classes("list") as self._section:
            self._title = ui.html("", sanitize=False, tag="h2")
            self._box = ui.element("nav")
            picks(self._box, on_pick)
        self._shown: dict[str, tuple[Row, ui.html]] = {}

    def show(self, title: str, rows: Sequence[Row], selected: str) -> None:
        """Show these rows, in this order, the selected one marked.

        Args:
            title: the heading, as HTML.
            rows: what to show.
            selected: the key of the selected row; another list's where it is not here.
        """
        self._section.set_visibility(bool(rows))
        self._title.set_content(title)
        if [row.key for row in rows] != list(self._shown):
            self._rebuild(rows)
        for row in rows:
            self._update(row, is_selected=row.key == selected)

    def _update(self, row: Row, *, is_selected: bool) -> None:
        old, element = self._shown[row.key]
        if old.html != row.html:
            element.set_content(row.html)
        element.classes(replace=f"item {row.classes}{' selected' if is_selected else ''}")
        element.props(f'aria-current="{"true" if is_selected else "false"}"')
        self._shown[row.key] = (row, element)

    def _rebuild(self, rows: Sequence[Row]) -> None:
        self._box.clear()
        self._shown = {}
        with self._box:
            for row in rows:
                element = ui.html(row.html, sanitize=False, tag="a")
                element.props["href"], element.props["data-pick"] = row.href, row.key
                self._shown[row.key] = (row, element)
