"""A chart on a page: its data come by the interface, not inside of the page."""

from nicegui import ui

from server.console.html import in_script


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
            self.tell("coldseal.show", url)

    def tell(self, function: str, told: object) -> None:
        """Have the browser call a function of our scripts; more than one call with the same must be as good as one.

        What is told while the page is being made stands in its first HTML as well: the browser then fetches the chart
        while it still loads what will draw it, and need not wait for the page's line.

        Args:
            function: its name; it takes the number of the chart's element, and
            told: what JSON can say.
        """
        call = f"{function}({self.element.id}, {in_script(told)})"
        if not self.element.client.has_socket_connection:
            ui.add_head_html(f"<script>{call}</script>")
        ui.run_javascript(call)
