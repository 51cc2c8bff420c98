"""seal_opened: the seal's contact is open in two rows, or its counter advanced between two rows.

Statistic: rows open, or counts. No false alarm is expected of an intact loop: the threshold guards against one
misread bit only.
"""

import msgspec
import numpy as np

from server.detect.facts import MeterFacts, SealFacts
from server.detect.finding import Code, Finding
from server.detect.series import Series
from wire.quantities import Quantity

ROWS = 2


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """The contact as it stands open."""

    first_ms: int
    first_seq: int
    last_ms: int
    last_seq: int
    rows: int
    raised_ms: int | None = None
    closed_rows: int = 0


class State(msgspec.Struct, frozen=True):
    """The opening that goes on, and the counter's last value."""

    opening: Opening | None = None
    count: float | None = None


def step(state: State, seal: SealFacts, meter: MeterFacts, s: Series) -> tuple[State, list[Finding]]:
    """The rule after more rows of the seal's contact."""
    sealed = seal.sealed(s.t_ms) & ~seal.in_window(s.t_ms)
    is_open, counts = s.of(Quantity.CONTACT_OPEN), s.of(Quantity.CONTACT_COUNT)
    opening, count = state.opening, state.count
    findings: list[Finding] = []
    for i in np.flatnonzero(sealed):
        t_ms, seq = int(s.t_ms[i]), int(s.seq[i])
        if not np.isnan(counts[i]):
            if count is not None and counts[i] > count and opening is None:
                findings.append(_finding(meter, _at(t_ms, seq, t_ms), ended_ms=t_ms, note="counter"))
            count = float(counts[i])
        if np.isnan(is_open[i]):
            continue
        if is_open[i] > 0:
            opening = _open(opening, t_ms, seq)
        elif opening is not None:
            opening = msgspec.structs.replace(opening, closed_rows=opening.closed_rows + 1)
            if opening.raised_ms is not None and opening.closed_rows >= ROWS:
                findings.append(_finding(meter, opening, ended_ms=t_ms, note="contact"))
            if opening.raised_ms is None or opening.closed_rows >= ROWS:
                opening = None
    if opening is not None and opening.raised_ms is not None:
        findings.append(_finding(meter, opening, ended_ms=None, note="contact"))
    return State(opening, count), findings


def _at(t_ms: int, seq: int, raised_ms: int | None) -> Opening:
    return Opening(first_ms=t_ms, first_seq=seq, last_ms=t_ms, last_seq=seq, rows=1, raised_ms=raised_ms)


def _open(opening: Opening | None, t_ms: int, seq: int) -> Opening:
    if opening is None:
        return _at(t_ms, seq, None)
    rows = opening.rows + 1
    raised = t_ms if opening.raised_ms is None and rows >= ROWS else opening.raised_ms
    return msgspec.structs.replace(opening, last_ms=t_ms, last_seq=seq, rows=rows, raised_ms=raised, closed_rows=0)


def _finding(meter: MeterFacts, opening: Opening, *, ended_ms: int | None, note: str) -> Finding:
    return Finding(
        code=Code.SEAL_OPENED,
        meter=meter.name,
        first_ms=opening.first_ms,
        raised_ms=opening.raised_ms or opening.last_ms,
        last_ms=opening.last_ms,
        ended_ms=ended_ms,
        statistic=float(opening.rows),
        threshold=float(ROWS),
        unit="",
        peak=float(opening.rows),
        false_alarms_per_year=0.0,
        first_seq=opening.first_seq,
        last_seq=opening.last_seq,
        note=note,
    )
