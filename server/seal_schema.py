"""The keys of a seal file, how each is read, and the walk that finds everything that is wrong in one go."""

import difflib
from collections.abc import Mapping

import msgspec

from server import seal_cells as cells
from server.catalogue import KINDS, SHELLS
from server.seal_entry import Mistake, Path, SealEntry, contradictions

METERS_MAX = 16
WINDOWS_MAX = 100
ROLES = ("furnace", "incomer", "aux", "water", "seal_contact")
BREAKS = ("upstream", "downstream")
NOTHING = ("", "~", "null")
"""What counts as not written."""


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

    each: Group
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


def read_entry(raw: object) -> tuple[SealEntry | None, list[Mistake]]:
    """One seal of a file.

    Args:
        raw: mappings, lists and text, as the file has them.

    Returns:
        The entry where every cell could be read, and all that is wrong.
    """
    mistakes = list[Mistake]()
    values = _group(SEAL, raw, (), mistakes)
    if mistakes:
        return None, mistakes
    entry = msgspec.convert(values, SealEntry)
    return entry, list(contradictions(entry))


def _group(group: Group, raw: object, path: Path, mistakes: list[Mistake]) -> dict[str, object]:
    if not isinstance(raw, Mapping):
        mistakes.append(Mistake(path, f"expected the keys {', '.join(group.keys)}, got {_shown(raw)}"))
        return {}
    for key in raw:
        if key not in group.keys:
            near = difflib.get_close_matches(str(key), group.keys, n=1)
            hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(group.keys)}"
            mistakes.append(Mistake((*path, str(key)), f"unknown key; {hint}"))
    return {key: _part(part, raw.get(key), (*path, key), mistakes) for key, part in group.keys.items()}


def _part(part: Cell | Group | Many, raw: object, path: Path, mistakes: list[Mistake]) -> object:
    written = raw is not None and raw not in NOTHING
    if isinstance(part, Many):
        return _many(part, raw, path, mistakes) if written else []
    if not written:
        if part.required:
            mistakes.append(Mistake(path, "expected a value, got nothing; write it"))
        return part.default if isinstance(part, Cell) else None
    return _group(part, raw, path, mistakes) if isinstance(part, Group) else _cell(part, raw, path, mistakes)


def _cell(cell: Cell, raw: object, path: Path, mistakes: list[Mistake]) -> object:
    if not isinstance(raw, str):
        mistakes.append(Mistake(path, f"expected one value, got {_shown(raw)}"))
        return None
    try:
        return cell.read(raw.strip())
    except ValueError as error:
        mistakes.append(Mistake(path, str(error)))
        return None


def _many(part: Many, raw: object, path: Path, mistakes: list[Mistake]) -> list[object]:
    if not isinstance(raw, list):
        mistakes.append(Mistake(path, f"expected a list, got {_shown(raw)}; begin each entry with '- '"))
        return []
    if len(raw) > part.most:
        mistakes.append(Mistake(path, f"expected at most {part.most}, got {len(raw)}"))
    return [_group(part.each, one, (*path, i), mistakes) for i, one in enumerate(raw[: part.most])]


def _shown(raw: object) -> str:
    if isinstance(raw, str):
        return cells.shown(raw)
    return "a list" if isinstance(raw, list) else "keys" if isinstance(raw, Mapping) else "nothing"
