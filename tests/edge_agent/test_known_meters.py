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


def test_two_meters_that_tell_one_serial_number(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """On a fresh folder both are read, now and after a restart, and the log names the two and what to look at."""
    meters = known(tmp_path)
    for _ in range(2):
        for meter in ("m1", "m2"):
            verdict = meters.judge(meter, A)
            assert (verdict.other, verdict.fingerprint, verdict.moved) == (None, A, [])
            assert meters.judge(meter, None) == verdict
    (told,) = [record.getMessage() for record in caplog.records]
    assert told == (
        "m2 tells the serial number 21033417, as m1 does; expected each meter to tell its own: "
        "both are read; look at both nameplates, unit numbers and lines"
    )
    meters.save()
    again = KnownMeters(tmp_path, ["m1", "m2"])
    assert [again.judge(meter, A).other for meter in ("m2", "m1", "m2")] == [None, None, None]
    assert again.judge("m2", B).moved == [("serial", "21033417", "21055012")]
    assert (again.judge("m2", A).other, again.exchanged) == ("m1", {"m2": "m1"})


@pytest.mark.parametrize("blank", ["0", "000000000000", "FFFFFFFF", " ", "4294967295"])
def test_meters_that_were_never_given_a_serial_number(tmp_path: Path, blank: str) -> None:
    """Two meters that hold the same blank are not one meter, also where an earlier release wrote it down."""
    (tmp_path / METERS_FILE).write_text(f'{{"m1": {{"serial": "{blank}"}}}}', encoding="utf-8")
    meters = KnownMeters(tmp_path, ["m1", "m2"])
    for meter in ("m2", "m1", "m2"):
        verdict = meters.judge(meter, Fingerprint(serial=blank))
        assert (verdict.other, verdict.moved, verdict.fingerprint.serial) == (None, [], None)
    assert meters.exchanged == {}


def test_a_blank_in_place_of_a_serial_number_is_told(tmp_path: Path) -> None:
    """A meter that told a number, and now a blank, is not taken for the one that it was."""
    verdict = known(tmp_path, m1=A).judge("m1", Fingerprint(serial="0"))
    assert (verdict.moved, verdict.fingerprint.serial) == ([("serial", "21033417", "")], None)


def test_a_serial_number_counts_only_once_it_was_told_in_this_run(tmp_path: Path) -> None:
    """After a restart it is known but not in force, until the meter tells it; what differs then still shows."""
    meters = known(tmp_path, m1=A)
    for told in (None, Fingerprint(ct=200_000), Fingerprint(is_unconfirmed=True)):
        verdict = meters.judge("m1", told)
        assert (verdict.fingerprint.serial, verdict.fingerprint.is_unconfirmed, verdict.moved) == (None, True, [])
    assert meters.fingerprints["m1"] == A
    assert meters.judge("m1", A).fingerprint == A
    assert meters.judge("m1", None).fingerprint == A


def test_whoever_answers_after_an_absence_is_unconfirmed(tmp_path: Path) -> None:
    """A meter that does not say who it is inherits no serial number, and the next one that does is compared with it."""
    meters = known(tmp_path)
    meters.judge("m1", A)
    assert meters.judge("m1", Fingerprint(is_unconfirmed=True)).fingerprint.serial is None
    assert meters.judge("m1", None).fingerprint.serial is None
    verdict = meters.judge("m1", B)
    assert (verdict.moved, verdict.fingerprint.serial) == ([("serial", "21033417", "21055012")], "21055012")


def test_a_refused_serial_number_is_told_once_over_restarts(tmp_path: Path) -> None:
    """The event comes once; what the meter tells later is an event again."""
    meters = known(tmp_path, m1=A)
    told = Fingerprint(refused=("serial",))
    assert meters.judge("m1", told).moved == [("serial", "21033417", "")]
    assert meters.judge("m1", told).moved == []
    meters.save()
    again = KnownMeters(tmp_path, ["m1", "m2"])
    assert again.judge("m1", told).moved == []
    assert again.judge("m1", B).moved == [("serial", "", "21055012")]


def test_only_another_serial_number_gives_up_the_own_one(tmp_path: Path) -> None:
    """An absent meter keeps its number; once another one answers in its place, whoever tells the old number has it."""
    meters = known(tmp_path, m1=A, m2=B)
    assert meters.judge("m2", A).other == "m1"
    assert meters.judge("m1", None).other is None  # still away
    assert meters.judge("m2", A).other == "m1"
    meters.judge("m1", Fingerprint(serial="30000001"))
    verdict = meters.judge("m2", A)
    assert (verdict.other, verdict.moved) == (None, [("serial", "21055012", "21033417")])
    assert meters.exchanged == {}


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
