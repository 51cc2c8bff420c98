"""A seal's curve out of the store: the draw with its gaps, what the pledge allows, what was detected, what is proved."""

import msgspec
from sqlmodel import Session, col, select

from server import facts, meter_rows
from server.curve import Trace, trace
from server.detect import resumed_power
from server.detect.baseline import Baseline
from server.detect.finding import Code
from server.detect.rules import MeterState
from server.last_values import last_values
from server.minutes import MINUTE_MS
from server.tables import MaintenanceWindow, Meter, Pledge, RuleState, Seal, StoredFinding, Violation
from server.views.coverage import stored_parts
from server.views.curve_shapes import Curve, DeclaredWindow, Line, Live, Mark, Source
from server.views.seals import FURNACE_METER
from server.views.seen import seen_seal
from server.views.stretches import POWER, RAW_MAX_MS, CurveTooLong, Stretch, joined, parts, stretch
from server.views.today import CoveragePart, filled
from wire.quantities import Quantity

__all__ = [
    "RAW_MAX_MS", "Curve", "CurveTooLong", "DeclaredWindow", "Line", "Live", "Mark", "Material", "Source", "curve",
    "draw", "material", "meters_of",
]  # fmt: skip

WATER_METER = "water"

_LINES = (Quantity.WATER_FLOW_M3_H, Quantity.FREQUENCY_HZ)
_LIVE = (POWER, *_LINES)


class Material(msgspec.Struct, frozen=True):
    """What a curve is drawn from, read from the store; decoding it needs no transaction."""

    seal: Seal
    meters: dict[str, Meter]
    from_ms: int
    to_ms: int
    stretches: list[Stretch]
    detail: tuple[int, int] | None
    allowed_w: float | None
    threshold_w: float | None
    windows: list[DeclaredWindow]
    marks: list[Mark]
    spans: list[CoveragePart]
    live: list[Live]


def curve(session: Session, seal_id: str, from_ms: int, to_ms: int, max_points: int) -> Curve | None:
    """A seal's curve in one go; a server that must not hold the database calls material and draw itself.

    Args:
        session: the transaction.
        seal_id: the seal.
        from_ms: start of the time to show.
        to_ms: its end.
        max_points: so many points at most, at least server.curve.POINTS_MIN.

    Raises:
        CurveTooLong: the time holds more than ENVELOPES_MAX envelopes that are in no minutes.
    """
    found = material(session, seal_id, from_ms, to_ms)
    return None if found is None else draw(found, max_points)


def material(
    session: Session,
    seal_id: str,
    from_ms: int,
    to_ms: int,
    detail: tuple[int, int] | None = None,
    counties: frozenset[str] = frozenset(),
) -> Material | None:
    """Read what a curve is drawn from; None where no such seal is seen.

    Args:
        session: the transaction.
        seal_id: the seal.
        from_ms: start of the time to show; where it is long, the whole minute in which it lies.
        to_ms: its end.
        detail: a part of it to be drawn as finely as if it were the whole.
        counties: the codes of those that are seen; none is every county.

    Raises:
        CurveTooLong: the time holds more envelopes that are in no minutes than a curve is decoded from.
    """
    seal = seen_seal(session, seal_id, counties)
    if seal is None:
        return None
    if to_ms - from_ms > RAW_MAX_MS:
        from_ms -= from_ms % MINUTE_MS
    meters = meters_of(session, seal_id)
    pledge = session.exec(select(Pledge.allowed_kw).where(Pledge.seal_id == seal_id)).first()
    marks = _marks(session, seal_id, from_ms, to_ms)
    cut = parts(from_ms, to_ms, detail)
    furnace = meters.get(FURNACE_METER)
    return Material(
        seal=seal,
        meters=meters,
        from_ms=from_ms,
        to_ms=to_ms,
        stretches=[stretch(session, list(meters.values()), *each) for each in cut],
        detail=next((each for each in cut if detail and each[0] <= detail[0] < each[1]), None),
        allowed_w=None if pledge is None else pledge * 1000,
        threshold_w=None if furnace is None else _threshold_w(session, furnace, [m.violation_id for m in marks]),
        windows=_windows(session, seal_id, from_ms, to_ms),
        marks=marks,
        spans=_spans(session, seal, from_ms, to_ms),
        live=_live(session, meters, from_ms, to_ms),
    )


