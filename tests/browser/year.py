"""A year under seal for pictures and for pages that must show one: spans, minutes and an old violation, as stored."""

from collections.abc import Iterator

import msgspec
import numpy as np
from sqlmodel import Session, col, select

from server import minutes
from server.detect.finding import Coverage
from server.store import Store
from server.tables import CoverageSpan, Envelope, Meter, MeterDay, Pledge, Seal, StoredFinding, Transition, Violation
from tests.server.ingest.plant import START_MS, SigningAgent, reading
from wire import envelope
from wire.quantities import Quantity

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
FROM_MS = START_MS - 359 * DAY_MS
START_WH, DRAWN_WH = 495_800.0, 4_200.0
"""The register at the beginning, and what was drawn since; the night's own envelopes begin at their sum."""

OLD = "V-OLDMELTING"


class Part(msgspec.Struct, frozen=True):
    """A time that was not simply proved off by a live meter."""

    from_ms: int
    to_ms: int
    state: Coverage
    reason: str


def _part(day: float, hours: float, state: Coverage, reason: str) -> Part:
    from_ms = START_MS + round(day * DAY_MS)
    return Part(from_ms, from_ms + round(hours * HOUR_MS), state, reason)


DRAW = _part(-119.6, 1.7, Coverage.ON, "resumed_power")
PARTS = (
    _part(-270, 85, Coverage.UNPROVED, "timeout"),
    _part(-232.4, 6, Coverage.UNPROVED, "timeout"),
    _part(-209.3, 5, Coverage.UNPROVED, "no_data"),
    _part(-155.5, 70, Coverage.OFF, "register"),
    DRAW,
    _part(-100.7, 9, Coverage.UNPROVED, "timeout"),
    _part(-80.2, 4, Coverage.UNPROVED, "disconnected"),
    _part(-45.8, 22, Coverage.OFF, "register"),
    _part(-23.6, 41, Coverage.OFF, "register"),
    _part(-9.1, 3, Coverage.UNPROVED, "timeout"),
)


def lengthen(store: Store, seal_id: str) -> None:
    """Give a seal whose night is told already the year before it."""
    with store.transaction() as session:
        seal = session.get_one(Seal, seal_id)
        seal.from_ms, seal.paper_seals = FROM_MS, "A-20481,A-20482,A-20483"
        seal.published_url = "https://example.org/list"
        pledge = session.exec(select(Pledge).where(Pledge.seal_id == seal_id)).one()
        pledge.signed_ms = FROM_MS + DAY_MS
        session.add_all([seal, pledge])
        meter = session.exec(select(Meter).where(Meter.seal_id == seal_id)).one()
        first_ms = _clear_before(session, seal_id)
        session.add_all(_spans(seal_id, first_ms))
        session.add_all(_days(meter))
        session.add(_first_envelope(meter.agent_id))
        _old_violation(session, seal_id, meter)


def _clear_before(session: Session, seal_id: str) -> int:
    """The first span of the night itself; what lies before its day goes."""
    spans = session.exec(
        select(CoverageSpan).where(CoverageSpan.seal_id == seal_id).order_by(col(CoverageSpan.from_ms))
    ).all()
    for span in spans:
        if span.from_ms < START_MS:
            session.delete(span)
    return min(span.from_ms for span in spans if span.from_ms >= START_MS)


def _spans(seal_id: str, until_ms: int) -> Iterator[CoverageSpan]:
    at_ms = FROM_MS
    for part in (*PARTS, Part(until_ms, until_ms, Coverage.OFF, "")):
        yield CoverageSpan(
            seal_id=seal_id, from_ms=at_ms, to_ms=part.from_ms, state=Coverage.OFF.value, reason="metered"
        )
        if part.to_ms > part.from_ms:
            yield CoverageSpan(
                seal_id=seal_id, from_ms=part.from_ms, to_ms=part.to_ms, state=part.state.value, reason=part.reason
            )
        at_ms = part.to_ms


def _days(meter: Meter) -> Iterator[MeterDay]:
    """Each minute of each day up to the night's: nothing where nothing was read."""
    for day_ms in range(FROM_MS, START_MS, DAY_MS):
        at = day_ms + np.arange(minutes.DAY_MINUTES) * minutes.MINUTE_MS
        drawing = (at >= DRAW.from_ms) & (at < DRAW.to_ms)
        share = np.clip((at - DRAW.from_ms) / (DRAW.to_ms - DRAW.from_ms), 0, 1)
        gone = np.zeros(len(at), dtype=bool)
        for part in PARTS:
            gone |= (at >= part.from_ms) & (at < part.to_ms) & (part is not DRAW)
        watts = np.where(drawing, DRAWN_WH / 1.7, 0.0)
        energy = START_WH + DRAWN_WH * share
        planes = {
            Quantity.ACTIVE_POWER_W: [watts, watts, np.full(len(at), np.nan)],
            Quantity.IMPORT_ENERGY_WH: [energy, energy, energy, np.full(len(at), 59_000.0)],
        }
        for quantity, rows in planes.items():
            stacked = np.where(gone, np.nan, np.array(rows))
            yield MeterDay(
                agent_id=meter.agent_id, meter=meter.name, quantity=quantity.value, day_ms=day_ms,
                block=minutes.pack(stacked),
            )  # fmt: skip


def _first_envelope(agent_id: str) -> Envelope:
    """What the agent sent first, before the numbers of the night."""
    at_s = (FROM_MS - START_MS) / 1000 + 2 * DAY_MS / 1000
    raw = SigningAgent(agent_id).envelope([reading(at_s, 0.0, energy_wh=START_WH)]).payload
    at_ms = START_MS + round(at_s * 1000)
    return Envelope(
        agent_id=agent_id, seq=0, boot="first", sha=envelope.digest(raw), first_ms=at_ms, last_ms=at_ms,
        received_ms=at_ms, raw=raw,
    )  # fmt: skip


def _old_violation(session: Session, seal_id: str, meter: Meter) -> None:
    session.add(
        Violation(
            id=OLD, seal_id=seal_id, code="resumed_power", severity="red", state="closed", verdict="confirmed",
            first_ms=DRAW.from_ms, raised_ms=DRAW.from_ms + 1_000, last_ms=DRAW.to_ms, ended_ms=DRAW.to_ms,
            detected_ms=DRAW.from_ms + 2_000, reason_zh="示例铸造一厂 2 号炉 恢复用电。",
            reason_en="示例铸造一厂 2 号炉 resumed power.",
        )
    )  # fmt: skip
    session.flush()
    session.add(
        StoredFinding(
            violation_id=OLD, seal_id=seal_id, code="resumed_power", severity="red", meter=meter.name,
            first_ms=DRAW.from_ms, raised_ms=DRAW.from_ms + 1_000, last_ms=DRAW.to_ms, ended_ms=DRAW.to_ms,
            statistic=DRAWN_WH / 1.7, threshold=1_050.0, unit="W", false_alarms_per_year=1e-5, peak=DRAWN_WH / 1.7,
            energy_wh=DRAWN_WH, agent_id=meter.agent_id, first_seq=0, last_seq=0,
        )
    )  # fmt: skip
    session.add(
        Transition(
            violation_id=OLD, at_ms=DRAW.to_ms, from_state="confirmed", to_state="closed", author="li",
            reason="检修超时，已补申报",
        )
    )  # fmt: skip
