"""The measure that the console's bench compares with: an empty page of the same toolkit with one chart.

`python -m coldseal.blank_page PORT` serves it on loopback until it is ended.
"""

import sys

from nicegui import ui


@ui.page("/")
def page() -> None:
    """One line of 60 points."""
    ui.echart(
        {
            "animation": False,
            "xAxis": {"type": "value"},
            "yAxis": {},
            "series": [{"type": "line", "data": [[i, i * i % 17] for i in range(60)]}],
        }
    ).classes("chart").style("height: 322px; width: 100%")


def main() -> None:
    """Serve it."""
    ui.run(host="127.0.0.1", port=int(sys.argv[1]), reload=False, show=False, tailwind=False, title="blank")


if __name__ == "__main__":
    main()
