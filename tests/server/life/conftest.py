"""A town for each test; its tables of cases leave nothing behind in it."""

from pathlib import Path

import pytest

from tests.server.life.town import Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """One open violation, and people."""
    return Town(tmp_path)
