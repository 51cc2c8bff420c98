"""A seal's curve out of the store: the draw with its gaps, what the pledge allows, what was detected, what is proved."""

from collections.abc import Sequence

import msgspec
from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, func, select

from server import facts
from server.curve import Trace, trace
from server.detect import resumed_power
from server.detect.baseline import Baseline
from server.detect.finding import Code
from server.detect.rules import MeterState
from server.power_rows import joined
from server.tables import (
    CoverageSpan,
    Envelope,
    MaintenanceWindow,
    Meter,
    Pledge,
    RuleState,
    Seal,
    StoredFinding,
    Violation,
)
from server.views.seals import FURNACE_METER, part
from server.views.today import CoveragePart, filled

ENVELOPES_MAX = 10_000
"""A curve is decoded from no more envelopes than this: a week of one a minute."""


class CurveTooLong(Exception):
    """The time holds more envelopes than a curve is decoded from."""


class Mark(BaseModel):
    """A violation on the axis of time."""

    model_config = ConfigDict(extra="forbid")

    violation_id: str
    code: str
    severity: str
    first_ms: int
    raised_ms: int
    last_ms: int
    ended_ms: int | None


class DeclaredWindow(BaseModel):
    """A declared maintenance window."""

    model_config = ConfigDict(extra="forbid")

    from_ms: int
    to_ms: int


class Curve(Trace):
    """What a chart of one seal shows between two times.

    Attributes:
        agent_id, meter: whose draw it is; null where no furnace meter is registered.
        allowed_w: what the pledge allows; null where no pledge is stored.
        threshold_w: how far above it the draw must be to be called resumed_power: as the newest such finding of this
            time stored it, else as the rule stands now.
        windows: declared maintenance.
        marks: violations of this time.
        spans: coverage; what nothing covers is unproved("no_data").
    """

    seal_id: str
    agent_id: str | None
    meter: str | None
    from_ms: int
    to_ms: int
    allowed_w: float | None
    threshold_w: float | None
    windows: list[DeclaredWindow]
    marks: list[Mark]
    spans: list[CoveragePart]


class Material(msgspec.Struct, frozen=True):
    """What a curve is drawn from, read from the store; decoding the envelopes needs no transaction."""

    seal: Seal
    meter: Meter | None
    raws: Sequence[bytes]
    from_ms: int
    to_ms: int
    allowed_w: float | None
    threshold_w: float | None
    windows: list[DeclaredWindow]
    marks: list[Mark]
    spans: list[CoveragePart]


def curve(session: Session, seal_id: str, from_ms: int, to_ms: int, max_points: int) -> Curve | None:
    """A seal's curve in one go; a server that must not hold the database calls material and draw itself.

    Args:
        session: the transaction.
        seal_id: the seal.
        from_ms: start of the time to show.
        to_ms: its end.
        max_points: so many points at most, at least server.curve.POINTS_MIN.

    Raises:
        CurveTooLong: the time holds more than ENVELOPES_MAX envelopes.
    """
    found = material(session, seal_id, from_ms, to_ms)
    return None if found is None else draw(found, max_points)


def material(
    session: Session, seal_id: str, from_ms: int, to_ms: int, envelopes_max: int = ENVELOPES_MAX
) -> Material | None:
    """Read what a curve is drawn from; None where no such seal is.

    Raises:
        CurveTooLong: the time holds more envelopes than envelopes_max.
    """
    seal = session.get(Seal, seal_id)
    if seal is None:
        return None
    meter = session.exec(
        select(Meter).where(Meter.seal_id == seal_id, Meter.role == FURNACE_METER).order_by(col(Meter.id))
    ).first()
    pledge = session.exec(select(Pledge.allowed_kw).where(Pledge.seal_id == seal_id)).first()
    marks = _marks(session, seal_id, from_ms, to_ms)
    return Material(
        seal=seal,
        meter=meter,
        raws=[] if meter is None else _raws(session, meter.agent_id, from_ms, to_ms, envelopes_max),
        from_ms=from_ms,
        to_ms=to_ms,
        allowed_w=None if pledge is None else pledge * 1000,
        threshold_w=None if meter is None else _threshold_w(session, meter, [m.violation_id for m in marks]),
        windows=_windows(session, seal_id, from_ms, to_ms),
        marks=marks,
        spans=_spans(session, seal, from_ms, to_ms),
    )


