"""Which furnaces the state phases out. The items are data in catalogue.yaml; here is how an item's rule is read.

That an item fits says what list a furnace stands on, not that it may be sealed: a county can seal any furnace, and
then the reason why no item fits is kept beside it.
"""

import datetime as dt
from collections.abc import Iterator
from functools import cache
from importlib.resources import as_file, files
from typing import Literal

import msgspec

from wire import settings_file

Kind = Literal["mf_coreless", "mains_coreless", "mains_channel"]
Shell = Literal["aluminium", "steel"]
KINDS: tuple[Kind, ...] = ("mf_coreless", "mains_coreless", "mains_channel")
SHELLS: tuple[Shell, ...] = ("aluminium", "steel")


class FurnaceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a furnace is, as far as an item asks.

    Attributes:
        kind: medium or mains frequency, coreless or channel.
        shell: None where nobody said.
        yoke: whether the coil has a magnetic yoke; None where nobody said.
        tonnes: nominal capacity.
        melts_scrap: whether it melts scrap into steel.
    """

    kind: str
    shell: str | None
    yoke: bool | None
    tonnes: float
    melts_scrap: bool


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a furnace must be; None asks nothing."""

    kinds: tuple[Kind, ...]
    shell: Shell | None = None
    yoke: bool | None = None
    tonnes_min: float | None = None
    melts_scrap: bool | None = None

    def complaints(self, furnace: FurnaceFacts) -> Iterator[str]:
        """Every key that does not fit: expected, got."""
        if furnace.kind not in self.kinds:
            yield f"kind: expected {' or '.join(self.kinds)}, got {furnace.kind}"
        if self.shell is not None and furnace.shell != self.shell:
            yield f"shell: expected {self.shell}, got {furnace.shell or 'nothing'}"
        if self.yoke is not None and furnace.yoke is not self.yoke:
            yield f"yoke: expected {_yes(self.yoke)}, got {_yes(furnace.yoke)}"
        if self.tonnes_min is not None and furnace.tonnes < self.tonnes_min:
            yield f"tonnes: expected at least {self.tonnes_min:g}, got {furnace.tonnes:g}"
        if self.melts_scrap is not None and furnace.melts_scrap is not self.melts_scrap:
            yield f"melts_scrap: expected {_yes(self.melts_scrap)}, got {_yes(furnace.melts_scrap)}"


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One item of one edition; catalogue.yaml says what each key is."""

    key: str
    edition: str
    section: str
    item: str
    item_read_in: str
    certainty: Literal["read"]
    rule: Rule
    until: dt.date | None = None


class Listed(msgspec.Struct, frozen=True):
    """The item that lists a furnace.

    Attributes:
        until: the day on which the edition was replaced, if it was.
    """

    edition: str
    item: str
    until: dt.date | None


class NotListed(msgspec.Struct, frozen=True):
    """Why no item lists a furnace: for each, all that does not fit."""

    reason: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    items: tuple[Item, ...]


@cache
def items() -> tuple[Item, ...]:
    """The items of catalogue.yaml, in the order in which they are tried."""
    with as_file(files("server") / "catalogue.yaml") as path:
        return settings_file.read(path, _File).items


def listed(furnace: FurnaceFacts) -> Listed | NotListed:
    """The first item that a furnace fits, or why it fits none."""
    reasons = []
    for item in items():
        complaints = list(item.rule.complaints(furnace))
        if not complaints:
            return Listed(item.edition, item.item, item.until)
        reasons.append(f"{item.key}: {', '.join(complaints)}")
    return NotListed("; ".join(reasons))


def _yes(value: bool | None) -> str:
    return "nothing" if value is None else "yes" if value else "no"
