"""Unified social credit codes: real ones pass, every typing error is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.credit_code import ALPHABET, check_character, checked

PUBLISHED = (
    "91350100M000100Y43",
    "91440300708461136T",
    "914403001922038216",
    "91370200163562681G",
    "91330000142916567N",
)


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_codes_pass(code: str) -> None:
    """Codes of real enterprises pass, in small letters and with blanks around them too."""
    assert checked(f" {code.lower()} ") == code


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "expected 18 characters, got 0"),
        ("9135010OM000100Y43", "without I, O, S, V, Z, got O"),
        ("91350100M000100Y44", "expected check character 3 at the end"),
    ],
)
def test_wrong_codes_are_refused(code: str, message: str) -> None:
    """The message says what is wrong with the code."""
    with pytest.raises(ValueError, match=message):
        checked(code)


@given(st.text(ALPHABET, min_size=17, max_size=17), st.integers(0, 16), st.integers(1, 30))
def test_one_wrong_character_is_always_found(first_17: str, at: int, by: int) -> None:
    """Whatever character of the 17 is mistyped, the check character no longer fits."""
    wrong = ALPHABET[(ALPHABET.index(first_17[at]) + by) % 31]
    mistyped = first_17[:at] + wrong + first_17[at + 1 :]

    assert check_character(mistyped) != check_character(first_17)
