"""The key and the run."""

import stat
from pathlib import Path

import pytest

from edge_agent.errors import DataUnusable
from edge_agent.identity import KEY_FILE, boot, kid, load_or_make_key
from tests.edge_agent.conftest import Write


def test_key_is_made_once_and_ours_alone(tmp_path: Path) -> None:
    """The first start makes a key that only the agent's user can read; later starts find the same."""
    first = load_or_make_key(tmp_path / "data")
    file = tmp_path / "data" / KEY_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert load_or_make_key(tmp_path / "data").public == first.public
    assert [f.name for f in file.parent.iterdir()] == [KEY_FILE]


def test_half_a_key_of_a_killed_start_is_made_again(tmp_path: Path) -> None:
    """A start that was killed while it wrote leaves a part file, which the next start replaces."""
    (tmp_path / "key.part").write_bytes(b"-----BEGIN")
    assert load_or_make_key(tmp_path).alg == "Ed25519"


def test_damaged_key(tmp_path: Path) -> None:
    """A damaged key is named and kept: a silently new key would be refused by the server for ever."""
    (tmp_path / KEY_FILE).write_bytes(b"garbage")
    with pytest.raises(DataUnusable, match=r"key\.pem: private key: .*put the key back from a copy"):
        load_or_make_key(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == b"garbage"


def test_folder_that_is_a_file(tmp_path: Path) -> None:
    """A data folder that cannot be made is named."""
    (tmp_path / "data").write_text("", encoding="utf-8")
    with pytest.raises(DataUnusable, match=r"data: .*data cannot be made"):
        load_or_make_key(tmp_path / "data")


def test_each_run_is_another_boot(write: Write) -> None:
    """Two starts differ in their id and agree in the settings' digest and the meters' maps."""
    settings = write()
    one, two = boot(settings, "1.0"), boot(settings, "1.0")
    assert one.id != two.id
    assert one.settings_digest == two.settings_digest == settings.digest
    assert one.meters["m1"].digest == settings.meters[0].loaded.digest
    assert kid("a1") == "a1#1"
