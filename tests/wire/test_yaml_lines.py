"""In which line a key stands."""

import pytest

from wire.yaml_lines import line_of

TEXT = """\
agent: a1
meters:
  - {id: m1, unit: 1}
  - id: m2
    serial:
      baud: 9600
"""

PLACES = {
    "agent": 1,
    "meters": 2,
    "meters[0].unit": 3,
    "meters[1]": 4,
    "meters[1].serial.baud": 6,
    "meters[1].serial.parity": 5,
    "meters[7].unit": 2,
    "broker": None,
    "": None,
}


@pytest.mark.parametrize("place", PLACES)
def test_line_of(place: str) -> None:
    """A key's own line; of a key that is missing, the line of what should hold it."""
    assert line_of(TEXT, place) == PLACES[place]


def test_nothing_has_no_lines() -> None:
    """An empty text and a list at the top are no reason to fail."""
    assert line_of("", "agent") is None
    assert line_of("- a\n", "agent") is None
