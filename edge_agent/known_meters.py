"""Which meter answered under each id last, kept over restarts: a meter that was exchanged while nobody looked shows.

Two buses whose adapters changed their names show too: each meter tells the other one's serial number.
A meter that never told a number was exchanged with none: it is taken as it comes, also with another one's number.
A serial number that nobody has told since the start, or since the meter was away, is kept but not in force.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

import msgspec

from wire.fingerprint import UNKNOWN, Fingerprint, Moved, merged, moved, plain

log = logging.getLogger(__name__)

METERS_FILE = "meters.json"
_DOUBLE = "expected each meter to tell its own: both are read; look at both nameplates, unit numbers and lines"


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
        self._known = {meter: merged(UNKNOWN, plain(stored.get(meter, UNKNOWN))) for meter in meters}
        self._unconfirmed = {meter for meter, known in self._known.items() if known.serial is not None}
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
            return Verdict(self._refused.get(meter) or self._in_force(meter), other=self.exchanged.get(meter))
        known, is_unconfirmed = self._known[meter], told.is_unconfirmed
        told = _of_known(plain(told), known)
        other = self._owner(told.serial, meter)
        if told.serial is None and meter in self.exchanged:
            return self.judge(meter, None)
        if other is not None and known.serial is None:
            log.warning("%s tells the serial number %s, as %s does; %s", meter, told.serial, other, _DOUBLE)
        elif other is not None and told.serial != known.serial:
            self.exchanged[meter] = other
            self._refused[meter] = told
            return Verdict(told, other=other)
        self.exchanged.pop(meter, None)
        self._refused.pop(meter, None)
        self._known[meter] = merged(known, told)
        self._confirm(meter, told, is_unconfirmed=is_unconfirmed)
        return Verdict(self._in_force(meter), moved(known, told))

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

    def _confirm(self, meter: str, told: Fingerprint, *, is_unconfirmed: bool) -> None:
        if told.serial is not None or self._known[meter].serial is None:
            self._unconfirmed.discard(meter)
        elif is_unconfirmed:
            self._unconfirmed.add(meter)

    def _in_force(self, meter: str) -> Fingerprint:
        known = self._known[meter]
        if meter not in self._unconfirmed:
            return known
        return msgspec.structs.replace(known, serial=None, is_unconfirmed=True)

    def _owner(self, serial: str | None, but: str) -> str | None:
        if serial is None:
            return None
        return next((m for m, known in self._known.items() if m != but and known.serial == serial), None)


def _of_known(told: Fingerprint, known: Fingerprint) -> Fingerprint:
    """What a meter told; it refuses only what it told before. Whether it is confirmed is no fact of the meter."""
    refused = tuple(name for name in told.refused if getattr(known, name) is not None)
    return msgspec.structs.replace(told, refused=refused, is_unconfirmed=False)


def _read(file: Path) -> dict[str, Fingerprint]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Fingerprint])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        log.warning("%s: %s; the meters are taken as they come", file, error)
        return {}
