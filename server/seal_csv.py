"""Seal files from a spreadsheet: one row a seal, one column a value; README.md lists the columns.

What stands once in a seal has one column. Meters and windows are numbered: meter_1_agent, maintenance_2_from.
"""

import csv
import difflib
import io
import re
from collections.abc import Iterator, Mapping, Sequence

from server.seal_entry import Path
from server.seal_schema import FURNACE, METER, PLEDGE, SEAL, WINDOW, Cell

COLUMNS: Mapping[str, Path] = (
    {name: (name,) for name, part in SEAL.keys.items() if isinstance(part, Cell)}
    | {("furnace" if name == "name" else name): ("furnace", name) for name in FURNACE.keys}
    | {name: ("pledge", name) for name in PLEDGE.keys}
)
"""Columns that stand once, and where their cells belong."""

_COLUMN_OF = {path: name for name, path in COLUMNS.items()}
_NUMBERED = re.compile(r"(meter|maintenance)_([1-9][0-9]?)_([a-z_]+)")
_LISTS = {"meter": ("meters", METER), "maintenance": ("maintenance", WINDOW)}
_WORD_OF = {"meters": "meter", "maintenance": "maintenance"}


class CsvMistakes(Exception):
    """The table as such is wrong: one line a mistake, each with its place."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


class Row:
    """One seal of a table.

    Attributes:
        raw: its cells as YAML would have them: empty ones are absent, numbered lists close up.
    """

    def __init__(self, number: int, cells: Mapping[Path, str]) -> None:
        """Take a row apart.

        Args:
            number: as the spreadsheet shows it.
            cells: the cells with something in them.
        """
        self._number = number
        self._used = {name: sorted({int(p[1]) for p in cells if p[0] == name}) for name in _WORD_OF}
        entry: dict[str, object] = {"furnace": {}}
        for name, numbers in self._used.items():
            entry[name] = [{str(p[2]): c for p, c in cells.items() if p[:2] == (name, n)} for n in numbers]
        for name in ("furnace", "pledge"):
            group = {str(p[1]): c for p, c in cells.items() if p[0] == name}
            if group:
                entry[name] = group
        self.raw = entry | {str(p[0]): c for p, c in cells.items() if len(p) == 1}

    def place(self, path: Path) -> str:
        """Row and column of a place in the entry."""
        if len(path) == 3:
            number = self._used[str(path[0])][int(path[1])]
            return f"row {self._number}, {_WORD_OF[str(path[0])]}_{number}_{path[2]}"
        return f"row {self._number}, {_COLUMN_OF.get(path, path[-1])}"


def rows(written: str) -> Iterator[Row]:
    """The seals of a table; rows without anything in them are passed over.

    Raises:
        CsvMistakes: not a table, or columns that are not ours.
    """
    try:
        table = list(csv.reader(io.StringIO(written, newline=""), strict=True))
    except csv.Error as error:
        raise CsvMistakes([f"not a table: {error}"]) from error
    header = [name.strip() for name in table[0]] if table else []
    paths = _columns(header)
    for number, cells in enumerate(table[1:], start=2):
        if len(cells) > len(header):
            raise CsvMistakes(
                [f"row {number}: expected {len(header)} cells, got {len(cells)}; put text with a comma in quotes"]
            )
        filled = {path: cell.strip() for path, cell in zip(paths, cells, strict=False) if cell.strip()}
        if filled:
            yield Row(number, filled)


def _columns(header: Sequence[str]) -> list[Path]:
    """The place of each column's cells; numbered lists keep the number of the column's name here."""
    lines, paths = list[str](), list[Path]()
    for name in header:
        path = _column(name)
        if path is None:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"expected {', '.join(COLUMNS)}, meter_1_agent, …"
            lines.append(f"row 1, {name or 'a column without a name'}: unknown column; {hint}")
        elif path in paths:
            lines.append(f"row 1, {name}: the column is given twice; remove one")
        paths.append(path or (name,))
    if not header:
        lines.append("expected a row of column names, got an empty file")
    if lines:
        raise CsvMistakes(lines)
    return paths


def _column(name: str) -> Path | None:
    numbered = _NUMBERED.fullmatch(name)
    if numbered is None:
        return COLUMNS.get(name)
    kind, group = _LISTS[numbered[1]]
    return (kind, int(numbered[2]), numbered[3]) if numbered[3] in group.keys else None