def draw(found: Material, max_points: int) -> Curve:
    """Decode and thin out what was read."""
    furnace = found.meters.get(FURNACE_METER)
    return Curve(
        **dict(_drawn(found, furnace, POWER, max_points)),
        seal_id=found.seal.id,
        agent_id=None if furnace is None else furnace.agent_id,
        meter=None if furnace is None else furnace.name,
        from_ms=found.from_ms,
        to_ms=found.to_ms,
        detail_from_ms=None if found.detail is None else found.detail[0],
        detail_to_ms=None if found.detail is None else found.detail[1],
        allowed_w=found.allowed_w,
        threshold_w=found.threshold_w,
        windows=found.windows,
        marks=found.marks,
        spans=found.spans,
        lines=[line for quantity in _LINES for line in _line(found, quantity, max_points)],
        live=found.live,
        sources=[
            Source(agent_id=one.agent_id, seq=one.seq, first_ms=one.first_ms, last_ms=one.last_ms)
            for each in found.stretches
            for one in each.sent
        ],
    )


def source_of(meters: dict[str, Meter], quantity: Quantity) -> Meter | None:
    """The meter that a quantity is taken from: water from its own where there is one, all else from the furnace's."""
    water = meters.get(WATER_METER) if quantity is Quantity.WATER_FLOW_M3_H else None
    return water or meters.get(FURNACE_METER)


def _line(found: Material, quantity: Quantity, max_points: int) -> list[Line]:
    """A line where the quantity was read at all."""
    meter = source_of(found.meters, quantity)
    if meter is None:
        return []
    drawn = _drawn(found, meter, quantity, max_points)
    if all(value is None for _, value in drawn.points):
        return []
    return [Line(**dict(drawn), quantity=quantity.value, agent_id=meter.agent_id, meter=meter.name)]


def _drawn(found: Material, meter: Meter | None, quantity: Quantity, max_points: int) -> Trace:
    if meter is None:
        return trace(meter_rows.joined([]), found.from_ms, found.to_ms, max_points)
    return joined([each.trace(meter, quantity, found.spans, max_points) for each in found.stretches])


def meters_of(session: Session, seal_id: str) -> dict[str, Meter]:
    """The seal's first meter of each role that is drawn."""
    found = session.exec(
        select(Meter)
        .where(Meter.seal_id == seal_id, col(Meter.role).in_((FURNACE_METER, WATER_METER)))
        .order_by(col(Meter.id).desc())
    ).all()
    first = {meter.role: meter for meter in found}
    return {role: first[role] for role in (FURNACE_METER, WATER_METER) if role in first}


def _live(session: Session, meters: dict[str, Meter], from_ms: int, to_ms: int) -> list[Live]:
    live: list[Live] = []
    for quantity in _LIVE:
        meter = source_of(meters, quantity)
        at = None if meter is None else (meter.agent_id, meter.name)
        last = None if at is None else last_values(session, [at], quantity).get(at)
        if at is not None and last is not None and from_ms <= last.t_ms <= to_ms:
            live.append(
                Live(
                    quantity=quantity.value, value=last.value, t_ms=last.t_ms, period_ms=last.period_ms,
                    agent_id=at[0], seq=last.seq,
                )
            )  # fmt: skip
    return live


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
    end_ms = to_ms if seal.until_ms is None else min(to_ms, seal.until_ms)
    return filled(stored_parts(session, seal.id, from_ms, to_ms), max(from_ms, seal.from_ms), end_ms)
