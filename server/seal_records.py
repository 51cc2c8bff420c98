"""What the registry holds of a seal, as commands and the interface show it. Times are ISO 8601 in Beijing time."""

from pydantic import BaseModel
from sqlmodel import Session, col, select

from server.access.counties import seals_of
from server.tables import Enterprise, Furnace, MaintenanceWindow, Meter, Pledge, Seal, Site
from wire.clock import iso


class FurnaceRecord(BaseModel):
    """Which equipment, and the catalogue item that lists it (null where none does)."""

    name: str
    kind: str
    shell: str | None
    yoke: bool | None
    tonnes: float
    rated_kw: float
    melts_scrap: bool
    catalogue_edition: str | None
    catalogue_item: str | None


class PledgeRecord(BaseModel):
    """The promise not to restart."""

    allowed_kw: float
    signatory: str
    signed: str


class WindowRecord(BaseModel):
    """A declared time in which the furnace may draw."""

    start: str
    end: str
    max_kwh: float | None
    reason: str


class MeterRecord(BaseModel):
    """One instrument at a seal; `meter` is how /readings names it."""

    meter: str
    seal: str
    agent: str
    name: str
    role: str
    profile: str
    ct_ratio: float
    aux_powered: bool


class SealRecord(BaseModel):
    """One seal."""

    seal: str
    enterprise: str
    credit_code: str | None
    site: str
    county_code: str
    address: str | None
    furnace: FurnaceRecord
    break_position: str
    start: str
    until: str | None
    dismantle_by: str | None
    paper_seals: list[str]
    published_url: str | None
    pledge: PledgeRecord | None
    maintenance: list[WindowRecord]
    meters: list[MeterRecord]


def seal_records(session: Session) -> list[SealRecord]:
    """Every seal, by its number."""
    return [_record(session, seal) for seal in session.exec(select(Seal).order_by(col(Seal.id))).all()]


def seal_record(session: Session, seal_id: str) -> SealRecord | None:
    """One seal, or None where no seal has this number."""
    seal = session.get(Seal, seal_id)
    return None if seal is None else _record(session, seal)


def meter_records(
    session: Session,
    *,
    seal_id: str | None = None,
    agent_id: str | None = None,
    counties: frozenset[str] = frozenset(),
) -> list[MeterRecord]:
    """Registered meters of some counties (none is every one), of one seal or one agent where asked."""
    chosen = select(Meter).order_by(col(Meter.agent_id), col(Meter.name))
    if counties:
        chosen = chosen.where(col(Meter.seal_id).in_(seals_of(counties)))
    if seal_id is not None:
        chosen = chosen.where(Meter.seal_id == seal_id)
    if agent_id is not None:
        chosen = chosen.where(Meter.agent_id == agent_id)
    return [_meter(meter) for meter in session.exec(chosen).all()]


def _record(session: Session, seal: Seal) -> SealRecord:
    furnace = session.get_one(Furnace, seal.furnace_id)
    site = session.get_one(Site, furnace.site_id)
    enterprise = session.get_one(Enterprise, site.enterprise_id)
    pledge = session.exec(select(Pledge).where(Pledge.seal_id == seal.id)).first()
    windows = session.exec(
        select(MaintenanceWindow).where(MaintenanceWindow.seal_id == seal.id).order_by(col(MaintenanceWindow.from_ms))
    ).all()
    return SealRecord(
        seal=seal.id,
        enterprise=enterprise.name,
        credit_code=enterprise.credit_code,
        site=site.name,
        county_code=site.county_code,
        address=site.address,
        furnace=FurnaceRecord.model_validate(furnace, from_attributes=True),
        break_position=seal.break_position,
        start=iso(seal.from_ms),
        until=_iso(seal.until_ms),
        dismantle_by=_iso(seal.dismantle_by_ms),
        paper_seals=[number for number in seal.paper_seals.split(",") if number],
        published_url=seal.published_url,
        pledge=None if pledge is None else _pledge(pledge),
        maintenance=[
            WindowRecord(start=iso(w.from_ms), end=iso(w.to_ms), max_kwh=w.max_kwh, reason=w.reason) for w in windows
        ],
        meters=meter_records(session, seal_id=seal.id),
    )


def _pledge(pledge: Pledge) -> PledgeRecord:
    return PledgeRecord(allowed_kw=pledge.allowed_kw, signatory=pledge.signatory, signed=iso(pledge.signed_ms))


def _meter(meter: Meter) -> MeterRecord:
    return MeterRecord(
        meter=f"{meter.agent_id}/{meter.name}",
        seal=meter.seal_id,
        agent=meter.agent_id,
        name=meter.name,
        role=meter.role,
        profile=meter.profile,
        ct_ratio=meter.ct_ratio,
        aux_powered=meter.aux_powered,
    )


def _iso(wall_ms: int | None) -> str | None:
    return None if wall_ms is None else iso(wall_ms)
