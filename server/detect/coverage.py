"""Coverage: each second of a seal is proved off, proved on, or unproved with a reason (design.md §3).

Proved off needs a live, plausible meter that says so (voltage and frequency alive, or an aux-powered meter reading a
dead feeder), or a gap that the energy register later closes. A row speaks until the next one, unless that is late.
"""

import msgspec
import numpy as np

from server.detect.energised import ALIVE_V
from server.detect.energy_in_gap import Known, bound_wh, is_gap
from server.detect.facts import MeterFacts, SealFacts
from server.detect.finding import Coverage, Span
from server.detect.series import Series
from wire.quantities import Quantity

GRID_HZ = (45.0, 55.0)


class State(msgspec.Struct, frozen=True):
    """The last row and what it proved, and the last row in which the register was read."""

    last_ms: int | None = None
    state: Coverage = Coverage.UNPROVED
    reason: str = "no_data"
    known: Known | None = None


class Draw(msgspec.Struct, frozen=True):
    """A finding that reports draw now: since when, its code, and whether these very rows raised it."""

    since_ms: int
    code: str
    raised_now: bool


def step(
    state: State, seal: SealFacts, meter: MeterFacts, s: Series, threshold_w: float, draw: Draw | None
) -> tuple[State, list[Span]]:
    """Spans up to the last of the given rows; a later span overrides an earlier one where they overlap.

    Args:
        state: where coverage stood.
        seal: the seal.
        meter: the furnace's meter.
        s: the rows.
        threshold_w: how far the draw must exceed the allowed to be called so.
        draw: the finding that reports draw, if there is one.
    """
    last, spans = state, list[Span]()
    if draw is not None and draw.raised_now and state.last_ms is not None and draw.since_ms <= state.last_ms:
        spans.append(Span(draw.since_ms, state.last_ms, Coverage.ON, draw.code))  # what was undecided is decided
        last = msgspec.structs.replace(last, state=Coverage.ON, reason=draw.code)
    energy, sealed = s.of(Quantity.IMPORT_ENERGY_WH), seal.sealed(s.t_ms)
    labels = _labels(seal, meter, s, threshold_w, draw)
    for i, (label, reason) in enumerate(labels):
        t_ms = int(s.t_ms[i])
        if not sealed[i]:
            last = State()
            continue
        spans += _between(last, t_ms, s.period_ms)
        known = last.known
        if not np.isnan(energy[i]) and not np.isnan(s.draw_w[i]):
            now = Known(t_ms, float(energy[i]), int(s.seq[i]))
            spans += _closed(seal, meter, known, now, s.period_ms)
            known = now
        last = State(max(t_ms, last.last_ms or t_ms), label, reason, known)
    return last, _merged(spans)


def _labels(
    seal: SealFacts, meter: MeterFacts, s: Series, threshold_w: float, draw: Draw | None
) -> list[tuple[Coverage, str]]:
    """What each row proves."""
    volts, hertz, drawn = s.voltage_v, s.of(Quantity.FREQUENCY_HZ), s.draw_w
    excess = drawn - seal.allowed(s.t_ms)
    quiet_w = meter.starting_power_w + meter.power_step_w
    labels: list[tuple[Coverage, str]] = []
    for i in range(len(s)):
        if np.isnan(drawn[i]):
            labels.append((Coverage.UNPROVED, str(s.reasons[i]) or "not_asked"))
        elif draw is not None and s.t_ms[i] >= draw.since_ms and excess[i] > quiet_w:
            labels.append((Coverage.ON, draw.code))
        elif excess[i] > threshold_w:
            labels.append((Coverage.UNPROVED, "undecided"))
        elif volts[i] >= ALIVE_V and GRID_HZ[0] <= hertz[i] <= GRID_HZ[1]:
            labels.append((Coverage.OFF, "allowed" if drawn[i] > quiet_w else "metered"))
        elif meter.aux_powered and volts[i] < ALIVE_V:
            labels.append((Coverage.OFF, "dead_feeder"))
        else:
            labels.append((Coverage.UNPROVED, "meter_dead"))
    return labels


def _between(last: State, t_ms: int, period_ms: int) -> list[Span]:
    """The time from the last row to this one."""
    if last.last_ms is None or t_ms <= last.last_ms:
        return []
    if not is_gap(last.last_ms, t_ms, period_ms):
        return [Span(last.last_ms, t_ms, last.state, last.reason)]
    end = last.last_ms + period_ms
    return [Span(last.last_ms, end, last.state, last.reason), Span(end, t_ms, Coverage.UNPROVED, "no_data")]


def _closed(seal: SealFacts, meter: MeterFacts, before: Known | None, now: Known, period_ms: int) -> list[Span]:
    """A gap that the register closes: it stands where it stood, within what the allowed draw explains."""
    if before is None or not is_gap(before.t_ms, now.t_ms, period_ms):
        return []
    advance = now.energy_wh - before.energy_wh
    if not 0 <= advance <= bound_wh(seal, meter, before, now) or not np.isfinite(bound_wh(seal, meter, before, now)):
        return []
    return [Span(before.t_ms + period_ms, now.t_ms, Coverage.OFF, "register")]


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in spans:
        previous = merged[-1] if merged else None
        same = previous is not None and (previous.state, previous.reason) == (span.state, span.reason)
        if previous is not None and same and previous.to_ms == span.from_ms:
            merged[-1] = Span(previous.from_ms, span.to_ms, span.state, span.reason)
        else:
            merged.append(span)
    return merged
