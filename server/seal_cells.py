"""How one cell of a seal file is read: text in, value out, or what was expected and what was got.

Every cell is text, in YAML too: so 0043 stays a number of four digits, and 2026-02-30 is a wrong time in its place.
"""

import math
import re
from collections.abc import Callable

from server import credit_code
from server.times import parse_ms
from wire import topics
from wire.limits import AGENT_ID_CHARS_MAX

Reader = Callable[[str], object]
"""Gives a cell's value, or raises ValueError("expected …, got …")."""

TEXT_CHARS_MAX = 200
_SEAL = re.compile(r"[\w.\-–()（）\[\]〔〕【】]{1,64}")
_COUNTY = re.compile(r"[1-9][0-9]{5}")
_PROFILE = re.compile(r"[a-z0-9_]{1,64}")
_BETWEEN_NUMBERS = re.compile(r"[,，;；、]")
_YES = ("yes", "true", "y", "1", "是")
_NO = ("no", "false", "n", "0", "否")


def text(cell: str) -> str:
    """A line of text."""
    if not cell or len(cell) > TEXT_CHARS_MAX or not cell.isprintable():
        raise ValueError(f"expected one line of 1 to {TEXT_CHARS_MAX} characters, got {shown(cell)}")
    return cell


def seal_number(cell: str) -> str:
    """A seal's number, fit for a web address."""
    if _SEAL.fullmatch(cell) is None or not cell.strip("."):
        raise ValueError(
            f"expected letters, digits, '-', '.', '_' and brackets, at most 64, got {shown(cell)}; e.g. FZ-MH-2026-0043"
        )
    return cell


def county(cell: str) -> str:
    """A county's code (GB/T 2260)."""
    if _COUNTY.fullmatch(cell) is None:
        raise ValueError(f"expected six digits (GB/T 2260), got {shown(cell)}; e.g. 350121 for Minhou")
    return cell


def choice(*choices: str) -> Reader:
    """One word of a closed list."""

    def read(cell: str) -> str:
        if cell not in choices:
            raise ValueError(f"expected {' or '.join(choices)}, got {shown(cell)}")
        return cell

    return read


def number(unit: str, low: float, high: float, *, above: bool = False) -> Reader:
    """A number with bounds: from low (or above it) to high."""
    bounds = f"a number {'above' if above else 'from'} {low:g} to {high:g}{unit and ' ' + unit}"

    def read(cell: str) -> float:
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not (low < value if above else low <= value) or not value <= high:
            raise ValueError(f"expected {bounds}, got {shown(cell)}")
        return value

    return read


def yes_or_no(cell: str) -> bool:
    """A truth value, as YAML, a spreadsheet or an office has it."""
    word = cell.lower()
    if word not in _YES + _NO:
        raise ValueError(f"expected yes or no (是 or 否), got {shown(cell)}")
    return word in _YES


def identity(cell: str) -> str:
    """An agent's id, or the name that it gives a meter."""
    if not topics.is_agent_id(cell):
        raise ValueError(
            f"expected a-z, 0-9, '-' and at most {AGENT_ID_CHARS_MAX} characters, got {shown(cell)}; "
            "as the agent's settings have it"
        )
    return cell


def profile(cell: str) -> str:
    """A profile's name."""
    if _PROFILE.fullmatch(cell) is None:
        raise ValueError(
            f"expected the name of a file in firmware_configs/meters, got {shown(cell)}; e.g. eastron_sdm630"
        )
    return cell


def paper_numbers(cell: str) -> tuple[str, ...]:
    """Numbers of paper or lead seals, with commas or semicolons between."""
    return tuple(text(part.strip()) for part in _BETWEEN_NUMBERS.split(cell))


def web_address(cell: str) -> str:
    """Where an office published the seal."""
    if not text(cell).startswith(("https://", "http://")) or any(c.isspace() or c in "\"'<>" for c in cell):
        raise ValueError(f"expected https://…, got {shown(cell)}")
    return cell


credit = credit_code.checked
"""A unified social credit code."""

time = parse_ms
"""A time, in ms since 1970."""


def shown(cell: str) -> str:
    """A cell in a message: short, and on one line."""
    return repr(cell if len(cell) <= 60 else f"{cell[:57]}…")
