"""A column of integers in few bytes: constant columns collapsed, slow ones as differences.

A scalar stands for every row; a list is the values; {"d": "..."} holds the differences to the last value that is not
null (the first to 0), each zigzagged (0, -1, 1, -2 … become 0, 1, 2, 3 …) and written in base-32 digits, lowest first,
in the alphabet of base64url: digits 0-31 end a number, 32-63 say that more follows. "~" is null: a value that was not
read, never 0.
"""

import json
from collections.abc import Iterator, Sequence

import msgspec

from wire.errors import Malformed
from wire.limits import INTEGER_MAX

Cell = int | None

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_DIGIT = {character: value for value, character in enumerate(_ALPHABET)}
_NULL = "~"


class Differences(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A column as differences."""

    d: str


Column = int | list[Cell] | Differences | None
"""A column as it travels."""


def pack(cells: Sequence[Cell]) -> Column:
    """The shortest form of a column of at least one row."""
    if all(cell == cells[0] for cell in cells):
        return cells[0]
    last, text = 0, list[str]()
    for cell in cells:
        text.append(_NULL if cell is None else _write(cell - last))
        last = last if cell is None else cell
    differences = "".join(text)
    plain = json.dumps(list(cells), separators=(",", ":"))
    return Differences(differences) if len(differences) + len('{"d":""}') < len(plain) else list(cells)


def unpack(column: Column, rows: int) -> list[Cell]:
    """The cells of a column.

    Raises:
        Malformed: another number of rows, a foreign character, or an integer out of bounds.
    """
    if column is None or isinstance(column, int):
        return [column] * rows
    cells = list(_read(column.d)) if isinstance(column, Differences) else list(column)
    if len(cells) != rows:
        raise Malformed(f"column: expected {rows} rows, got {len(cells)}")
    return cells


def _write(difference: int) -> str:
    number = difference * 2 if difference >= 0 else -difference * 2 - 1
    digits = []
    while number > 31:
        digits.append(_ALPHABET[32 + number % 32])
        number //= 32
    return "".join([*digits, _ALPHABET[number]])


def _read(text: str) -> Iterator[Cell]:
    last = number = 0
    weight = 1
    for character in text:
        if character == _NULL and weight == 1:
            yield None
            continue
        digit = _DIGIT.get(character, -1)
        if digit < 0 or weight > INTEGER_MAX:
            raise Malformed(f"column: character {character!r} where a digit or the end of a number was expected")
        number += digit % 32 * weight
        weight *= 32
        if digit < 32:
            last += number // 2 if number % 2 == 0 else -(number + 1) // 2
            if abs(last) > INTEGER_MAX:
                raise Malformed(f"column: expected integers of at most 2^53-1 in magnitude, got {last}")
            yield last
            number, weight = 0, 1
    if weight != 1:
        raise Malformed("column: ends in the middle of a number")
