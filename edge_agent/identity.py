"""Who signs: a key made on first start, and the run of the program that took a row."""

import os
import uuid
from pathlib import Path

import msgspec

from edge_agent.config import Settings
from edge_agent.errors import DataUnusable
from wire.errors import Malformed
from wire.keys import PrivateKey

KEY_FILE = "key.pem"
KEY_EPOCH = 1


class MeterFacts(msgspec.Struct, frozen=True):
    """What an envelope says of a meter besides its rows."""

    profile: str
    digest: str
    unit: int


class Boot(msgspec.Struct, frozen=True):
    """One run of the program, kept with its rows: after a crash they are signed under the run that took them.

    Attributes:
        id: random, new at each start.
        number: counts the starts of this outbox.
        software: release.
        settings_digest: SHA-256 (b64url) of the settings in force.
        period_ms: nominal poll period.
        meters: by id.
    """

    id: str
    number: int
    software: str
    settings_digest: str
    period_ms: int
    meters: dict[str, MeterFacts]


def kid(agent: str) -> str:
    """The key's id in envelopes: <agent>#<epoch>."""
    return f"{agent}#{KEY_EPOCH}"


def make_folder(folder: Path) -> None:
    """The data folder, readable for the agent alone.

    Raises:
        DataUnusable: it cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataUnusable(
            f"data: {folder} cannot be made: {error.strerror}; correct the path or its rights"
        ) from error


def load_or_make_key(folder: Path) -> PrivateKey:
    """The agent's key; made, and safely on disk before it is used, if there is none.

    Raises:
        DataUnusable: the file cannot be read, written, or holds no key.
    """
    make_folder(folder)
    file = folder / KEY_FILE
    try:
        return PrivateKey.from_pem(file.read_bytes()) if file.exists() else _make(file)
    except Malformed as error:
        raise DataUnusable(
            f"{file}: {error}; put the key back from a copy, or move the whole folder away and register a new key"
        ) from error
    except OSError as error:
        raise DataUnusable(f"{file}: {error.strerror}; give the agent's user the right to it") from error


def _make(file: Path) -> PrivateKey:
    key = PrivateKey.generate()
    part = file.with_suffix(".part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(key.to_pem())
        stream.flush()
        os.fsync(stream.fileno())
    part.rename(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return key


def boot(settings: Settings, software: str) -> Boot:
    """This run; the outbox gives it its number."""
    return Boot(
        id=str(uuid.uuid4()),
        number=0,
        software=software,
        settings_digest=settings.digest,
        period_ms=round(settings.poll_period_s * 1000),
        meters={m.id: MeterFacts(m.loaded.profile.name, m.loaded.digest, m.unit) for m in settings.meters},
    )
