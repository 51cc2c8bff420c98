"""Chromium, for one module at a time: its event loop must be gone before an asynchronous test starts its own."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.served import ARGS, CHROMIUM, Visit


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGS))
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Visit]]:
    """Opens windows (Visit's parameters, without the browser) and closes them before their server ends."""
    visits: list[Visit] = []

    def open_one(*args: object, **options: object) -> Visit:
        visits.append(Visit(chromium, *args, **options))  # type: ignore[arg-type] # checked where Visit is built
        return visits[-1]

    yield open_one
    for one in visits:
        one.close()
