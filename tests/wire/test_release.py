"""The release has one number."""

import tomllib
from pathlib import Path

from wire.release import RELEASE

ROOT = Path(__file__).parents[2]


def test_the_packages_own() -> None:
    """What envelopes carry is what the package is built as."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == RELEASE
