"""For and against a violation: only what was really looked at, each with the stored numbers that say so.

A point about which nothing is stored is absent: it is neither for nor against.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

import numpy as np
from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from server.detect.finding import POWER, Code, Coverage
from server.meter_rows import Polls, of_raws
from server.tables import CoverageSpan, Envelope, MaintenanceWindow, Pledge, Seal, Violation
from server.views.seals import part
from server.views.today import CoveragePart, filled
from server.views.violations import FindingNumbers, ViolationDetail
from server.views.witness import Witness
from wire.quantities import Quantity

BEFORE_MS = 3_600_000
"""What is looked at before the first sample."""

SAMPLED_MS = 600_000
"""Readings are counted over so long from the first sample on: a melt of a week is not decoded for a page."""

ENVELOPES_MAX = 240
LATE_MS = 60_000
"""A clock that nothing synchronises is still not far off where its rows arrive within so long."""


class Side(StrEnum):
    """What a point says."""

    FOR = "for"
    AGAINST = "against"
    CLEAR = "clear"
    """Looked at, nothing found that speaks against it."""


class Point(BaseModel):
    """One thing that was looked at.

    Attributes:
        what: its name; words and order of the numbers are the console's.
        numbers: what is stored about it, by name; times and lengths in ms, powers in W, energies in Wh.
        text: a stored word that belongs to it, e.g. a code or the reason of a window.
        at_ms: when it was, where it has a moment.
        of_monitor: whether it is about the monitor itself and not about the furnace.
    """

    model_config = ConfigDict(extra="forbid")

    what: str
    side: Side
    numbers: Mapping[str, float] = {}
    text: str = ""
    at_ms: int | None = None
    of_monitor: bool = False


def weigh(session: Session, detail: ViolationDetail, witnesses: Sequence[Witness]) -> list[Point]:
    """Every point, in the order in which a person would ask.

    Args:
        session: the transaction.
        detail: the violation.
        witnesses: its agents in the envelopes of that time.
    """
    seal = session.get_one(Seal, detail.seal_id)
    points: list[Point] = []
    if detail.code in [code.value for code in POWER]:
        points += _before(session, seal, detail)
        points += _rows(session, seal, detail)
    points += _others(session, detail)
    points += _windows(session, detail)
    if detail.code != Code.SILENT.value:
        points += _unproved(session, seal, detail)
    for each in witnesses:
        points += [point.model_copy(update={"of_monitor": True}) for point in _monitor(each)]
    return points


def _before(session: Session, seal: Seal, detail: ViolationDetail) -> Iterator[Point]:
    """What the last hour before was proved to be."""
    from_ms = max(seal.from_ms, detail.first_ms - BEFORE_MS)
    parts = _parts(session, seal, from_ms, detail.first_ms)
    if not parts:
        return
    whole, off = detail.first_ms - from_ms, _sum(parts, Coverage.OFF)
    what, side = ("before", Side.FOR) if off * 2 >= whole else ("before_thin", Side.AGAINST)
    yield Point(what=what, side=side, numbers={"off_ms": off, "whole_ms": whole})


def _rows(session: Session, seal: Seal, detail: ViolationDetail) -> Iterator[Point]:
    """The readings themselves: how many are above the test line, and whether the register agrees with them."""
    finding = next((f for f in detail.findings if f.code == Code.RESUMED_POWER.value), None)
    if finding is None:
        return
    allowed = session.exec(select(Pledge.allowed_kw).where(Pledge.seal_id == seal.id)).first() or 0.0
    rows = _read(session, finding)
    drawn = rows.values[~np.isnan(rows.values)]
    if not len(drawn):
        return
    line_w = allowed * 1000 + finding.threshold
    above = int((drawn > line_w).sum())
    yield Point(
        what="samples",
        side=Side.FOR if above * 2 > len(drawn) else Side.AGAINST,
        numbers={"above": above, "all": len(drawn), "line_w": line_w, "lasting_ms": _until(finding) - finding.first_ms},
        at_ms=finding.raised_ms,
    )
    if finding.energy_wh is not None and finding.energy_wh > 0:
        yield Point(what="register", side=Side.FOR, numbers={"energy_wh": finding.energy_wh}, at_ms=finding.last_ms)
    elif finding.energy_wh is not None:
        yield Point(what="register_still", side=Side.AGAINST, numbers={"energy_wh": finding.energy_wh})


def _read(session: Session, finding: FindingNumbers) -> Polls:
    raws = session.exec(
        select(Envelope.raw)
        .where(Envelope.agent_id == finding.agent_id)
        .where(col(Envelope.seq).between(finding.first_seq, finding.last_seq))
        .order_by(col(Envelope.seq))
        .limit(ENVELOPES_MAX)
    ).all()
    return of_raws(raws, finding.meter, Quantity.ACTIVE_POWER_W, finding.first_ms, _until(finding))


def _until(finding: FindingNumbers) -> int:
    return min(finding.last_ms, finding.first_ms + SAMPLED_MS)


def _others(session: Session, detail: ViolationDetail) -> Iterator[Point]:
    """Other red violations of the seal that overlap with it or end less than an hour before."""
    found = session.exec(
        select(Violation)
        .where(Violation.seal_id == detail.seal_id, Violation.id != detail.id, Violation.severity == "red")
        .where(col(Violation.first_ms) <= detail.last_ms, col(Violation.last_ms) >= detail.first_ms - BEFORE_MS)
        .order_by(col(Violation.first_ms))
    ).all()
    for other in found:
        yield Point(what="other", side=Side.FOR, text=other.code, at_ms=other.first_ms)


def _windows(session: Session, detail: ViolationDetail) -> Iterator[Point]:
    """Declared maintenance in its time."""
    found = session.exec(
        select(MaintenanceWindow)
        .where(MaintenanceWindow.seal_id == detail.seal_id)
        .where(col(MaintenanceWindow.from_ms) <= detail.last_ms, col(MaintenanceWindow.to_ms) > detail.first_ms)
        .order_by(col(MaintenanceWindow.from_ms))
    ).all()
    for window in found:
        numbers = {"from_ms": window.from_ms, "to_ms": window.to_ms}
        yield Point(what="window", side=Side.AGAINST, numbers=numbers, text=window.reason, at_ms=window.from_ms)
    if not found:
        yield Point(what="no_window", side=Side.CLEAR)


def _unproved(session: Session, seal: Seal, detail: ViolationDetail) -> Iterator[Point]:
    """Unproved time between its first and its last sample."""
    unproved = _sum(_parts(session, seal, detail.first_ms, detail.last_ms), Coverage.UNPROVED)
    if unproved:
        yield Point(what="gaps", side=Side.AGAINST, numbers={"unproved_ms": unproved})
    else:
        yield Point(what="no_gaps", side=Side.CLEAR)


def _monitor(w: Witness) -> Iterator[Point]:
    """Whether the monitor itself may be the cause: its numbers, its runs, its clock, its meters' serials."""
    missing = w.numbers - w.stored - w.lost
    if missing or w.lost:
        yield Point(what="numbers_missing", side=Side.AGAINST, numbers={"missing": missing, "lost": w.lost})
    else:
        yield Point(what="numbers_whole", side=Side.CLEAR)
    if w.boots > 1:
        yield Point(what="restarted", side=Side.AGAINST, numbers={"boots": w.boots})
    elif w.boots:
        yield Point(what="one_run", side=Side.CLEAR)
    if w.opened:
        yield _clock(w)
    for meter in w.meters:
        if len(meter.serials) > 1:
            yield Point(what="serials_differ", side=Side.AGAINST, text=" / ".join(meter.serials))
        elif meter.serials:
            yield Point(what="serial_same", side=Side.CLEAR, text=meter.serials[0])


def _clock(w: Witness) -> Point:
    if w.clock.steps_ms:
        return Point(what="clock_stepped", side=Side.AGAINST, numbers={"step_ms": max(w.clock.steps_ms, key=abs)})
    if w.clock.states == ["S"]:
        return Point(what="clock_good", side=Side.CLEAR)
    if w.delay_ms is not None and 0 <= w.delay_ms <= LATE_MS:
        return Point(what="clock_near", side=Side.CLEAR, numbers={"delay_ms": w.delay_ms})
    return Point(what="clock_unknown", side=Side.AGAINST)


def _parts(session: Session, seal: Seal, from_ms: int, to_ms: int) -> list[CoveragePart]:
    found = session.exec(
        select(CoverageSpan)
        .where(CoverageSpan.seal_id == seal.id)
        .where(col(CoverageSpan.from_ms) < to_ms, col(CoverageSpan.to_ms) > from_ms)
        .order_by(col(CoverageSpan.from_ms))
    ).all()
    return filled([part(span) for span in found], from_ms, to_ms)


def _sum(parts: Sequence[CoveragePart], state: Coverage) -> int:
    return sum(p.to_ms - p.from_ms for p in parts if p.state is state)
