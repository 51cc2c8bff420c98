"""A dialog: the browser's own, which keeps the focus inside and closes by Esc."""

import json

from nicegui import ui


class Sheet:
    """One dialog; it stays closed until it is opened.

    Args:
        name: its class.
        label: what it is, for screen readers.
    """

    def __init__(self, name: str, label: str) -> None:
        with ui.element("dialog").classes(f"sheet {name}") as self.element:
            self._inside = ui.html("", sanitize=False)
        self.element.props["aria-label"] = label
        self.element.props["data-sheet"] = name

    def set_content(self, html: str) -> None:
        """Put HTML inside."""
        self._inside.set_content(html)

    def open(self, html: str, label: str) -> None:
        """Put HTML inside and open it; what was typed before under the same draft's name comes back."""
        self._inside.set_content(html)
        self.element.props["aria-label"] = label
        ui.run_javascript(f"coldseal.open({self.element.id})")

    def close(self, draft: str = "") -> None:
        """Close it, and forget a draft that is no longer one."""
        ui.run_javascript(f"coldseal.close({self.element.id}, {json.dumps(draft)})")
