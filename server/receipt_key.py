"""The key that signs receipts: made at the first start, kept in DATA/keys/receipt.pem, readable by its owner only."""

import os
import stat
import tempfile
from pathlib import Path

from server.settings import Settings
from wire.errors import Malformed, SurroundingsError
from wire.keys import PrivateKey

FILE_NAME = "receipt.pem"


def receipt_key(settings: Settings) -> PrivateKey:
    """The server's key; a new one where there is none yet.

    Raises:
        SurroundingsError: it cannot be made or read, others may read it, or it is no key.
    """
    path = settings.data / "keys" / FILE_NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make(path)
        rights = stat.S_IMODE(path.stat().st_mode)
        pem = path.read_bytes()
    except OSError as error:
        raise SurroundingsError(f"{path}: cannot be used: {error.strerror}; check the folder's rights") from error
    if rights & 0o077:
        raise SurroundingsError(f"{path}: expected rights 0600, got {rights:04o}; run: chmod 600 {path}")
    try:
        return PrivateKey.from_pem(pem)
    except Malformed as error:
        raise SurroundingsError(f"{path}: {error}; restore it from a copy: agents trust this key only") from error


def _make(path: Path) -> None:
    """Write a whole key under another name first: two programs that start together must end up with the same one."""
    handle, name = tempfile.mkstemp(dir=path.parent)  # 0600 by its contract
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(PrivateKey.generate().to_pem())
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(name)
    except FileExistsError:
        pass  # the other program was first: its key counts
    finally:
        Path(name).unlink()
