"""Pictures of the pages at each size, in both languages and themes, for a person to look at.

`python -m tests.browser.screenshots FOLDER` writes them; the counties on them are invented. FOLDER gets, for each of board,
violation and seal, twelve files named PAGE-LANGUAGE[-WIDTH][-dark].png (the laptop's in daylight has the short name), and
sign-in-zh.png.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser
from sqlmodel import select

from server.console.words import HOMES, Language
from server.tables import Violation
from tests.browser.served import Site, Visit, launched
from tests.browser.stories import CHANGED, tell_a_wall
from tests.browser.year import OLD, lengthen

LAPTOP, PHONE = 1366, 390
SIZES = ((1920, 1080), (LAPTOP, 768), (PHONE, 844))
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SEAL = f"FZ-MH-2026-{CHANGED['闽侯县'][0]:04d}"


def take(folder: Path) -> Iterator[Path]:
    """Write every picture; says each as soon as it is written."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="coldseal-pictures-") as data:
        site = Site(Path(data))
        tell_a_wall(site)
        lengthen(site.server.store, SEAL)
        site.start()
        try:
            with launched() as browser:
                yield from _pages(browser, site, folder)
                yield _door(browser, site, folder)
        finally:
            site.stop()


def _pages(browser: Browser, site: Site, folder: Path) -> Iterator[Path]:
    with site.server.store.transaction() as session:
        violation = session.exec(select(Violation.id).where(Violation.seal_id == SEAL, Violation.id != OLD)).one()
    paths = {"board": "/", "violation": f"/violations/{violation}", "seal": f"/seals/{SEAL}"}
    for size in SIZES:
        for theme in THEMES:
            for language, home in HOMES.items():
                visit = Visit(browser, size=size, scheme=theme)
                visit.enter(site, secret=site.token("李某"))
                for page, path in paths.items():
                    visit.page.goto(site.url + (home.rstrip("/") + path).rstrip("/"))
                    yield _picture(visit, folder / _name(page, language, size[0], theme), page)
                visit.close()


def _name(page: str, language: Language, width: int, theme: str) -> str:
    said = [page, language, *([] if width == LAPTOP else [str(width)]), *([] if theme == "light" else [theme])]
    return f"{'-'.join(said)}.png"


def _picture(visit: Visit, path: Path, page: str) -> Path:
    size = visit.page.viewport_size
    assert size is not None
    is_phone = size["width"] == PHONE
    visit.page.wait_for_selector("header .brand")
    if not (is_phone and page == "board"):
        visit.chart()
    if is_phone or page != "board":  # a longer window, not full_page: Chromium would draw the chart at another width
        height = visit.page.evaluate("document.documentElement.scrollHeight")
        visit.page.set_viewport_size({"width": size["width"], "height": max(size["height"], int(height))})
    visit.page.wait_for_timeout(900)  # ECharts loads its hatching after it drew
    visit.page.screenshot(path=path)
    visit.page.set_viewport_size(size)
    return path


def _door(browser: Browser, site: Site, folder: Path) -> Path:
    visit = Visit(browser, size=(LAPTOP, 768))
    visit.page.goto(site.url + "/sign-in")
    visit.page.wait_for_selector("form")
    path = folder / "sign-in-zh.png"
    visit.page.screenshot(path=path)
    visit.close()
    return path


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("use: python -m tests.browser.screenshots FOLDER")
    for written in take(Path(sys.argv[1])):
        sys.stdout.write(f"{written}\n")
