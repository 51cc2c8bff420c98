"""Chromium, for one module at a time: its event loop must be gone before an asynchronous test starts its own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.served import Opener, launched


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's browser."""
    with launched() as browser:
        yield browser


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Opener]:
    """Opens windows for one test."""
    opener = Opener(chromium)
    yield opener
    opener.close()