def draw(found: Material, max_points: int) -> Curve:
    """Decode and thin out what was read."""
    meter = found.meter
    rows = joined(found.raws, "" if meter is None else meter.name, found.from_ms, found.to_ms)
    drawn = trace(rows, found.from_ms, found.to_ms, max_points)
    return Curve(
        **dict(drawn),
        seal_id=found.seal.id,
        agent_id=None if meter is None else meter.agent_id,
        meter=None if meter is None else meter.name,
        from_ms=found.from_ms,
        to_ms=found.to_ms,
        allowed_w=found.allowed_w,
        threshold_w=found.threshold_w,
        windows=found.windows,
        marks=found.marks,
        spans=found.spans,
    )


def _raws(session: Session, agent_id: str, from_ms: int, to_ms: int, envelopes_max: int) -> Sequence[bytes]:
    here = (Envelope.agent_id == agent_id, col(Envelope.first_ms) <= to_ms, col(Envelope.last_ms) >= from_ms)
    count = session.exec(select(func.count()).select_from(Envelope).where(*here)).one()
    if count > envelopes_max:
        raise CurveTooLong(
            f"curve: expected a time with at most {envelopes_max} envelopes, got {count}; ask for a shorter one"
        )
    return session.exec(select(Envelope.raw).where(*here).order_by(col(Envelope.seq))).all()


def _threshold_w(session: Session, meter: Meter, violation_ids: list[str]) -> float:
    stored = session.exec(
        select(StoredFinding.threshold)
        .where(col(StoredFinding.violation_id).in_(violation_ids), StoredFinding.code == Code.RESUMED_POWER.value)
        .order_by(col(StoredFinding.first_ms).desc())
    ).first()
    if stored is not None:
        return stored
    seal, told = facts.seal_facts(session, meter.seal_id), facts.meter_facts(meter)
    return resumed_power.threshold_w(seal, told, _baseline(session, meter))


def _baseline(session: Session, meter: Meter) -> Baseline:
    row = session.get(RuleState, meter.seal_id)
    states = {} if row is None else msgspec.json.decode(row.state, type=dict[str, MeterState])
    return states.get(f"{meter.agent_id}/{meter.name}", MeterState()).resumed.baseline


def _windows(session: Session, seal_id: str, from_ms: int, to_ms: int) -> list[DeclaredWindow]:
    found = session.exec(
        select(MaintenanceWindow)
        .where(MaintenanceWindow.seal_id == seal_id)
        .where(col(MaintenanceWindow.from_ms) < to_ms, col(MaintenanceWindow.to_ms) > from_ms)
        .order_by(col(MaintenanceWindow.from_ms))
    ).all()
    return [DeclaredWindow(from_ms=window.from_ms, to_ms=window.to_ms) for window in found]


def _marks(session: Session, seal_id: str, from_ms: int, to_ms: int) -> list[Mark]:
    found = session.exec(
        select(Violation)
        .where(Violation.seal_id == seal_id)
        .where(col(Violation.first_ms) <= to_ms, col(Violation.last_ms) >= from_ms)
        .order_by(col(Violation.first_ms))
    ).all()
    return [
        Mark(
            violation_id=v.id, code=v.code, severity=v.severity, first_ms=v.first_ms, raised_ms=v.raised_ms,
            last_ms=v.last_ms, ended_ms=v.ended_ms,
        )
        for v in found
    ]  # fmt: skip


def _spans(session: Session, seal: Seal, from_ms: int, to_ms: int) -> list[CoveragePart]:
    found = session.exec(
        select(CoverageSpan)
        .where(CoverageSpan.seal_id == seal.id)
        .where(col(CoverageSpan.from_ms) < to_ms, col(CoverageSpan.to_ms) > from_ms)
        .order_by(col(CoverageSpan.from_ms))
    ).all()
    end_ms = to_ms if seal.until_ms is None else min(to_ms, seal.until_ms)
    return filled([part(span) for span in found], max(from_ms, seal.from_ms), end_ms)
