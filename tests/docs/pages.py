"""The project's pages taken apart: headings, fenced blocks, links, tables, and words in code."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
FRONT = [ROOT / "README.md", ROOT / "README.zh.md", ROOT / "CHANGELOG.md"]
PAGES = [
    *FRONT,
    *DOCS,
    *sorted(p for room in ROOT.iterdir() if (room / "__init__.py").exists() for p in room.glob("*.md")),
]
PAGES += [ROOT / "firmware_configs" / "README.md"]

_FENCED = re.compile(r"^(?P<indent> *)```(?P<language>\S*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")


class Block(NamedTuple):
    """A fenced block: its language and its text without the indent of a list."""

    language: str
    body: str


def name_of(page: Path) -> str:
    """A page as messages name it."""
    return page.relative_to(ROOT).as_posix()


def text_of(page: Path) -> str:
    """A page's text."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(found["language"], textwrap.dedent(found["body"])) for found in _FENCED.finditer(text_of(page))]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCED.sub("", text_of(page))


def links(page: Path) -> list[str]:
    """Where a page's links and pictures lead."""
    return _LINK.findall(prose(page))


def code_words(page: Path) -> list[str]:
    """What stands in `code` in the running text."""
    return _CODE.findall(prose(page))


def titles(page: Path) -> list[str]:
    """Headings of the first level."""
    return re.findall(r"^# (.+)$", prose(page), re.MULTILINE)


def tables(page: Path) -> dict[str, list[list[str]]]:
    """The rows of each table by the line of its header; tables of one header are joined."""
    found: dict[str, list[list[str]]] = {}
    header = ""
    for line in text_of(page).splitlines():
        if not line.startswith("|"):
            header = ""
        elif not header:
            header = line
            found.setdefault(header, [])
        elif not line.startswith("|---"):
            found[header].append([cell.strip() for cell in line.strip("|").split(" | ")])
    return found


def first_cells(page: Path, header: str) -> list[str]:
    """The names in the first cells of a table."""
    return [name for row in tables(page)[header] for name in _CODE.findall(row[0])]


def commands(page: Path) -> Iterator[str]:
    """Every `coldseal …` of a page, in code and in blocks, as it is written; in SQL it is a name."""
    lines = [line for block in blocks(page) if block.language != "sql" for line in block.body.splitlines()]
    for text in [*code_words(page), *lines]:
        for found in re.findall(r"(?:^|[\s/(])coldseal( [^|;&)#\"]+)", text):
            yield found.strip()
