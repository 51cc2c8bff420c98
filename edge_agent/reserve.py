"""Disk space held back, so that a full disk still lets the agent write down that it is losing rows."""

import contextlib
import os
from pathlib import Path

RESERVE_BYTES = 512 * 1024


class Reserve:
    """A file that takes up space until it is needed."""

    def __init__(self, file: Path, size: int = RESERVE_BYTES) -> None:
        self._file, self._size = file, size

    def release(self) -> None:
        """Give the space to whoever writes next."""
        self._file.unlink(missing_ok=True)

    def take(self) -> bool:
        """Hold the space again; False while the disk does not have it and as much beside it."""
        if self._file.exists() and self._file.stat().st_size == self._size:
            return True
        free = os.statvfs(self._file.parent)
        if free.f_bavail * free.f_frsize < 2 * self._size:
            return False
        try:
            handle = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(handle, 0, self._size)
            finally:
                os.close(handle)
        except OSError:
            with contextlib.suppress(OSError):
                self._file.unlink(missing_ok=True)
            return False
        return True
