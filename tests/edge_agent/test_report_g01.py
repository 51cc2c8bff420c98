"""Report g01: a register list that would be polled at plausible but wrong addresses is refused, line by line."""

from pathlib import Path

import pytest

from wire.errors import ProfileError
from wire.profile import load

REPORT = Path(__file__).parent / "reports" / "g01-octal-address" / "agent.yaml"
HEAD = "name: my_meter\nvendor: V\nmodel: M\nkind: electricity_meter\nregisters:\n"
FREQUENCY = "  - {quantity: frequency_hz, function: %d, address: %s, type: f32, source: s}\n"

MISTAKES: dict[str, tuple[str, str]] = {
    "octal": (FREQUENCY % (3, "0012"), r"number 0012: expected 11 or 0x0b, without leading zero .* line 6"),
    "reads as text": (FREQUENCY % (3, "0019"), r"line 6: registers\[0\]\.address: Expected `int`, got `str`"),
    "given twice": (FREQUENCY % (3, "52") + FREQUENCY % (3, "70"), r"line 7: .*given twice"),
    "3x of a document": (FREQUENCY % (4, "30053"), r"line 6: .*30053 looks like a document's number.*address 52"),
    "4x of a document": (FREQUENCY % (3, "40071"), r"line 6: .*40071 looks like a document's number.*address 70"),
    "six digits of a document": (FREQUENCY % (3, "400071"), r"line 6: .*400071 looks like a document's number"),
    "a count that the type contradicts": (
        "  - {quantity: power_factor, function: 3, address: 0x3E, count: 1, type: f32, source: s}\n",
        r"line 6: .*unknown field `count`",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_line_is_refused(mistake: str) -> None:
    """Each of the report's mistakes ends with file, line and what to write instead, before anything is polled."""
    text, words = MISTAKES[mistake]
    with pytest.raises(ProfileError, match=rf"(?s)^my\.yaml: .*{words}"):
        load(HEAD + text, "my.yaml")


def test_the_report_itself() -> None:
    """The file as it was reported is refused at its first line."""
    with pytest.raises(ProfileError, match=r"^agent\.yaml: .*number 0012.*line 2"):
        load(REPORT.read_text(encoding="utf-8"), "agent.yaml")
