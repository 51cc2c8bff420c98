"""What detection is told of a seal, from the registry's rows."""

from functools import lru_cache

import msgspec
from sqlmodel import Session, select

from server.detect.facts import MeterFacts, SealFacts, Window
from server.sentences import Subject
from server.tables import Enterprise, Furnace, MaintenanceWindow, Meter, Pledge, Seal, Site
from wire.clock import Clock
from wire.errors import ProfileError
from wire.profile import Profile, RatioAppliedBy, Register, RegisterType
from wire.profile_files import find
from wire.quantities import Quantity, exponent

CACHE_MS = 2_000
PHASE_V = 230.0
"""Nominal phase voltage, for the power at a meter's starting current."""


class Watched(msgspec.Struct, frozen=True):
    """One meter at one seal, with all that its rows are judged by."""

    seal_id: str
    seal: SealFacts
    meter: MeterFacts
    subject: Subject


def watched(session: Session, agent_id: str) -> dict[str, Watched]:
    """The registered meters of an agent by the name that the agent gives them."""
    meters = session.exec(select(Meter).where(Meter.agent_id == agent_id)).all()
    seals = {seal_id: _seal(session, seal_id) for seal_id in {m.seal_id for m in meters}}
    return {
        m.name: Watched(m.seal_id, seals[m.seal_id][0], meter_facts(m), _subject(*seals[m.seal_id][1:], agent_id))
        for m in meters
    }


class WatchedCache:
    """What is registered, read again every CACHE_MS: another process may have changed it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, tuple[int, dict[str, Watched]]] = {}

    def of(self, session: Session, agent_id: str) -> dict[str, Watched]:
        """The registered meters of an agent by name."""
        now_ms = self._clock.monotonic_ms()
        known = self._known.get(agent_id)
        if known is None or now_ms - known[0] > CACHE_MS:
            known = self._known[agent_id] = now_ms, watched(session, agent_id)
        return known[1]


def seal_facts(session: Session, seal_id: str) -> SealFacts:
    """The numbers of one seal."""
    return _seal(session, seal_id)[0]


def meter_facts(meter: Meter) -> MeterFacts:
    """The numbers of one meter: its profile's steps, made primary by its ratio."""
    profile = _profile(meter.profile)
    energy = profile.register_of(Quantity.IMPORT_ENERGY_WH) if profile else None
    ratio = meter.ct_ratio
    step_ratio = ratio if profile and profile.ratio_applied_by is RatioAppliedBy.AGENT else 1.0
    starting_a = (profile.starting_current_a if profile else None) or 0.0
    return MeterFacts(
        name=meter.name,
        role=meter.role,
        aux_powered=meter.aux_powered,
        power_step_w=((profile.power_step_w if profile else None) or 1.0) * ratio,
        starting_power_w=3 * PHASE_V * starting_a * ratio,
        energy_step_wh=_energy_step_wh(energy, step_ratio) if energy else 0.0,
        energy_is_float=energy is not None and energy.type is RegisterType.F32,
    )


def _energy_step_wh(energy: Register, ratio: float) -> float:
    """The least by which a register moves: a whole number's is its scale's, a float's that of the envelope's integers."""
    return 10.0 ** exponent(energy.quantity) if energy.type.is_float else abs(energy.scale) * ratio


def _seal(session: Session, seal_id: str) -> tuple[SealFacts, Seal, Furnace, Enterprise, Pledge | None]:
    seal = session.get_one(Seal, seal_id)
    furnace = session.get_one(Furnace, seal.furnace_id)
    enterprise = session.get_one(Enterprise, session.get_one(Site, furnace.site_id).enterprise_id)
    pledge = session.exec(select(Pledge).where(Pledge.seal_id == seal_id)).first()
    windows = session.exec(select(MaintenanceWindow).where(MaintenanceWindow.seal_id == seal_id)).all()
    facts = SealFacts(
        from_ms=seal.from_ms,
        until_ms=seal.until_ms,
        break_position=seal.break_position,
        rated_w=furnace.rated_kw * 1000,
        allowed_w=pledge.allowed_kw * 1000 if pledge else 0.0,
        windows=tuple(Window(w.from_ms, w.to_ms, None if w.max_kwh is None else w.max_kwh * 1000) for w in windows),
    )
    return facts, seal, furnace, enterprise, pledge


def _subject(seal: Seal, furnace: Furnace, enterprise: Enterprise, pledge: Pledge | None, agent: str) -> Subject:
    name = f"{enterprise.name} {furnace.name}"
    return Subject(seal.id, name, pledge.allowed_kw * 1000 if pledge else 0.0, agent)


@lru_cache(maxsize=256)
def _profile(name: str) -> Profile | None:
    try:
        return find(name).profile
    except ProfileError:
        return None  # a map of the agent's own: its steps are unknown here, the defaults above count
