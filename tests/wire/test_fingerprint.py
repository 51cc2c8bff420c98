"""What a meter tells of itself, and what of it changed."""

import pytest

from wire.fingerprint import UNKNOWN, Fingerprint, merged, moved

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
