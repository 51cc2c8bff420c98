"""Which meter answered under each id last, kept over restarts: a meter that was exchanged while nobody looked shows.

Two buses whose adapters changed their names show too: each meter tells the other one's serial number.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import msgspec

from wire.fingerprint import UNKNOWN, Fingerprint, Moved, merged, moved

log = logging.getLogger(__name__)

METERS_FILE = "meters.json"


class Verdict(msgspec.Struct, frozen=True):
    """What a meter's word about itself shows.

    Attributes:
        fingerprint: what is in force now.
        moved: what it tells otherwise than before.
        other: the meter whose serial number it tells, or None.
    """

    fingerprint: Fingerprint
    moved: list[Moved] = []
    other: str | None = None


class KnownMeters:
    """The fingerprints of one agent's meters.

    Attributes:
        exchanged: meters that tell another one's serial number now, with that one's id.
        file: where they are kept.
    """

    def __init__(self, folder: Path, meters: Iterable[str]) -> None:
        """What the last run wrote of these meters; nothing if there is no such file, or not a whole one."""
        self.exchanged: dict[str, str] = {}
        self.file = folder / METERS_FILE
        self._saved = b""
        stored = _read(self.file)
        self._known = {meter: stored.get(meter, UNKNOWN) for meter in meters}
        self._refused: dict[str, Fingerprint] = {}

    @property
    def fingerprints(self) -> dict[str, Fingerprint]:
        """By meter."""
        return dict(self._known)

    def judge(self, meter: str, told: Fingerprint | None) -> Verdict:
        """What a poll's word shows.

        Args:
            meter: its id.
            told: what the meter told of itself, None if it was not asked.
        """
        if told is None:
            return Verdict(self._refused.get(meter, self._known[meter]), other=self.exchanged.get(meter))
        known = self._known[meter]
        other = self._owner(told.serial, meter)
        if told.serial is None and meter in self.exchanged:
            return self.judge(meter, None)
        if other is not None and told.serial != known.serial:
            self.exchanged[meter] = other
            self._refused[meter] = told
            return Verdict(told, other=other)
        self.exchanged.pop(meter, None)
        self._refused.pop(meter, None)
        self._known[meter] = merged(known, told)
        return Verdict(self._known[meter], moved(known, told))

    def save(self) -> None:
        """Write them down if they changed, whole or not at all; on a full disk the last ones stay."""
        text = msgspec.json.format(msgspec.json.encode(self._known))
        if text == self._saved:
            return
        part = self.file.with_suffix(".part")
        try:
            part.write_bytes(text)
            part.replace(self.file)
        except OSError as error:
            log.warning("%s: %s; what the meters tell of themselves is not kept", self.file, error)
        else:
            self._saved = text

    def _owner(self, serial: str | None, but: str) -> str | None:
        if serial is None:
            return None
        return next((m for m, known in self._known.items() if m != but and known.serial == serial), None)


def _read(file: Path) -> dict[str, Fingerprint]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Fingerprint])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        log.warning("%s: %s; the meters are taken as they come", file, error)
        return {}
