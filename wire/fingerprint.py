"""What a meter tells of itself: who it is, how it is set, and what it counts of changes made to it."""

from collections.abc import Mapping
from enum import StrEnum
from itertools import chain

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
        refused: names of facts that were told before, and that the meter has refused since.
        is_unconfirmed: a serial number was told before, but whoever answers since an absence or a restart told none.
    """

    serial: str | None = None
    model: str | None = None
    firmware: str | None = None
    hardware: str | None = None
    wiring: str | None = None
    ct: int | None = None
    pt: int | None = None
    counts: Mapping[str, int] = {}
    refused: tuple[str, ...] = ()
    is_unconfirmed: bool = False


UNKNOWN = Fingerprint()

Moved = tuple[str, str | int, str | int]
"""A fact that was told before and is told otherwise now: its name, before, now; "" where it is not told."""

_ALL_BITS = frozenset(f"{float(2**bits - 1):.0f}" for bits in (16, 32, 48, 64)) | {
    str(2**bits - 1) for bits in (16, 32, 48, 64)
}


def is_serial(text: str) -> bool:
    """Whether a text can be a serial number: not what many meters hold that were never given one.

    That is nothing but 0 or blanks, or all bits set, written in hex or as a number.
    """
    digits = text.replace(" ", "").upper()
    return bool(digits.strip("0")) and bool(digits.strip("F")) and digits not in _ALL_BITS


def plain(told: Fingerprint) -> Fingerprint:
    """The same where the serial number is one; where it is none, the meter does not tell it."""
    if told.serial is None or is_serial(told.serial):
        return told
    return msgspec.structs.replace(told, serial=None, refused=tuple({*told.refused, Fact.SERIAL.value}))


def merged(known: Fingerprint, told: Fingerprint) -> Fingerprint:
    """What is known after a meter told something; what it left out stands as it was, what it refused does not."""
    gone = _not_told(told)
    facts = {
        n: None if now is None and n in gone else before if now is None else now
        for n, before, now in _single(known, told)
    }
    return Fingerprint(
        **facts,  # type: ignore[arg-type]  # by its own names
        counts={**known.counts, **told.counts},
        refused=tuple(sorted(name for name in {*known.refused, *told.refused} if facts[name] is None)),
        is_unconfirmed=facts["serial"] is None and (known.is_unconfirmed or told.is_unconfirmed),
    )


def moved(known: Fingerprint, told: Fingerprint) -> list[Moved]:
    """What differs between two fingerprints.

    A fact that only one of them has says nothing, unless the other one says that it is refused or unconfirmed.
    """
    lost, found = _not_told(told), _not_told(known)
    single = chain.from_iterable(_differs(n, b, t, n in lost, n in found) for n, b, t in _single(known, told))
    counts = [(n, known.counts[n], t) for n, t in told.counts.items() if known.counts.get(n, t) != t]
    return [*single, *counts]


def _differs(name: str, before: str | int | None, now: str | int | None, is_lost: bool, is_found: bool) -> list[Moved]:
    if before is None:
        return [(name, "", now)] if now is not None and is_found else []
    if now is None:
        return [(name, before, "")] if is_lost else []
    return [(name, before, now)] if before != now else []


def _not_told(one: Fingerprint) -> set[str]:
    return {*one.refused, Fact.SERIAL.value} if one.is_unconfirmed else {*one.refused}


def _single(known: Fingerprint, told: Fingerprint) -> list[tuple[str, str | int | None, str | int | None]]:
    names = [n for n in Fingerprint.__struct_fields__ if n not in ("counts", "refused", "is_unconfirmed")]
    return [(name, getattr(known, name), getattr(told, name)) for name in names]
