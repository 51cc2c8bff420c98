"""Seal files: what an office writes in YAML or in a spreadsheet saved as CSV. README.md lists every key and column.

Everything that is wrong is found in one reading, each with its place: `seals[2].furnace.tonnes` in YAML, `row 3,
tonnes` in CSV, where the row is the one that the spreadsheet shows.
"""

import csv
import difflib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path as File

import msgspec
import yaml

from server import seal_cells as cells
from server.catalogue import KINDS, SHELLS
from server.seal_entry import Mistake, Path, SealEntry, contradictions
from wire.errors import SettingsError, SurroundingsError

FILE_BYTES_MAX = 10_000_000
SEALS_MAX = 10_000
METERS_MAX = 16
WINDOWS_MAX = 100
ROLES = ("furnace", "incomer", "aux", "water", "seal_contact")
BREAKS = ("upstream", "downstream")

Raw = Mapping[object, object]
Place = Callable[[Path], str]


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
    place: Place


class Cell(msgspec.Struct, frozen=True):
    """A single value: how it is read, and what stands for it when nothing is written."""

    read: cells.Reader
    required: bool = True
    default: object = None


class Group(msgspec.Struct, frozen=True):
    """Keys that belong together."""

    keys: Mapping[str, "Cell | Group | Many"]
    required: bool = True


class Many(msgspec.Struct, frozen=True):
    """A list of groups."""

    group: Group
    most: int


FURNACE = Group(
    {
        "name": Cell(cells.text),
        "kind": Cell(cells.choice(*KINDS)),
        "shell": Cell(cells.choice(*SHELLS), required=False),
        "yoke": Cell(cells.yes_or_no, required=False),
        "tonnes": Cell(cells.number("t", 0, 100, above=True)),
        "rated_kw": Cell(cells.number("kW", 0, 100_000, above=True)),
        "melts_scrap": Cell(cells.yes_or_no),
    }
)
PLEDGE = Group(
    {
        "allowed_kw": Cell(cells.number("kW", 0, 100_000)),
        "signatory": Cell(cells.text),
        "signed": Cell(cells.time),
    },
    required=False,
)
WINDOW = Group(
    {
        "from": Cell(cells.time),
        "to": Cell(cells.time),
        "max_kwh": Cell(cells.number("kWh", 0, 10_000_000), required=False),
        "reason": Cell(cells.text),
    }
)
METER = Group(
    {
        "agent": Cell(cells.identity),
        "name": Cell(cells.identity),
        "role": Cell(cells.choice(*ROLES)),
        "profile": Cell(cells.profile),
        "ct_ratio": Cell(cells.number("", 0, 100_000, above=True), required=False, default=1.0),
        "aux_powered": Cell(cells.yes_or_no, required=False, default=False),
    }
)
SEAL = Group(
    {
        "seal": Cell(cells.seal_number),
        "enterprise": Cell(cells.text),
        "credit_code": Cell(cells.credit, required=False),
        "site": Cell(cells.text),
        "county_code": Cell(cells.county),
        "address": Cell(cells.text, required=False),
        "furnace": FURNACE,
        "break": Cell(cells.choice(*BREAKS)),
        "from": Cell(cells.time),
        "until": Cell(cells.time, required=False),
        "dismantle_by": Cell(cells.time, required=False),
        "paper_seals": Cell(cells.paper_numbers, required=False, default=()),
        "published_url": Cell(cells.web_address, required=False),
        "pledge": PLEDGE,
        "maintenance": Many(WINDOW, WINDOWS_MAX),
        "meters": Many(METER, METERS_MAX),
    }
)


def parse(file: File) -> list[Placed]:
    """The entries of a seal file.

    Raises:
        SurroundingsError: it cannot be read.
        SealFileError: everything that is wrong in it.
    """
    written = _read(file)
    if file.suffix.lower() == ".csv":
        raws = list(_csv_rows(written, str(file)))
    elif file.suffix.lower() in (".yaml", ".yml"):
        raws = list(_yaml_seals(written, str(file)))
    else:
        raise SealFileError([f"{file}: expected a name that ends in .yaml or .csv; rename it"])
    if not 1 <= len(raws) <= SEALS_MAX:
        raise SealFileError([f"{file}: expected 1 to {SEALS_MAX} seals, got {len(raws)}"])
    lines, placed = list[str](), list[Placed]()
    for raw, place in raws:
        entry, mistakes = _entry(raw)
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


def _entry(raw: object) -> tuple[SealEntry | None, list[Mistake]]:
    mistakes = list[Mistake]()
    values = _group(SEAL, raw, (), mistakes)
    if mistakes:
        return None, mistakes
    entry = msgspec.convert(values, SealEntry)
    return entry, list(contradictions(entry))


def _group(group: Group, raw: object, path: Path, mistakes: list[Mistake]) -> dict[str, object]:
    """The values of a group of keys; what is wrong is noted and left out."""
    if not isinstance(raw, Mapping):
        mistakes.append(Mistake(path, f"expected the keys {', '.join(group.keys)}, got {type(raw).__name__}"))
        return {}
    for key in raw:
        if key not in group.keys:
            near = difflib.get_close_matches(str(key), group.keys, n=1)
            hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(group.keys)}"
            mistakes.append(Mistake((*path, str(key)), f"unknown key; {hint}"))
    values = dict[str, object]()
    for key, part in group.keys.items():
        values[key] = _part(part, raw.get(key), (*path, key), mistakes)
    return values


