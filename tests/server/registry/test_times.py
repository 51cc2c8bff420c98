"""Times as people, spreadsheets and web addresses write them."""

import pytest

from server.times import parse_ms

MARCH_FIRST_MS = 1_772_294_400_000
"""2026-03-01T00:00 in Beijing, 2026-02-28T16:00 UTC."""


@pytest.mark.parametrize(
    ("text", "after_ms"),
    [
        ("2026-03-01", 0),
        ("2026-03-01T00:00", 0),
        (" 2026-03-01 00:00:00 ", 0),
        ("2026-03-01T00:00:00+08:00", 0),
        ("2026-03-01T00:00:00 08:00", 0),
        ("2026-02-28T16:00:00Z", 0),
        ("2026-02-28T17:00:00.250+01:00", 250),
        ("2026/3/1", 0),
        ("2026/3/1 8:05", 8 * 3_600_000 + 300_000),
        ("2026/03/01 08:05:09", 8 * 3_600_000 + 309_000),
    ],
)
def test_read(text: str, after_ms: int) -> None:
    """A time without an offset is Beijing's; a date alone is its first moment; a lost plus sign is found again."""
    assert parse_ms(text) == MARCH_FIRST_MS + after_ms


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-02-30", "2026/13/1", "2026/3/1 24:00", "1772294400", "26-3-1"])
def test_not_a_time(text: str) -> None:
    """What is no time is refused with an example."""
    with pytest.raises(ValueError, match="expected a time like 2026-03-01T08:00"):
        parse_ms(text)


@pytest.mark.parametrize("text", ["1969-12-31", "9999-12-31T23:59:59-12:00"])
def test_out_of_the_calendar(text: str) -> None:
    """Only times between 1970 and 9999 can be stored."""
    with pytest.raises(ValueError, match="expected a time between 1970 and 9999"):
        parse_ms(text)
