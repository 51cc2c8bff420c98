"""Whether everybody can use a page: axe's findings, the size of what is touched, the width of a phone."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
TARGET_PX = 44

_SMALL = """(least) => [...document.querySelectorAll("a[href], button, input, select, textarea")]
  .filter((element) => element.checkVisibility() && !element.closest("[hidden]"))
  .map((element) => [element, element.getBoundingClientRect()])
  .filter(([element, box]) => box.width > 0 && (box.height < least - 0.5 || (box.width < 24)))
  .map(([element, box]) => `${element.outerHTML.slice(0, 90)} ${Math.round(box.width)}x${Math.round(box.height)}`)"""


def grave(page: Page) -> list[str]:
    """What axe calls serious or critical, with the elements that it means."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['target']} {node.get('failureSummary', '')}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


def small_targets(page: Page) -> list[str]:
    """What a finger would miss: links, buttons and inputs lower than 44 px."""
    found: list[str] = page.evaluate(_SMALL, TARGET_PX)
    return found


def overflow_px(page: Page) -> int:
    """How much wider than its window a page is; 0 where it can only be scrolled up and down."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return max(0, wide)
