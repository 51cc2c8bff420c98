"""The meters and agents of a seal, as registered and as they last spoke in a stored envelope."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from server.meter_rows import batch, decoded
from server.tables import Agent, Envelope, Meter
from wire.errors import ProfileError
from wire.keys import PublicKey
from wire.profile_files import find
from wire.quantities import Quantity

LOOK_BACK = 5
"""Newest envelopes of an agent in which a meter's last rows are searched."""

PHASES = (Quantity.VOLTAGE_L1_V, Quantity.VOLTAGE_L2_V, Quantity.VOLTAGE_L3_V)


class MeterHere(BaseModel):
    """An instrument at the seal.

    Attributes:
        vendor, model: its profile's; empty for a map of the agent's own.
        serial, firmware: as the meter told them; empty where it did not.
        quantities, period_ms: how many quantities its newest rows hold, and the time between two polls; null where
            there are no rows.
        volts, hertz, row_ms: of its newest row that has a voltage, and when that was; empty and null without one.
    """

    model_config = ConfigDict(extra="forbid")

    agent_id: str
    name: str
    role: str
    profile: str
    vendor: str
    model: str
    ct_ratio: float
    aux_powered: bool
    serial: str = ""
    firmware: str = ""
    quantities: int | None = None
    period_ms: int | None = None
    volts: list[float] = []
    hertz: float | None = None
    row_ms: int | None = None


class AgentHere(BaseModel):
    """An agent at the seal: its key, its release, and when it was last heard."""

    model_config = ConfigDict(extra="forbid")

    id: str
    kid: str
    algorithm: str
    release: str
    heard_ms: int | None
    revoked_ms: int | None


def instruments(session: Session, seal_id: str) -> tuple[list[MeterHere], list[AgentHere]]:
    """The meters of a seal in the order of their registration, and the agents that read them."""
    meters = session.exec(select(Meter).where(Meter.seal_id == seal_id).order_by(col(Meter.id))).all()
    newest = {agent_id: _newest(session, agent_id) for agent_id in dict.fromkeys(m.agent_id for m in meters)}
    agents = [(session.get(Agent, agent_id), raws) for agent_id, raws in newest.items()]
    return (
        [_meter(meter, newest[meter.agent_id]) for meter in meters],
        [_agent(agent, raws) for agent, raws in agents if agent is not None],
    )


def first_row_ms(session: Session, agent_ids: Sequence[str]) -> int | None:
    """Event time of the first row that is stored of these agents."""
    firsts = [
        session.exec(
            select(Envelope.first_ms)
            .where(Envelope.agent_id == agent_id, col(Envelope.first_ms).is_not(None))
            .order_by(col(Envelope.seq))
            .limit(1)
        ).first()
        for agent_id in agent_ids
    ]
    return min((first for first in firsts if first is not None), default=None)


def _newest(session: Session, agent_id: str) -> Sequence[bytes]:
    return session.exec(
        select(Envelope.raw).where(Envelope.agent_id == agent_id).order_by(col(Envelope.seq).desc()).limit(LOOK_BACK)
    ).all()


def _agent(agent: Agent, raws: Sequence[bytes]) -> AgentHere:
    return AgentHere(
        id=agent.id,
        kid=agent.kid,
        algorithm=PublicKey.parse(agent.public_key).alg,
        release=batch(raws[0]).sw if raws else "",
        heard_ms=agent.heard_ms,
        revoked_ms=agent.revoked_ms,
    )


def _meter(meter: Meter, raws: Sequence[bytes]) -> MeterHere:
    vendor, model = make(meter.profile)
    here = MeterHere(
        agent_id=meter.agent_id,
        name=meter.name,
        role=meter.role,
        profile=meter.profile,
        vendor=vendor,
        model=model,
        ct_ratio=meter.ct_ratio,
        aux_powered=meter.aux_powered,
    )
    for raw in raws:
        said = batch(raw)
        block = next((b for b in said.mtr if b.id == meter.name), None)
        if block is not None:
            more = {"serial": block.ser or "", "firmware": block.fw or "", "quantities": len(block.cols)}
            return here.model_copy(update={**more, "period_ms": said.per, **_alive(raw, meter.name)})
    return here


def make(profile: str) -> tuple[str, str]:
    """Vendor and model of a profile that comes with ColdSeal."""
    try:
        found = find(profile).profile
    except ProfileError:
        return "", ""
    return found.vendor, found.model


def _alive(raw: bytes, meter: str) -> dict[str, object]:
    """Voltages and frequency of the newest row that has a voltage."""
    told = {quantity: decoded(raw, meter, quantity) for quantity in (*PHASES, Quantity.FREQUENCY_HZ)}
    polls = {quantity: found for quantity, found in told.items() if found is not None}
    volts = [polls[phase].values for phase in PHASES if phase in polls]
    if not volts:
        return {}
    rows = np.flatnonzero(~np.isnan(np.array(volts)).all(axis=0))
    if not len(rows):
        return {}
    newest = int(rows[-1])
    hertz = float(polls[Quantity.FREQUENCY_HZ].values[newest])
    return {
        "volts": [float(phase[newest]) for phase in volts if not np.isnan(phase[newest])],
        "hertz": None if np.isnan(hertz) else hertz,
        "row_ms": int(polls[Quantity.FREQUENCY_HZ].t_ms[newest]),
    }
