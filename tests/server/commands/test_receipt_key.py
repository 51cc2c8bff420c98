"""The key that signs receipts: made once, for its owner's eyes only."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.receipt_key import receipt_key
from server.settings import Settings
from wire.errors import SurroundingsError


def test_made_once(tmp_path: Path) -> None:
    """The first call makes the key, every later one gives the same; nobody else may read it."""
    settings = Settings(data=tmp_path / "data")
    first = receipt_key(settings)
    file = tmp_path / "data" / "keys" / "receipt.pem"

    assert receipt_key(settings).public == first.public
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [p.name for p in file.parent.iterdir()] == ["receipt.pem"]


def test_programs_that_start_together_get_the_same(tmp_path: Path) -> None:
    """`agents add` and `run` at the same moment must not tell agents two keys."""
    settings = Settings(data=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        keys = {str(key.public) for key in pool.map(receipt_key, [settings] * 32)}

    assert len(keys) == 1


def test_readable_by_others(tmp_path: Path) -> None:
    """A key that others may read is refused with the command that repairs it."""
    settings = Settings(data=tmp_path)
    receipt_key(settings)
    (tmp_path / "keys" / "receipt.pem").chmod(0o640)

    with pytest.raises(SurroundingsError, match="expected rights 0600, got 0640; run: chmod 600 "):
        receipt_key(settings)


def test_damaged(tmp_path: Path) -> None:
    """A file that is no key is never replaced: agents trust the old one."""
    (tmp_path / "keys").mkdir()
    file = tmp_path / "keys" / "receipt.pem"
    file.touch(0o600)

    with pytest.raises(SurroundingsError, match=r"receipt\.pem: private key: not an unencrypted PEM.*restore it"):
        receipt_key(Settings(data=tmp_path))
    assert file.read_bytes() == b""


def test_no_folder_can_be_made(tmp_path: Path) -> None:
    """A data folder that is a file is the environment's fault."""
    (tmp_path / "data").touch()

    with pytest.raises(SurroundingsError, match=r"receipt\.pem: cannot be used: Not a directory"):
        receipt_key(Settings(data=tmp_path / "data"))
