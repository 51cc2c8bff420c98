"""Pictures of the pages at each size, in both languages and themes, for a person to look at.

`python -m tests.browser.screenshots FOLDER` writes them; the county on them is invented.
"""

import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser

from tests.browser.served import Site, Visit, launched, tell_a_night

LAPTOP = 1366
SIZES = ((1920, 1080), (LAPTOP, 768), (390, 844))
LANGUAGES = {"zh": "/", "en": "/en"}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SEAL = "FZ-MH-2026-0061"


def take(folder: Path) -> list[Path]:
    """Write every picture; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="coldseal-pictures-") as data:
        site = Site(Path(data))
        tell_a_night(site.county)
        site.start()
        try:
            with launched() as browser:
                return [*_boards(browser, site, folder), *_others(browser, site, folder)]
        finally:
            site.stop()


def _boards(browser: Browser, site: Site, folder: Path) -> list[Path]:
    taken: list[Path] = []
    for size in SIZES:
        for language, path in LANGUAGES.items():
            for theme in THEMES:
                visit = Visit(browser, size=size, scheme=theme)
                visit.enter(site, path)
                taken.append(_picture(visit, folder / _name(language, size[0], theme), drawn=size[0] > 720))
                visit.close()
    return taken


def _name(language: str, width: int, theme: str) -> str:
    """board-zh.png is the laptop's in daylight; what differs from that is said."""
    said = [language, *([] if width == LAPTOP else [str(width)]), *([] if theme == "light" else [theme])]
    return f"board-{'-'.join(said)}.png"


def _others(browser: Browser, site: Site, folder: Path) -> list[Path]:
    phone = Visit(browser, size=(390, 844))
    phone.enter(site)
    phone.pick("示例铸造一厂")
    taken = [_picture(phone, folder / "violation-zh-390.png", drawn=True, whole=True)]
    phone.close()
    seal = Visit(browser, size=(1366, 768))
    seal.enter(site, f"/?s={SEAL}")
    taken.append(_picture(seal, folder / "seal-zh.png", drawn=True))
    seal.page.get_by_role("button", name="退出").click()
    seal.page.wait_for_url("**/sign-in")
    taken.append(_picture(seal, folder / "sign-in-zh.png", drawn=False))
    seal.close()
    return taken


def _picture(visit: Visit, path: Path, *, drawn: bool, whole: bool = False) -> Path:
    if drawn:
        visit.chart()
        visit.page.wait_for_timeout(500)  # ECharts loads its hatching after it drew
    visit.page.screenshot(path=path, full_page=whole)
    return path


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("use: python -m tests.browser.screenshots FOLDER")
    for written in take(Path(sys.argv[1])):
        sys.stdout.write(f"{written}\n")
