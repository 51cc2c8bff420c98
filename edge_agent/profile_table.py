"""The register maps that ship with ColdSeal as a table: for `profiles list` and for docs/profiles.md.

`python -m edge_agent.profile_table` prints the page's table.
"""

import sys
from collections import Counter
from collections.abc import Iterator

import msgspec

from wire import profile_files
from wire.profile import Profile
from wire.quality import card, mark

GRID_CHECK_HZ = 0.01
"""A coarser frequency cannot be compared with the grid's (domain.md §6)."""


class Row(msgspec.Struct, frozen=True):
    """One profile.

    Attributes:
        name, vendor, model, kind: as in the file.
        frequency_resolution_hz: None where the meter has no frequency.
        is_good_for_grid_check: whether its frequency is fine enough to be compared with the grid's.
        quality: the card.
        registers: how many quantities it has.
        unverified: those of which one unofficial source tells.
        unverified_identity: probes and identity entries of which one unofficial source tells.
        ratio_applied_by: who makes the values primary.
    """

    name: str
    vendor: str
    model: str
    kind: str
    frequency_resolution_hz: float | None
    is_good_for_grid_check: bool
    quality: dict[str, str | dict[str, str]]
    registers: int
    unverified: tuple[str, ...]
    unverified_identity: tuple[str, ...]
    ratio_applied_by: str


def row(profile: Profile) -> Row:
    """What the table says of one profile."""
    step = profile.frequency_resolution_hz
    told = [f"probe at {p.address:#06x}" for p in profile.probes if p.unverified]
    return Row(
        name=profile.name,
        vendor=profile.vendor,
        model=profile.model,
        kind=profile.kind.value,
        frequency_resolution_hz=step,
        is_good_for_grid_check=step is not None and step <= GRID_CHECK_HZ,
        quality=card(profile),
        registers=len(profile.registers),
        unverified=tuple(r.quantity.value for r in profile.registers if r.unverified),
        unverified_identity=(*told, *(i.fact.value for i in profile.identity if i.unverified)),
        ratio_applied_by=profile.ratio_applied_by.value,
    )


def rows() -> list[Row]:
    """Every shipped profile, by name."""
    return [row(profile_files.find(name).profile) for name in profile_files.names()]


def grid_check(one: Row) -> str:
    """Whether the frequency serves the grid check, in words."""
    if one.frequency_resolution_hz is None:
        return "no frequency"
    return f"{'yes' if one.is_good_for_grid_check else 'no'}, {one.frequency_resolution_hz:g} Hz"


def card_counts(profile: Profile) -> str:
    """The card in three numbers."""
    states = Counter(mark(answer).state for answer in profile.quality.values())
    return " / ".join(str(states[state]) for state in ("done", "todo", "exempt"))


def markdown() -> Iterator[str]:
    """The lines of the table in docs/profiles.md."""
    yield "| profile | meter | kind | quantities | of them unverified | grid check | CT ratio applied by | card |"
    yield "|---|---|---|---|---|---|---|---|"
    for name in profile_files.names():
        profile = profile_files.find(name).profile
        one = row(profile)
        yield (
            f"| `{one.name}` | {one.vendor} {one.model} | {one.kind.replace('_', ' ')} | {one.registers} | "
            f"{len(one.unverified)} | {grid_check(one)} | {one.ratio_applied_by} | {card_counts(profile)} |"
        )


if __name__ == "__main__":
    sys.stdout.write("\n".join(markdown()) + "\n")
