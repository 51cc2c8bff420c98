"""What a seal file says of one seal, once every cell was read: frozen values, and what must hold between them."""

from collections.abc import Iterator

import msgspec

from server.catalogue import FurnaceFacts
from wire.clock import iso

Path = tuple[str | int, ...]
"""Where in an entry a value stands, e.g. ("meters", 0, "agent")."""


class Mistake(msgspec.Struct, frozen=True):
    """Something wrong with one entry.

    Attributes:
        path: where in the entry.
        text: expected what, got what, what to do.
    """

    path: Path
    text: str


class FurnaceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """Which equipment."""

    name: str
    kind: str
    shell: str | None
    yoke: bool | None
    tonnes: float
    rated_kw: float
    melts_scrap: bool

    @property
    def facts(self) -> FurnaceFacts:
        """What the catalogue asks."""
        return FurnaceFacts(
            kind=self.kind, shell=self.shell, yoke=self.yoke, tonnes=self.tonnes, melts_scrap=self.melts_scrap
        )


class PledgeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The promise not to restart."""

    allowed_kw: float
    signatory: str
    signed: int


class WindowEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A declared maintenance window; times in ms since 1970."""

    from_: int = msgspec.field(name="from")
    to: int
    max_kwh: float | None
    reason: str


class MeterEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument."""

    agent: str
    name: str
    role: str
    profile: str
    ct_ratio: float
    aux_powered: bool


class SealEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One seal; times in ms since 1970."""

    seal: str
    enterprise: str
    credit_code: str | None
    site: str
    county_code: str
    address: str | None
    furnace: FurnaceEntry
    break_: str = msgspec.field(name="break")
    from_: int = msgspec.field(name="from")
    until: int | None
    dismantle_by: int | None
    paper_seals: tuple[str, ...]
    published_url: str | None
    pledge: PledgeEntry | None
    maintenance: tuple[WindowEntry, ...]
    meters: tuple[MeterEntry, ...]


def contradictions(entry: SealEntry) -> Iterator[Mistake]:
    """What cannot be true of one entry, although each cell alone could be."""
    for key in ("until", "dismantle_by"):
        moment: int | None = getattr(entry, key)
        if moment is not None and moment <= entry.from_:
            yield Mistake((key,), f"expected a time after from, {iso(entry.from_)}, got {iso(moment)}")
    if entry.pledge is not None and entry.pledge.allowed_kw >= entry.furnace.rated_kw:
        yield Mistake(
            ("pledge", "allowed_kw"),
            f"expected less than the furnace's rated_kw {entry.furnace.rated_kw:g}, got {entry.pledge.allowed_kw:g}: "
            "it would allow melting",
        )
    for i, window in enumerate(entry.maintenance):
        yield from _window(entry, i, window)
    furnace_meters = [i for i, meter in enumerate(entry.meters) if meter.role == "furnace"]
    for i in furnace_meters[1:]:
        yield Mistake(
            ("meters", i, "role"),
            "expected one meter of role furnace a seal, got another; seal each furnace with its own number",
        )
    names = [(meter.agent, meter.name) for meter in entry.meters]
    for i, name in enumerate(names):
        if name in names[:i]:
            yield Mistake(
                ("meters", i, "name"), f"{name[1]!r} of agent {name[0]!r} is given twice; name each meter once"
            )


def _window(entry: SealEntry, i: int, window: WindowEntry) -> Iterator[Mistake]:
    if window.to <= window.from_:
        yield Mistake(
            ("maintenance", i, "to"), f"expected a time after from, {iso(window.from_)}, got {iso(window.to)}"
        )
    if window.from_ < entry.from_ or window.to > (entry.until or window.to):
        end = "no end" if entry.until is None else iso(entry.until)
        yield Mistake(
            ("maintenance", i, "from"),
            f"expected a window inside the seal's time, {iso(entry.from_)} to {end}, "
            f"got {iso(window.from_)} to {iso(window.to)}",
        )
    for other in entry.maintenance[:i]:
        if window.from_ < other.to and other.from_ < window.to:
            yield Mistake(
                ("maintenance", i, "from"),
                f"{iso(window.from_)} to {iso(window.to)} overlaps the window from {iso(other.from_)}; "
                "expected windows apart: join them, or move one",
            )
