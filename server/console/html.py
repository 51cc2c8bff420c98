"""Templates to HTML; whatever comes from the database is escaped."""

import json
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from server.console import figures, marks
from server.console.words import Words
from server.views.state import FRESH_MS, SealState

FOLDER = Path(__file__).parent


def render(template: str, words: Words, **values: object) -> str:
    """A template's HTML.

    Args:
        template: its name without ending.
        words: the language.
        **values: what it shows.
    """
    return _environment().get_template(f"{template}.html").render(words=words, **values)


def static(name: str) -> str:
    """A file of the folder `static`."""
    return (FOLDER / "static" / name).read_text(encoding="utf-8")


def in_script(told: object) -> str:
    """JSON that cannot end the script in which it stands, nor begin another, whatever somebody typed."""
    return json.dumps(told).replace("<", "\\u003c")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"figures": figures, "marks": marks, "SealState": SealState, "FRESH_MS": FRESH_MS}
    return environment