def _part(part: Cell | Group | Many, raw: object, path: Path, mistakes: list[Mistake]) -> object:
    if isinstance(part, Many):
        return _many(part, raw, path, mistakes)
    if raw is None:
        if part.required:
            mistakes.append(Mistake(path, "expected a value, got nothing; write it"))
        return part.default if isinstance(part, Cell) else None
    if isinstance(part, Group):
        return _group(part, raw, path, mistakes)
    try:
        return part.read(raw)
    except ValueError as error:
        mistakes.append(Mistake(path, str(error)))
        return None


def _many(part: Many, raw: object, path: Path, mistakes: list[Mistake]) -> list[dict[str, object]]:
    if raw is None:
        return []
    if not isinstance(raw, list) or len(raw) > part.most:
        got = f"{len(raw)}" if isinstance(raw, list) else type(raw).__name__
        mistakes.append(Mistake(path, f"expected a list of at most {part.most}, got {got}"))
        return []
    return [_group(part.group, one, (*path, i), mistakes) for i, one in enumerate(raw)]


# YAML


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice: YAML would keep the last and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:  # noqa: FBT001
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _yaml_seals(written: str, file: str) -> Iterator[tuple[object, Place]]:
    try:
        document = yaml.load(written, _Loader)  # noqa: S506 - a SafeLoader's child
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SealFileError([f"{file}: not YAML: {' '.join(str(error).split())}"]) from error
    stem, seals = "", document
    if isinstance(document, dict):
        stem, seals = "seals", document.get("seals")
        for key in document:
            if key != "seals":
                raise SealFileError([f"{file}: {key}: unknown key; expected seals: and a list of seals"])
    if not isinstance(seals, list):
        raise SealFileError([f"{file}: expected seals: and a list of seals, got {type(seals).__name__}"])
    for i, raw in enumerate(seals):
        yield raw, _yaml_place(f"{file}: {stem}[{i}]")


def _yaml_place(start: str) -> Place:
    return lambda path: start + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


# CSV

_ALONE = {name: (name,) for name, part in SEAL.keys.items() if isinstance(part, Cell)}
_OF_FURNACE = {("furnace" if name == "name" else name): ("furnace", name) for name in FURNACE.keys}
_OF_PLEDGE = {name: ("pledge", name) for name in PLEDGE.keys}
COLUMNS: Mapping[str, tuple[str, ...]] = _ALONE | _OF_FURNACE | _OF_PLEDGE
"""Columns that stand once, and where their cells belong."""

_NUMBERED = re.compile(r"(meter|maintenance)_([1-9][0-9]?)_([a-z_]+)")
_LISTS = {"meter": ("meters", METER), "maintenance": ("maintenance", WINDOW)}


def _csv_rows(written: str, file: str) -> Iterator[tuple[object, Place]]:
    rows = list(csv.reader(io.StringIO(written, newline="")))
    header = [name.strip() for name in rows[0]] if rows else []
    paths = _columns(header, file)
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) > len(header):
            raise SealFileError(
                [f"{file}: row {number}: expected {len(header)} cells, got {len(row)}; put text with a comma in quotes"]
            )
        filled = {path: cell.strip() for path, cell in zip(paths, row, strict=False) if cell.strip()}
        order = {kind: sorted({path[1] for path in filled if path[0] == kind}) for kind in ("meters", "maintenance")}
        yield _nested(filled, order), _csv_place(f"{file}: row {number}", order)


def _columns(header: Sequence[str], file: str) -> list[Path]:
    """The place of each column's cells; lists count from 1 in a column's name and keep that number here."""
    lines, paths = list[str](), list[Path]()
    for name in header:
        path = _column(name)
        if path is None:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"expected {', '.join(COLUMNS)}, meter_1_agent …"
            lines.append(f"{file}: row 1, {name or 'a column without a name'}: unknown column; {hint}")
        elif path in paths:
            lines.append(f"{file}: row 1, {name}: the column is given twice; remove one")
        paths.append(path or (name,))
    if lines or not header:
        raise SealFileError(lines or [f"{file}: expected a row of column names, got an empty file"])
    return paths


def _column(name: str) -> Path | None:
    numbered = _NUMBERED.fullmatch(name)
    if numbered is None:
        return COLUMNS.get(name)
    kind, group = _LISTS[numbered[1]]
    return (kind, int(numbered[2]), numbered[3]) if numbered[3] in group.keys else None


def _nested(filled: Mapping[Path, str], order: Mapping[str, Sequence[object]]) -> Raw:
    """Filled cells as YAML would have them: empty cells are absent, lists close up."""
    entry = dict[object, object]({kind: [{} for _ in numbers] for kind, numbers in order.items()})
    entry["furnace"] = {}
    for path, cell in filled.items():
        if len(path) == 3:
            groups = entry[path[0]]
            assert isinstance(groups, list)  # noqa: S101 - made above
            groups[order[str(path[0])].index(path[1])][path[2]] = cell
        elif len(path) == 2:
            group = entry.setdefault(path[0], {})
            assert isinstance(group, dict)  # noqa: S101 - made here and above
            group[path[1]] = cell
        else:
            entry[path[0]] = cell
    return entry


def _csv_place(start: str, order: Mapping[str, Sequence[object]]) -> Place:
    def place(path: Path) -> str:
        if len(path) == 3:
            kind = "meter" if path[0] == "meters" else "maintenance"
            return f"{start}, {kind}_{order[str(path[0])][int(path[1])]}_{path[2]}"
        return f"{start}, {_column_of(path)}"

    return place


def _column_of(path: Path) -> str:
    named: Iterable[str] = (name for name, where in COLUMNS.items() if where == path)
    return next(iter(named), str(path[-1]) if path else "the row")
