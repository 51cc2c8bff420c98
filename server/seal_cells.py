"""How one cell of a seal file is read. A reader gives the value, or says what it expected and what it got.

YAML gives numbers, truth values and dates as such, a spreadsheet gives text: both are read here.
"""

import datetime as dt
import math
import re
from collections.abc import Callable

from server import credit_code
from server.times import EXPECTED, parse_ms, to_ms
from wire import topics
from wire.limits import AGENT_ID_CHARS_MAX

Reader = Callable[[object], object]
"""Gives a cell's value, or raises ValueError("expected …, got …")."""

TEXT_CHARS_MAX = 200
_SEAL = re.compile(r"[\w.\-–()（）\[\]〔〕【】]{1,64}")
_COUNTY = re.compile(r"[1-9][0-9]{5}")
_PROFILE = re.compile(r"[a-z0-9_]{1,64}")
_YES = ("true", "yes", "y", "1", "是")
_NO = ("false", "no", "n", "0", "否")


def text(cell: object) -> str:
    """A line of text."""
    if not isinstance(cell, str):
        raise ValueError(f"expected text, got {_shown(cell)}; put it in quotes")
    stripped = cell.strip()
    if not stripped or len(stripped) > TEXT_CHARS_MAX or not stripped.isprintable():
        raise ValueError(f"expected one line of 1 to {TEXT_CHARS_MAX} characters, got {_shown(cell)}")
    return stripped


def seal_number(cell: object) -> str:
    """A seal's number, fit for a web address."""
    number = text(cell)
    if _SEAL.fullmatch(number) is None:
        raise ValueError(
            f"expected letters, digits, '-', '.', '_' and brackets, at most 64, got {_shown(cell)}; e.g. FZ-MH-2026-0043"
        )
    return number


def credit(cell: object) -> str:
    """A unified social credit code."""
    return credit_code.checked(str(cell))


def county(cell: object) -> str:
    """A county's code (GB/T 2260)."""
    code = str(cell).strip()
    if isinstance(cell, bool) or _COUNTY.fullmatch(code) is None:
        raise ValueError(f"expected six digits (GB/T 2260), got {_shown(cell)}; e.g. 350121 for Minhou")
    return code


def choice(*choices: str) -> Reader:
    """One word of a closed list."""

    def read(cell: object) -> str:
        if not isinstance(cell, str) or cell.strip() not in choices:
            raise ValueError(f"expected {' or '.join(choices)}, got {_shown(cell)}")
        return cell.strip()

    return read


def number(unit: str, low: float, high: float, *, above: bool = False) -> Reader:
    """A number with bounds: from low (or above it) to high."""
    bounds = f"a number {'above' if above else 'from'} {low:g} to {high:g}{unit and ' ' + unit}"

    def read(cell: object) -> float:
        try:
            value = math.nan if isinstance(cell, bool) else float(cell)  # type: ignore[arg-type]  # anything else raises
        except (TypeError, ValueError):
            value = math.nan
        if not (low < value if above else low <= value) or not value <= high:
            raise ValueError(f"expected {bounds}, got {_shown(cell)}")
        return value

    return read


def yes_or_no(cell: object) -> bool:
    """A truth value, as YAML or a spreadsheet has it."""
    if isinstance(cell, bool):
        return cell
    word = cell.strip().lower() if isinstance(cell, str) else str(cell)
    if word not in _YES + _NO:
        raise ValueError(f"expected yes or no (是 or 否), got {_shown(cell)}")
    return word in _YES


def time(cell: object) -> int:
    """A time, in ms since 1970."""
    if isinstance(cell, dt.datetime):
        return to_ms(cell)
    if isinstance(cell, dt.date):
        return to_ms(dt.datetime(cell.year, cell.month, cell.day))  # noqa: DTZ001 - Beijing's, see to_ms
    if not isinstance(cell, str):
        raise ValueError(f"{EXPECTED}, got {_shown(cell)}")
    return parse_ms(cell)


def identity(cell: object) -> str:
    """An agent's id, or the name that it gives a meter."""
    if not isinstance(cell, str) or not topics.is_agent_id(cell.strip()):
        raise ValueError(
            f"expected a-z, 0-9, '-' and at most {AGENT_ID_CHARS_MAX} characters, got {_shown(cell)}; "
            "as the agent's settings have it"
        )
    return cell.strip()


def profile(cell: object) -> str:
    """A profile's name."""
    if not isinstance(cell, str) or _PROFILE.fullmatch(cell.strip()) is None:
        raise ValueError(f"expected a name of `coldseal profiles list`, got {_shown(cell)}; e.g. eastron_sdm630")
    return cell.strip()


def paper_numbers(cell: object) -> tuple[str, ...]:
    """Numbers of paper or lead seals: a list, or text with commas or semicolons between."""
    parts = re.split(r"[,，;；、]", cell) if isinstance(cell, str) else cell
    if not isinstance(parts, list):
        raise ValueError(f"expected a list of numbers in quotes, got {_shown(cell)}")
    return tuple(text(part) for part in parts)


def web_address(cell: object) -> str:
    """Where an office published the seal."""
    address = text(cell)
    if not address.startswith(("https://", "http://")) or any(c.isspace() or c in "\"'<>" for c in address):
        raise ValueError(f"expected https://…, got {_shown(cell)}")
    return address


def _shown(cell: object) -> str:
    """A cell in a message: short, and on one line."""
    if cell is None:
        return "nothing"
    if isinstance(cell, dict | list):
        return "a list" if isinstance(cell, list) else "a group of keys"
    shown = repr(cell) if isinstance(cell, str) else str(cell)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"
