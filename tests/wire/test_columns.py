import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.columns import Cell, Column, Differences, pack, unpack
from wire.errors import Malformed
from wire.limits import INTEGER_MAX

CELLS = st.none() | st.integers(-INTEGER_MAX, INTEGER_MAX) | st.integers(-40, 40)


def _bytes(column: Column) -> int:
    return len(msgspec.json.encode(column))


@given(st.lists(CELLS, min_size=1, max_size=80))
def test_pair(cells: list[Cell]) -> None:
    """Unpacking what was packed gives the cells, nulls and all, through JSON and back."""
    text = msgspec.json.encode(pack(cells))
    column = msgspec.convert(json.loads(text), Column)
    assert unpack(column, len(cells)) == cells


@given(st.lists(CELLS, min_size=1, max_size=80))
def test_never_longer_than_the_list(cells: list[Cell]) -> None:
    """The packed form is never longer than the plain list."""
    assert _bytes(pack(cells)) <= len(json.dumps(cells, separators=(",", ":")))


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ([0, 0, 0], 0),
        ([None, None], None),
        ([7], 7),
        ([1, 2], [1, 2]),
        ([23012, 23015, 23011, 23020], Differences("o-sBGHS")),
        ([100, None, 99, None, 99, 99, 99, 99], Differences("oG~B~AAAA")),
    ],
)
def test_form(cells: list[Cell], column: Column) -> None:
    """Each column takes the form that FORMAT.md §3 shows."""
    assert pack(cells) == column


@pytest.mark.parametrize(
    ("column", "rows", "words"),
    [
        ([1, 2], 3, "expected 3 rows, got 2"),
        (Differences("AAAA"), 3, "expected 3 rows, got 4"),
        (Differences(""), 1, "expected 1 rows, got 0"),
        (Differences("AA*"), 3, "character '*' where a digit"),
        (Differences("A A"), 2, "character ' ' where a digit"),
        (Differences("o"), 1, "ends in the middle of a number"),
        (Differences("o~"), 1, "character '~' where a digit"),
        (Differences("_" * 40 + "A"), 1, "where a digit or the end of a number was expected"),
        (Differences("g" * 10 + "Q"), 1, "at most 2^53-1 in magnitude, got 9007199254740992"),
    ],
)
def test_malformed(column: Column, rows: int, words: str) -> None:
    """A column of another length, with foreign characters, cut off or out of bounds is refused."""
    with pytest.raises(Malformed, match=re.escape(words)):
        unpack(column, rows)


@pytest.mark.parametrize("text", ['{"d":"A","x":1}', "1.5", "true", '"A"', "[[1]]"])
def test_foreign_column(text: str) -> None:
    """Only the three forms are columns."""
    with pytest.raises(msgspec.ValidationError, match=r"Expected|unknown field"):
        msgspec.json.decode(text, type=Column)
