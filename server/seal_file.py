"""Seal files: what an office writes in YAML, or in a spreadsheet saved as CSV. README.md lists every key and column.

Everything that is wrong is found in one reading, each with its place: `seals[2].furnace.tonnes` in YAML, `row 3,
tonnes` in CSV, where the row is the one that the spreadsheet shows.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path as File
from typing import Any

import msgspec
import yaml

from server import seal_csv
from server.seal_entry import Path, SealEntry
from server.seal_schema import read_entry
from wire.errors import SettingsError, SurroundingsError

FILE_BYTES_MAX = 10_000_000
SEALS_MAX = 10_000


class SealFileError(SettingsError):
    """A seal file with mistakes; nothing of it was stored.

    Attributes:
        lines: one a mistake, each with file and place.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


class Placed(msgspec.Struct, frozen=True):
    """An entry and how to name a place in it.

    Attributes:
        entry: what was read.
        place: from a path in the entry to file and place, as a person finds it.
    """

    entry: SealEntry
    place: Callable[[Path], str]


def parse(file: File) -> list[Placed]:
    """The entries of a seal file.

    Raises:
        SurroundingsError: it cannot be read.
        SealFileError: everything that is wrong in it.
    """
    readers = {".csv": _csv_seals, ".yaml": _yaml_seals, ".yml": _yaml_seals}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise SealFileError([f"{file}: expected a name that ends in .yaml or .csv; rename it"])
    raws = list(reader(_read(file), str(file)))
    if not 1 <= len(raws) <= SEALS_MAX:
        raise SealFileError([f"{file}: expected 1 to {SEALS_MAX} seals, got {len(raws)}"])
    lines, placed = list[str](), list[Placed]()
    for raw, place in raws:
        entry, mistakes = read_entry(raw)
        lines += [f"{place(mistake.path)}: {mistake.text}" for mistake in mistakes]
        if entry is not None:
            placed.append(Placed(entry, place))
    if lines:
        raise SealFileError(lines)
    return placed


def _read(file: File) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise SurroundingsError(f"{file}: cannot be read: {error.strerror}; check the path and its rights") from error
    if len(data) > FILE_BYTES_MAX:
        raise SealFileError([f"{file}: expected at most {FILE_BYTES_MAX} bytes, got {len(data)}; split it"])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SealFileError(
            [f"{file}: expected UTF-8, got other bytes at {error.start}; in Excel save as 'CSV UTF-8 (*.csv)'"]
        ) from error


class _Loader(yaml.BaseLoader):
    """Leaves every value as it was written, and refuses a key that is given twice: YAML would keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping of a node."""
        seen = set[str]()
        for key, _ in node.value:
            if str(key.value) in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key.value!r} is given twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _yaml_seals(written: str, file: str) -> Iterator[tuple[object, Callable[[Path], str]]]:
    try:
        document = yaml.load(written, _Loader)  # noqa: S506 - makes text, lists and mappings only
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise SealFileError([f"{file}: not YAML: {line}{error.problem}; correct it there or just above"]) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise SealFileError([f"{file}: not YAML: {' '.join(str(error).split())}"]) from error
    stem, seals = "", document
    if isinstance(document, dict) and set(document) == {"seals"}:
        stem, seals = "seals", document["seals"]
    if not isinstance(seals, list):
        raise SealFileError([f"{file}: expected seals: and below it a list of seals, each beginning with '- '"])
    for i, raw in enumerate(seals):
        yield raw, _yaml_place(f"{file}: {stem}[{i}]")


def _yaml_place(start: str) -> Callable[[Path], str]:
    return lambda path: start + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def _csv_seals(written: str, file: str) -> Iterator[tuple[object, Callable[[Path], str]]]:
    try:
        for row in seal_csv.rows(written):
            yield row.raw, _csv_place(file, row)
    except seal_csv.CsvMistakes as error:
        raise SealFileError([f"{file}: {line}" for line in error.lines]) from error


def _csv_place(file: str, row: seal_csv.Row) -> Callable[[Path], str]:
    return lambda path: f"{file}: {row.place(path)}"
