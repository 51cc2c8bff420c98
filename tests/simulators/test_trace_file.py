"""Traces as CSV: what is accepted, and what is said about mistakes."""

from pathlib import Path

import pytest

from simulators.trace import Trace
from simulators.trace_file import load, parse, save
from wire.errors import SettingsError, SurroundingsError
from wire.quantities import Quantity

ACCEPTED = {
    "plain": "t_s,voltage_l1_v\n0,230.1\n1,230.2\n",
    "spaces and blank lines": "t_s, voltage_l1_v\n0, 230.1\n\n1 ,230.2\n\n",
    "Windows line ends and quotes": '"t_s","voltage_l1_v"\r\n"0","230.1"\r\n"1","230.2"\r\n',
    "no line end at the end": "t_s,voltage_l1_v\n0,230.1\n1,230.2",
    "exponents": "t_s,voltage_l1_v\n0,2.301e2\n1,2302E-1\n",
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    """Whatever a spreadsheet or a script writes as plain CSV reads as the same trace."""
    trace = parse(ACCEPTED[name], "a.csv")
    assert list(trace.times) == [0, 1]
    assert {q: list(cells) for q, cells in trace.columns.items()} == {Quantity.VOLTAGE_L1_V: [230.1, 230.2]}


MISTAKES = {
    "empty file": ("", r"a\.csv, line 1: expected the first column t_s .*, got an empty file"),
    "no t_s": ("time,voltage_l1_v\n0,1\n", r"line 1: expected the first column t_s .*, got 'time'"),
    "no quantity": ("t_s\n0\n", r"line 1: expected at least one quantity after t_s, such as active_power_w"),
    "misspelt": ("t_s,volatge_l1_v\n0,1\n", r"line 1, column 2: unknown quantity 'volatge_l1_v'; .* voltage_l1_v"),
    "foreign": ("t_s,xyz\n0,1\n", r"line 1, column 2: unknown quantity 'xyz'; expected a name of wire/quantities"),
    "twice": ("t_s,frequency_hz,frequency_hz\n0,1,1\n", r"line 1, column 3: frequency_hz is given twice; remove one"),
    "no rows": ("t_s,frequency_hz\n", r"a\.csv: no rows; expected at least one line such as 0,230\.1"),
    "short row": (
        "t_s,frequency_hz\n0,50\n1\n",
        r"line 3: expected 2 cells as in the header, got 1; leave a cell empty",
    ),
    "decimal comma": ("t_s,frequency_hz\n0,50,01\n", r"line 2: expected 2 cells .*, got 3; .* decimals with a point"),
    "word": ("t_s,frequency_hz\n0,50 Hz\n", r"line 2, column frequency_hz: expected a number .*, got '50 Hz'"),
    "NaN": ("t_s,frequency_hz\n0,NaN\n", r"line 2, column frequency_hz: .* leave the cell empty where nothing was"),
    "infinite": ("t_s,frequency_hz\n0,1e999\n", r"line 2, column frequency_hz: expected a measured value, got 1e999"),
    "no time": (
        "t_s,frequency_hz\n,50\n",
        r"line 2, column t_s: expected seconds from the start, 0 or more, got nothing",
    ),
    "before the start": ("t_s,frequency_hz\n-1,50\n", r"line 2, column t_s: expected seconds .* got -1"),
    "time of day": ("t_s,frequency_hz\n02:10,50\n", r"line 2, column t_s: expected a number .*, got '02:10'"),
    "not rising": ("t_s,frequency_hz\n5,50\n5,50\n", r"line 3, column t_s: expected more than 5 of the row above"),
    "open quote": ('t_s,frequency_hz\n0,"50\n', r"a\.csv, line 2: not CSV: .*; remove the quotes"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str) -> None:
    """Each mistake is told with file, line, column and what to do."""
    text, message = MISTAKES[name]
    with pytest.raises(SettingsError, match=message):
        parse(text, "a.csv")


def test_byte_order_mark(tmp_path: Path) -> None:
    """A spreadsheet's byte order mark is no part of the first column's name."""
    (tmp_path / "a.csv").write_text("t_s,frequency_hz\n0,50\n", encoding="utf-8-sig")
    assert load(tmp_path / "a.csv").columns == {Quantity.FREQUENCY_HZ: [50.0]}


def test_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing or binary file is one line that names it."""
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("a.csv", "b.csv"):
        with pytest.raises(SurroundingsError, match=rf"{name}: cannot be read: .*; expected a CSV file in UTF-8"):
            load(tmp_path / name)


def test_written_and_read(tmp_path: Path) -> None:
    """What is written reads back as the same numbers, with unread cells empty."""
    trace = Trace(
        [0, 0.5, 7200], {Quantity.FREQUENCY_HZ: [49.987654, None, 50.0], Quantity.CURRENT_L1_A: [1e-7, 2, None]}
    )
    save(trace, tmp_path / "a.csv")
    again = load(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "t_s,frequency_hz,current_l1_a\n0,49.987654,1e-07\n0.5,,2\n7200,50,\n"
    assert list(again.times) == list(trace.times)
    assert again.columns == trace.columns


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder that does not exist is one line that says so."""
    with pytest.raises(SurroundingsError, match=r"none/a\.csv: cannot be written: No such file.*; choose another"):
        save(Trace([0], {Quantity.FREQUENCY_HZ: [50.0]}), tmp_path / "none" / "a.csv")
