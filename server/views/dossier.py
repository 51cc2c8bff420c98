"""All that is stored of one seal, for its page: its row, the steps so far, instruments, violations, windows."""

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, func, select

from server.tables import Enterprise, Furnace, MaintenanceWindow, Pledge, Seal, Site, StoredFinding, Violation
from server.views.instruments import AgentHere, MeterHere, first_row_ms, instruments
from server.views.seals import FURNACE_METER, SealRow, seal_row
from server.views.today import day_start_ms

PAST_MAX = 20
WINDOWS_MAX = 50

DAY_MS = 86_400_000


class SealStep(BaseModel):
    """A step of the seal's life, as far as the registry has it.

    Attributes:
        what: sealed, paper, pledge, published, monitored, today, dismantle or until.
        at_ms: when; null where no time is stored of it.
        number: what belongs to it, where something does: kW of the pledge, pieces, days.
        text: a stored text that belongs to it.
        done: whether it has happened; a step that is not registered has not.
    """

    model_config = ConfigDict(extra="forbid")

    what: str
    at_ms: int | None = None
    number: float | None = None
    text: str = ""
    done: bool = True


class Past(BaseModel):
    """A violation of the seal; energy_wh is the largest that one of its findings has by the register."""

    model_config = ConfigDict(extra="forbid")

    id: str
    code: str
    severity: str
    state: str
    first_ms: int
    last_ms: int
    ended_ms: int | None
    energy_wh: float | None = None


class Declared(BaseModel):
    """A declared maintenance window."""

    model_config = ConfigDict(extra="forbid")

    from_ms: int
    to_ms: int
    max_kwh: float | None
    reason: str


class Dossier(BaseModel):
    """One seal.

    Attributes:
        row: what lists show of it.
        past: the newest of its violations; past_in_all counts every one.
        windows: declared maintenance, newest first.
    """

    model_config = ConfigDict(extra="forbid")

    row: SealRow
    credit_code: str | None
    catalogue: str | None
    break_position: str
    paper_seals: list[str]
    steps: list[SealStep]
    meters: list[MeterHere]
    agents: list[AgentHere]
    past: list[Past]
    past_in_all: int
    windows: list[Declared]

    @property
    def furnace_meter(self) -> MeterHere | None:
        """The meter whose draw is judged."""
        return next((m for m in self.meters if m.role == FURNACE_METER), None)


def dossier(session: Session, seal_id: str, now_ms: int) -> Dossier | None:
    """One seal, or None where no such number is.

    Args:
        session: the transaction.
        seal_id: the seal's number.
        now_ms: server time.
    """
    row = seal_row(session, seal_id, now_ms)
    if row is None:
        return None
    seal = session.get_one(Seal, seal_id)
    meters, agents = instruments(session, seal_id)
    papers = [number for number in seal.paper_seals.split(",") if number]
    furnace, enterprise = _owner(session, seal)
    edition, item = furnace.catalogue_edition, furnace.catalogue_item
    return Dossier(
        row=row,
        credit_code=enterprise.credit_code,
        catalogue=" ".join(part for part in (edition, item) if part) or None,
        break_position=seal.break_position,
        paper_seals=papers,
        steps=_steps(seal, papers, _pledge(session, seal_id), first_row_ms(session, [a.id for a in agents]), now_ms),
        meters=meters,
        agents=agents,
        past=_past(session, seal_id),
        past_in_all=session.exec(select(func.count()).select_from(Violation).where(Violation.seal_id == seal_id)).one(),
        windows=_windows(session, seal_id),
    )


def days_between(from_ms: int, to_ms: int) -> int:
    """Beijing midnights from one time to another."""
    return (day_start_ms(to_ms) - day_start_ms(from_ms)) // DAY_MS


def _owner(session: Session, seal: Seal) -> tuple[Furnace, Enterprise]:
    furnace = session.get_one(Furnace, seal.furnace_id)
    site = session.get_one(Site, furnace.site_id)
    return furnace, session.get_one(Enterprise, site.enterprise_id)


def _pledge(session: Session, seal_id: str) -> Pledge | None:
    return session.exec(select(Pledge).where(Pledge.seal_id == seal_id)).first()


def _steps(
    seal: Seal, papers: list[str], pledge: Pledge | None, monitored_ms: int | None, now_ms: int
) -> list[SealStep]:
    ended = seal.until_ms is not None and seal.until_ms <= now_ms
    begun = seal.from_ms <= now_ms
    last_ms = min(now_ms, seal.until_ms or now_ms)
    steps = [
        SealStep(what="sealed", at_ms=seal.from_ms, done=begun),
        SealStep(what="paper", number=len(papers), text=papers[0] if papers else "", done=bool(papers)),
        _pledged(pledge),
        SealStep(what="published", text=seal.published_url or "", done=seal.published_url is not None),
        SealStep(what="monitored", at_ms=monitored_ms, done=monitored_ms is not None),
        SealStep(what="today", number=days_between(seal.from_ms, last_ms) + 1 if begun else None, done=ended),
    ]
    if seal.dismantle_by_ms is None:
        steps.append(SealStep(what="dismantle", done=False))
    else:
        left = days_between(now_ms, seal.dismantle_by_ms)
        steps.append(SealStep(what="dismantle", at_ms=seal.dismantle_by_ms, number=left, done=False))
    if seal.until_ms is not None:
        steps.append(SealStep(what="until", at_ms=seal.until_ms, done=ended))
    return steps


def _pledged(pledge: Pledge | None) -> SealStep:
    if pledge is None:
        return SealStep(what="pledge", done=False)
    return SealStep(what="pledge", at_ms=pledge.signed_ms, number=pledge.allowed_kw, text=pledge.signatory)


def _past(session: Session, seal_id: str) -> list[Past]:
    found = session.exec(
        select(Violation).where(Violation.seal_id == seal_id).order_by(col(Violation.first_ms).desc()).limit(PAST_MAX)
    ).all()
    energy = dict(
        session.exec(
            select(StoredFinding.violation_id, func.max(StoredFinding.energy_wh))
            .where(col(StoredFinding.violation_id).in_([v.id for v in found]))
            .group_by(col(StoredFinding.violation_id))
        ).all()
    )
    return [
        Past(**v.model_dump(include=set(Past.model_fields) - {"energy_wh"}), energy_wh=energy.get(v.id)) for v in found
    ]


def _windows(session: Session, seal_id: str) -> list[Declared]:
    found = session.exec(
        select(MaintenanceWindow)
        .where(MaintenanceWindow.seal_id == seal_id)
        .order_by(col(MaintenanceWindow.from_ms).desc())
        .limit(WINDOWS_MAX)
    ).all()
    return [Declared(**w.model_dump(include=set(Declared.model_fields))) for w in found]
