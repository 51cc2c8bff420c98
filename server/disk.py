"""How much room the data folder's disk has left."""

import shutil
from pathlib import Path

import msgspec


class Disk(msgspec.Struct, frozen=True):
    """A disk at one moment, in bytes."""

    free_bytes: int
    total_bytes: int


def look(folder: Path) -> Disk:
    """The disk under a folder.

    Raises:
        OSError: the folder cannot be looked at.
    """
    usage = shutil.disk_usage(folder)
    return Disk(usage.free, usage.total)
