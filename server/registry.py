"""From the entries of a seal file to rows: enterprise, site, furnace, seal, pledge, windows, meters. All or nothing."""

import difflib
from collections.abc import Iterator, Sequence

import msgspec
from sqlmodel import Session, col, select

from server import catalogue
from server.catalogue import Listed
from server.seal_entry import Mistake, SealEntry
from server.seal_file import Placed, SealFileError
from server.tables import Agent, Enterprise, Furnace, MaintenanceWindow, Meter, Pledge, Seal, Site
from wire.clock import iso
from wire.profile_files import names

FURNACE_FACTS = ("kind", "shell", "yoke", "tonnes", "rated_kw", "melts_scrap")


class Added(msgspec.Struct, frozen=True):
    """A seal that was stored.

    Attributes:
        notes: what a person should look at, though it is no mistake; each one sentence.
    """

    seal: str
    enterprise: str
    site: str
    furnace: str
    catalogue_edition: str | None
    catalogue_item: str | None
    notes: tuple[str, ...]


def add(session: Session, placed: Sequence[Placed]) -> list[Added]:
    """Store the entries of a file.

    Args:
        session: the transaction; after an error it must be rolled back.
        placed: entries in the order of the file.

    Raises:
        SealFileError: everything that contradicts what is registered, or another entry; each with its place.
    """
    lines, added = list[str](), list[Added]()
    for one in placed:
        mistakes = list(_contradictions(session, one.entry))
        lines += [f"{one.place(mistake.path)}: {mistake.text}" for mistake in mistakes]
        if not mistakes:
            added.append(_add_one(session, one.entry))
    if lines:
        raise SealFileError(lines)
    return added


def _add_one(session: Session, entry: SealEntry) -> Added:
    furnace = _furnace(session, entry)
    session.add(
        Seal(
            id=entry.seal,
            furnace_id=_id(session, furnace),
            break_position=entry.break_,
            from_ms=entry.from_,
            until_ms=entry.until,
            dismantle_by_ms=entry.dismantle_by,
            paper_seals=",".join(entry.paper_seals),
            published_url=entry.published_url,
        )
    )
    session.flush()
    session.add_all(_rows_of_seal(entry))
    session.flush()
    return Added(
        seal=entry.seal,
        enterprise=entry.enterprise,
        site=entry.site,
        furnace=entry.furnace.name,
        catalogue_edition=furnace.catalogue_edition,
        catalogue_item=furnace.catalogue_item,
        notes=tuple(_notes(session, entry)),
    )


def _rows_of_seal(entry: SealEntry) -> Iterator[Pledge | MaintenanceWindow | Meter]:
    if entry.pledge is not None:
        pledge = entry.pledge
        yield Pledge(
            seal_id=entry.seal, allowed_kw=pledge.allowed_kw, signatory=pledge.signatory, signed_ms=pledge.signed
        )
    for window in entry.maintenance:
        yield MaintenanceWindow(
            seal_id=entry.seal, from_ms=window.from_, to_ms=window.to, max_kwh=window.max_kwh, reason=window.reason
        )
    for meter in entry.meters:
        yield Meter(
            seal_id=entry.seal,
            agent_id=meter.agent,
            name=meter.name,
            role=meter.role,
            profile=meter.profile,
            ct_ratio=meter.ct_ratio,
            aux_powered=meter.aux_powered,
        )


def _furnace(session: Session, entry: SealEntry) -> Furnace:
    """The entry's furnace, registered before or now."""
    enterprise = _enterprise_of(session, entry) or Enterprise(name=entry.enterprise)
    enterprise.credit_code = enterprise.credit_code or entry.credit_code
    enterprise_id = _id(session, enterprise)
    site = _site_of(session, entry) or Site(enterprise_id=enterprise_id, name=entry.site, county_code=entry.county_code)
    site.address = site.address or entry.address
    site_id = _id(session, site)
    known = _furnace_of(session, entry)
    if known is not None:
        return known
    verdict = catalogue.listed(entry.furnace.facts)
    found = verdict if isinstance(verdict, Listed) else None
    furnace = Furnace(
        site_id=site_id,
        name=entry.furnace.name,
        **{fact: getattr(entry.furnace, fact) for fact in FURNACE_FACTS},
        catalogue_edition=found.edition if found else None,
        catalogue_item=found.item if found else None,
    )
    session.add(furnace)
    return furnace


