import re
from pathlib import Path

import pytest

from wire import profile_files
from wire.errors import ProfileError
from wire.profile import Topic, digest
from wire.quality import mark


def test_names_are_the_files() -> None:
    """Every file in firmware_configs/meters is offered, sorted by name."""
    folder = Path(profile_files.__file__).parents[1] / "firmware_configs" / "meters"
    assert profile_files.names() == tuple(sorted(p.stem for p in folder.glob("*.yaml") if p.stem != "BLUEPRINT"))
    assert {"eastron_sdm630", "chint_dtsu666", "acrel_adl400", "waveshare_di8"} <= set(profile_files.names())


@pytest.mark.parametrize("name", profile_files.names())
def test_shipped_profile_loads(name: str) -> None:
    """Each shipped profile loads, bears its file's name and says where each register comes from."""
    profile = profile_files.find(name).profile
    assert profile.name == name
    assert profile.registers
    assert all(register.source for register in profile.registers)


def test_blueprint_is_a_good_profile() -> None:
    """The file to copy is free of mistakes, with a whole card."""
    folder = Path(profile_files.__file__).parents[1] / "firmware_configs" / "meters"
    profile = profile_files.find(str(folder / profile_files.BLUEPRINT)).profile
    assert profile.quality.keys() == set(Topic)


@pytest.mark.parametrize("name", profile_files.names())
def test_every_shipped_profile_has_a_card(name: str) -> None:
    """Each answers every topic, and none claims a device that nobody tried."""
    quality = profile_files.find(name).profile.quality
    assert quality.keys() == set(Topic)
    assert quality[Topic.GOLDEN] == "done"
    assert mark(quality[Topic.TRIED_ON_HARDWARE]).state == "todo"


def test_a_path_is_read(tmp_path: Path) -> None:
    """Any file can be a profile; its digest is of its text."""
    path = tmp_path / "own.yaml"
    path.write_text("name: own\nvendor: V\nmodel: M\nkind: electricity_meter\nregisters: []\n")
    loaded = profile_files.find(str(path))
    assert (loaded.profile.name, loaded.digest) == ("own", digest(path.read_text()))


def test_missing_file(tmp_path: Path) -> None:
    """A path that leads nowhere is named with what to do."""
    with pytest.raises(ProfileError, match=re.escape("none.yaml: cannot be read: No such file or directory; check")):
        profile_files.find(str(tmp_path / "none.yaml"))


def test_unknown_name_lists_the_known() -> None:
    """A wrong name answers with the names that exist."""
    with pytest.raises(ProfileError, match=r"profile 'sdm630': expected one of .*acrel_adl400, .*eastron_sdm630"):
        profile_files.find("sdm630")
