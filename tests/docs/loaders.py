"""Settings files that the pages show, read as the programs read them."""

from pathlib import Path

import yaml

from edge_agent import config
from server import seal_file, settings


def load(file: Path) -> object:
    """A settings file through the loader of the program that reads it."""
    document = yaml.safe_load(file.read_text(encoding="utf-8"))
    if "seals" in document:
        return seal_file.parse(file)
    if "agent" in document:
        return config.load(file)
    assert file.name == settings.FILE_NAME, f"no program reads {file.name}"
    return settings.load(file.parent)