def _contradictions(session: Session, entry: SealEntry) -> Iterator[Mistake]:
    """What cannot be true beside what is registered."""
    if session.get(Seal, entry.seal) is not None:
        yield Mistake(
            ("seal",),
            f"{entry.seal!r} is registered already; expected a new number, see: coldseal seal show {entry.seal}",
        )
        return  # the rest would only say again that this seal is known
    yield from _enterprise_contradictions(session, entry)
    site = _site_of(session, entry)
    if site is not None and site.county_code != entry.county_code:
        yield Mistake(
            ("county_code",),
            f"expected {site.county_code} as registered for site {entry.site!r}, got {entry.county_code}",
        )
    furnace = _furnace_of(session, entry)
    if furnace is not None:
        yield from _furnace_contradictions(session, entry, furnace)
    for i, meter in enumerate(entry.meters):
        taken = session.exec(select(Meter).where(Meter.agent_id == meter.agent, Meter.name == meter.name)).first()
        if taken is not None:
            yield Mistake(
                ("meters", i, "name"),
                f"{meter.name!r} of agent {meter.agent!r} is at seal {taken.seal_id} already; expected another meter",
            )


def _enterprise_contradictions(session: Session, entry: SealEntry) -> Iterator[Mistake]:
    if entry.credit_code is None:
        return
    enterprise = _enterprise_of(session, entry)
    known = enterprise.credit_code if enterprise is not None else None
    if known is not None and known != entry.credit_code:
        yield Mistake(
            ("credit_code",), f"expected {known} as registered for {entry.enterprise!r}, got {entry.credit_code}"
        )
    other = session.exec(
        select(Enterprise.name).where(Enterprise.credit_code == entry.credit_code, Enterprise.name != entry.enterprise)
    ).first()
    if other is not None:
        yield Mistake(
            ("credit_code",), f"{entry.credit_code} is registered for {other!r}; write the name as it is there"
        )


def _furnace_contradictions(session: Session, entry: SealEntry, furnace: Furnace) -> Iterator[Mistake]:
    for fact in FURNACE_FACTS:
        known, got = getattr(furnace, fact), getattr(entry.furnace, fact)
        if known != got:
            yield Mistake(
                ("furnace", fact), f"expected {_said(known)} as registered for {furnace.name!r}, got {_said(got)}"
            )
    overlapping = select(Seal).where(
        Seal.furnace_id == furnace.id,
        Seal.id != entry.seal,
        col(Seal.until_ms).is_(None) | (col(Seal.until_ms) > entry.from_),
    )
    if entry.until is not None:
        overlapping = overlapping.where(col(Seal.from_ms) < entry.until)
    other = session.exec(overlapping).first()
    if other is not None:
        until = "without end" if other.until_ms is None else f"until {iso(other.until_ms)}"
        yield Mistake(
            ("furnace", "name"), f"{furnace.name!r} is under seal {other.id} {until}; expected another furnace"
        )


def _notes(session: Session, entry: SealEntry) -> Iterator[str]:
    verdict = catalogue.listed(entry.furnace.facts)
    if not isinstance(verdict, Listed):
        yield f"no item of the catalogue lists this furnace ({verdict.reason})"
    elif verdict.until is not None and iso(entry.from_)[:10] >= verdict.until.isoformat():
        yield f"{verdict.edition} was replaced on {verdict.until}: compare the item with the edition in force"
    if not any(meter.role == "furnace" for meter in entry.meters):
        yield "no meter with role furnace: whether it is off cannot be proved"
    for agent in dict.fromkeys(meter.agent for meter in entry.meters):
        if session.get(Agent, agent) is None:
            yield f"agent {agent!r} is not registered yet; do it with: coldseal server agents add {agent}"
    for profile in dict.fromkeys(meter.profile for meter in entry.meters):
        if profile not in names():
            near = difflib.get_close_matches(profile, names(), n=1)
            hint = f", did you mean {near[0]}?" if near else ""
            yield f"profile {profile!r} does not come with ColdSeal{hint}: its steps are unknown, coarse ones are assumed"


def _enterprise_of(session: Session, entry: SealEntry) -> Enterprise | None:
    return session.exec(select(Enterprise).where(Enterprise.name == entry.enterprise)).first()


def _site_of(session: Session, entry: SealEntry) -> Site | None:
    enterprise = _enterprise_of(session, entry)
    if enterprise is None:
        return None
    return session.exec(select(Site).where(Site.enterprise_id == enterprise.id, Site.name == entry.site)).first()


def _furnace_of(session: Session, entry: SealEntry) -> Furnace | None:
    site = _site_of(session, entry)
    if site is None:
        return None
    return session.exec(select(Furnace).where(Furnace.site_id == site.id, Furnace.name == entry.furnace.name)).first()


def _id(session: Session, row: Enterprise | Site | Furnace) -> int:
    """The key of a row, which the database gives."""
    session.add(row)
    session.flush()
    if row.id is None:
        raise RuntimeError(f"{row!r} has no key after it was written")
    return row.id


def _said(fact: object) -> str:
    if isinstance(fact, bool):
        return "yes" if fact else "no"
    return "nothing" if fact is None else str(fact)
