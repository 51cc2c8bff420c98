"""What a meter tells of itself, and what of it changed."""

import pytest

from wire.fingerprint import UNKNOWN, Fingerprint, is_serial, merged, moved, plain

BEFORE = Fingerprint(serial="21033417", firmware="1.19", ct=200_000, counts={"change_count": 12, "restart_count": 3})


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (BEFORE, []),
        (UNKNOWN, []),
        (Fingerprint(serial="21055012"), [("serial", "21033417", "21055012")]),
        (Fingerprint(model="DIRIS A"), []),
        (Fingerprint(firmware="1.20", ct=40_000), [("firmware", "1.19", "1.20"), ("ct", 200_000, 40_000)]),
        (Fingerprint(counts={"change_count": 13, "restart_count": 3}), [("change_count", 12, 13)]),
        (Fingerprint(counts={"change_count": 0}), [("change_count", 12, 0)]),
        (Fingerprint(counts={"power_loss_count": 7}), []),
        (Fingerprint(refused=("serial",)), [("serial", "21033417", "")]),
        (Fingerprint(firmware="1.19", refused=("serial", "model")), [("serial", "21033417", "")]),
        (Fingerprint(is_unconfirmed=True), [("serial", "21033417", "")]),
    ],
)
def test_moved(told: Fingerprint, expected: list[object]) -> None:
    """Each fact that both have and that differs is told with both values; what one of them lacks says nothing."""
    assert moved(BEFORE, told) == expected


def test_merged_keeps_what_was_not_told() -> None:
    """A later word replaces an earlier one, fact by fact and counter by counter."""
    told = Fingerprint(serial="21055012", pt=1000, counts={"change_count": 13})
    assert merged(BEFORE, told) == Fingerprint(
        serial="21055012", firmware="1.19", ct=200_000, pt=1000, counts={"change_count": 13, "restart_count": 3}
    )
    assert merged(UNKNOWN, BEFORE) == BEFORE


def test_what_was_refused_is_forgotten_and_shows_when_it_comes_back() -> None:
    """After a refusal the fact is not known; told again, it differs from nothing told."""
    without = merged(BEFORE, Fingerprint(refused=("serial",)))
    assert (without.serial, without.firmware, without.refused) == (None, "1.19", ("serial",))
    assert moved(without, Fingerprint(refused=("serial",))) == []
    assert moved(without, Fingerprint(serial="21055012")) == [("serial", "", "21055012")]
    again = merged(without, Fingerprint(serial="21055012"))
    assert (again.serial, again.refused) == ("21055012", ())


def test_an_unconfirmed_serial_number_never_shares_with_a_confirmed_one() -> None:
    """Either way round the two differ, so no envelope holds rows of both."""
    unconfirmed = merged(BEFORE, Fingerprint(is_unconfirmed=True))
    assert (unconfirmed.serial, unconfirmed.is_unconfirmed) == (None, True)
    assert moved(unconfirmed, BEFORE) == [("serial", "", "21033417")]
    assert moved(unconfirmed, unconfirmed) == []
    assert merged(unconfirmed, BEFORE) == BEFORE


NONE_GIVEN = ["", "   ", "0", "000000000000", "00 00", "F", "ffffffff", "FFFFFFFFFFFF", "65535", "4294967295"]


@pytest.mark.parametrize("text", [*NONE_GIVEN, "18446744073709551615", f"{float(2**64 - 1):.0f}"])
def test_what_is_no_serial_number(text: str) -> None:
    """What stands in a meter that was never given one is not told, and does not pass for a number that it has."""
    assert not is_serial(text)
    assert plain(Fingerprint(serial=text)) == Fingerprint(refused=("serial",))


@pytest.mark.parametrize("text", ["1", "21033417", "00000001", "F0", "0F", "FFFFFFFE", "SN 0"])
def test_what_is_a_serial_number(text: str) -> None:
    """Anything else is one."""
    assert is_serial(text)
    assert plain(Fingerprint(serial=text)) == Fingerprint(serial=text)
