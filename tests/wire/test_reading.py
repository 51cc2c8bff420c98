import pytest

from wire.reading import Reason, State, Unreadable


def test_unreadable_is_no_number() -> None:
    """A value that was not read takes part in no arithmetic: nobody can add it up as 0."""
    missing = Unreadable(Reason.TIMEOUT)
    with pytest.raises(TypeError, match="unsupported operand"):
        missing + 0  # type: ignore[operator] # that it is refused is the point


def test_letters_and_reasons_are_distinct() -> None:
    """States are one letter each, reasons are lower-case words: both travel as they are."""
    assert all(len(state) == 1 and state.isupper() for state in State)
    assert all(reason == reason.lower() and reason.replace("_", "").isalpha() for reason in Reason)
