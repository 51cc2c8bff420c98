"""A chart on a page: its data come by the interface, not inside of the page."""

import json

from nicegui import ui


class Drawing:
    """An empty chart with the place where it is said why it stayed empty.

    Args:
        label: what it shows, for screen readers.
    """

    def __init__(self, label: str) -> None:
        self._url = ""
        self.element = ui.echart({}).classes("chart")
        self.element.props["role"], self.element.props["aria-label"] = "img", label
        ui.element("div").classes("problem").props(f'role=alert data-chart-problem="{self.element.id}"')

    def draw(self, url: str) -> None:
        """Have the browser fetch and draw a chart, unless it shows that one already.

        Args:
            url: of its option; console.js adds theme and width.
        """
        if url != self._url:
            self._url = url
            ui.run_javascript(f"coldseal.draw({self.element.id}, {json.dumps(url)})")
