"""What a meter tells of itself: who it is, how it is set, and what it counts of changes made to it."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Fact(StrEnum):
    """One thing that a meter can tell of itself."""

    SERIAL = "serial"
    MODEL = "model"
    FIRMWARE = "firmware"
    HARDWARE = "hardware"
    WIRING = "wiring"
    CHANGE_COUNT = "change_count"
    RESTART_COUNT = "restart_count"
    POWER_LOSS_COUNT = "power_loss_count"


COUNTERS = (Fact.CHANGE_COUNT, Fact.RESTART_COUNT, Fact.POWER_LOSS_COUNT)


class Fingerprint(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one meter told; None where it did not, or not yet.

    Attributes:
        serial, model, firmware, hardware, wiring: as text.
        ct, pt: ratios in thousandths.
        counts: of COUNTERS, those that the meter has.
    """

    serial: str | None = None
    model: str | None = None
    firmware: str | None = None
    hardware: str | None = None
    wiring: str | None = None
    ct: int | None = None
    pt: int | None = None
    counts: Mapping[str, int] = {}


UNKNOWN = Fingerprint()

Moved = tuple[str, str | int, str | int]
"""A fact that was told before and is told otherwise now: its name, before, now."""


def merged(known: Fingerprint, told: Fingerprint) -> Fingerprint:
    """What is known after a meter told something; what it left out stands as it was."""
    facts = {name: before if now is None else now for name, before, now in _single(known, told)}
    return Fingerprint(**facts, counts={**known.counts, **told.counts})  # type: ignore[arg-type]  # by its own names


def moved(known: Fingerprint, told: Fingerprint) -> list[Moved]:
    """What differs between two fingerprints; a fact that only one of them has says nothing."""
    single = [(n, b, t) for n, b, t in _single(known, told) if b is not None and t is not None and b != t]
    counts = [(n, known.counts[n], t) for n, t in told.counts.items() if known.counts.get(n, t) != t]
    return single + counts


def _single(known: Fingerprint, told: Fingerprint) -> list[tuple[str, str | int | None, str | int | None]]:
    names = [n for n in Fingerprint.__struct_fields__ if n != "counts"]
    return [(name, getattr(known, name), getattr(told, name)) for name in names]
