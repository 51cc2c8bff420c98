"""Traces as CSV files: strict about what people write, with the file, line and column in each message."""

import csv
import difflib
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from simulators.trace import Trace
from wire.errors import SettingsError, SurroundingsError
from wire.quantities import Quantity

_TIME = "t_s"
_LARGEST = 1e30
"""Beyond any measurement, and within a 32-bit float."""

_FALSE_EMPTY = {"nan", "null", "none", "na", "n/a", "-", "#n/a", "inf", "-inf", "infinity", "-infinity"}


def load(path: Path) -> Trace:
    """The trace in a CSV file.

    Raises:
        SurroundingsError: the file cannot be read.
        SettingsError: a header, cell or time that is not as described in simulators/README.md.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets write a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise SurroundingsError(f"{path}: cannot be read: {error}; expected a CSV file in UTF-8") from error
    return parse(text, str(path))


def parse(text: str, name: str) -> Trace:
    """The trace in a CSV text.

    Args:
        text: header and rows.
        name: the file's name, for messages.

    Raises:
        SettingsError: a header, cell or time that is not as described in simulators/README.md.
    """
    rows = _lines(text, name)
    _, header = next(rows, (1, []))
    quantities = _quantities(header, name)
    lines: list[int] = []
    cells: list[list[str]] = []
    for line, row in rows:
        _check_width(row, header, f"{name}, line {line}")
        lines.append(line)
        cells.append(row)
    if not cells:
        raise SettingsError(f"{name}: no rows; expected at least one line such as 0,230.1 below the header")
    texts = list(zip(*cells, strict=True))
    columns = [_column(column, lines, name, title) for title, column in zip(header, texts, strict=True)]
    return Trace(_times(columns[0], lines, name), dict(zip(quantities, columns[1:], strict=True)))


def save(trace: Trace, path: Path) -> None:
    """Write a trace so that `load` gives the same values back.

    Raises:
        SurroundingsError: the file cannot be written.
    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([_TIME, *(quantity.value for quantity in trace.columns)])
            for time, *cells in zip(trace.times, *trace.columns.values(), strict=True):
                writer.writerow([_written(time), *map(_written, cells)])
    except OSError as error:
        raise SurroundingsError(f"{path}: cannot be written: {error.strerror}; choose another place") from error


def _lines(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(text.splitlines(), strict=True)
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield reader.line_num, [cell.strip() for cell in row]
    except csv.Error as error:
        raise SettingsError(f"{name}, line {reader.line_num}: not CSV: {error}; remove the quotes") from error


def _quantities(header: list[str], name: str) -> list[Quantity]:
    where = f"{name}, line 1"
    if not header or header[0] != _TIME:
        got = repr(header[0]) if header else "an empty file"
        raise SettingsError(f"{where}: expected the first column {_TIME} (seconds from the start), got {got}")
    if len(header) == 1:
        raise SettingsError(f"{where}: expected at least one quantity after {_TIME}, such as active_power_w")
    for index, column in enumerate(header[1:]):
        if column not in set(Quantity):
            raise SettingsError(f"{where}, column {index + 2}: unknown quantity {column!r}; {_hint(column)}")
        if column in header[1 : index + 1]:
            raise SettingsError(f"{where}, column {index + 2}: {column} is given twice; remove one")
    return [Quantity(column) for column in header[1:]]


def _hint(column: str) -> str:
    near = difflib.get_close_matches(column, list(Quantity), n=1)
    return f"expected a name of wire/quantities.py, perhaps {near[0] if near else 'active_power_w'}"


def _check_width(row: list[str], header: list[str], where: str) -> None:
    if len(row) != len(header):
        raise SettingsError(
            f"{where}: expected {len(header)} cells as in the header, got {len(row)}; "
            "leave a cell empty where nothing was read, and write decimals with a point"
        )


def _times(cells: Sequence[float | None], lines: Sequence[int], name: str) -> list[float]:
    times: list[float] = []
    for line, time in zip(lines, cells, strict=True):
        where = f"{name}, line {line}, column {_TIME}"
        if time is None or time < 0:
            raise SettingsError(
                f"{where}: expected seconds from the start, 0 or more, got {_written(time) or 'nothing'}"
            )
        if times and time <= times[-1]:
            raise SettingsError(
                f"{where}: expected more than {times[-1]:g} of the row above, got {time:g}; sort the rows by time"
            )
        times.append(time)
    return times


def _column(cells: Sequence[str], lines: Sequence[int], name: str, title: str) -> list[float | None]:
    """A column's values; only where something is wrong it is gone through again to say where (a day has 86,400 rows)."""
    try:
        values = [float(cell) if cell else None for cell in cells]
    except ValueError:
        values = [math.nan]
    if all(value is None or abs(value) <= _LARGEST for value in values):
        return values
    return [_cell(cell, f"{name}, line {line}, column {title}") for line, cell in zip(lines, cells, strict=True)]


def _cell(cell: str, where: str) -> float | None:
    if not cell:
        return None
    if cell.lower() in _FALSE_EMPTY:
        raise SettingsError(f"{where}: expected a number, got {cell!r}; leave the cell empty where nothing was read")
    try:
        value = float(cell)
    except ValueError as error:
        raise SettingsError(
            f"{where}: expected a number such as 230.1, got {cell!r}; remove units and words"
        ) from error
    if not math.isfinite(value) or abs(value) > _LARGEST:
        raise SettingsError(f"{where}: expected a measured value, got {cell}; correct it or leave the cell empty")
    return value


def _written(cell: float | None) -> str:
    """The shortest text that reads back as the same number."""
    return "" if cell is None else repr(cell).removesuffix(".0")
