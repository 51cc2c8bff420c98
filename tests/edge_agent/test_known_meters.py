"""Which meter answers under which id, over restarts."""

from pathlib import Path

import pytest

from edge_agent.known_meters import METERS_FILE, KnownMeters
from wire.fingerprint import UNKNOWN, Fingerprint

A, B = Fingerprint(serial="21033417", ct=200_000), Fingerprint(serial="21055012")


def known(folder: Path, **meters: Fingerprint) -> KnownMeters:
    """Meters m1 and m2, as a run before left them."""
    before = KnownMeters(folder, ["m1", "m2"])
    for meter, told in meters.items():
        before.judge(meter, told)
    before.save()
    return KnownMeters(folder, ["m1", "m2"])


def test_what_is_known_survives_a_restart(tmp_path: Path) -> None:
    """The next run knows each meter's fingerprint, and what moved since shows in the first word of the meter."""
    meters = known(tmp_path, m1=A)
    assert meters.fingerprints == {"m1": A, "m2": UNKNOWN}
    verdict = meters.judge("m1", Fingerprint(serial="30000001", ct=200_000))
    assert verdict.moved == [("serial", "21033417", "30000001")]
    assert verdict.other is None
    assert meters.judge("m1", None).fingerprint.serial == "30000001"
    assert meters.judge("m1", Fingerprint(serial="30000001")).moved == []


def test_the_first_word_of_a_meter_moves_nothing(tmp_path: Path) -> None:
    """A meter that was never heard is taken as it comes."""
    assert known(tmp_path).judge("m1", A).moved == []


def test_buses_that_are_exchanged(tmp_path: Path) -> None:
    """A meter that tells another one's serial number is that one: said so, until it tells its own again."""
    meters = known(tmp_path, m1=A, m2=B)
    first = meters.judge("m1", B)
    assert (first.other, first.fingerprint, first.moved) == ("m2", B, [])
    assert meters.judge("m1", None).other == "m2"
    assert meters.judge("m1", Fingerprint(ct=200_000)).other == "m2"  # its serial number went missing in this poll
    meters.judge("m2", A)
    assert meters.exchanged == {"m1": "m2", "m2": "m1"}
    meters.save()
    again = KnownMeters(tmp_path, ["m1", "m2"])
    assert again.fingerprints == {"m1": A, "m2": B}
    assert (again.judge("m1", A).other, again.judge("m1", A).moved, again.exchanged) == (None, [], {})


def test_a_meter_that_was_moved_from_an_id_that_is_no_longer_there(tmp_path: Path) -> None:
    """A meter whose id was renamed in the settings is not taken for an exchange."""
    known(tmp_path, m1=A)
    meters = KnownMeters(tmp_path, ["furnace-1"])
    assert meters.judge("furnace-1", A).other is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"m1": {"serial": 7}}', b"[]"])
def test_a_damaged_file_is_no_reason_to_stop(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """The meters are taken as they come, and the log says why."""
    (tmp_path / METERS_FILE).write_bytes(content)
    assert KnownMeters(tmp_path, ["m1"]).fingerprints == {"m1": UNKNOWN}
    assert "the meters are taken as they come" in caplog.text


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing stops; the log says that a change over the next restart will not show."""
    meters = KnownMeters(tmp_path / "gone", ["m1"])
    meters.judge("m1", A)
    meters.save()
    assert "is not kept" in caplog.text
