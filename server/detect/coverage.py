"""Coverage: each second of a seal is proved off, proved on, or unproved with a reason (design.md §3).

Proved off needs a live, plausible meter that says so (voltage and frequency alive, or an aux-powered meter reading a
dead feeder; neither U·I nor the register may deny it), or a gap that the energy register later closes. A row speaks
until the next one, unless that is late. Where the agent's clock jumped, the register closes nothing: nobody knows how
long it was. Rows from the server's future prove nothing at all.
"""

import msgspec
import numpy as np

from server.detect.baseline import Baseline
from server.detect.energised import ALIVE_V
from server.detect.energy_in_gap import Known, bound_wh, is_gap, unobserved
from server.detect.facts import MeterFacts, SealFacts
from server.detect.finding import Coverage, Span
from server.detect.series import Series
from wire.quantities import Quantity

GRID_HZ = (45.0, 55.0)
AHEAD_MS = 60_000
"""How far a row's time may be ahead of the server's."""

ANCHOR_MS = 600_000
"""So long the register's advance is held against what the pledge explains, before it is measured anew."""

Label = tuple[Coverage, str]
IMPLAUSIBLE = (Coverage.UNPROVED, "implausible")


class State(msgspec.Struct, frozen=True):
    """The last row and what it proved, the last row with a register, and the one from which its advance is measured."""

    last_ms: int | None = None
    state: Coverage = Coverage.UNPROVED
    reason: str = "no_data"
    known: Known | None = None
    anchor: Known | None = None


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
    counts = seal.sealed(s.t_ms) & (s.t_ms <= s.received_ms + AHEAD_MS)
    labels = _labels(seal, meter, s, threshold_w, draw)
    for i, label in enumerate(labels):
        t_ms = int(s.t_ms[i])
        if not counts[i] or (last.last_ms is not None and t_ms < last.last_ms):
            last = State() if not counts[i] else State(t_ms, *label)  # the clock went back: begin anew
            continue
        last, more = _row(last, seal, meter, s, i, label)
        spans += more
    return last, _merged(spans)


def _row(last: State, seal: SealFacts, meter: MeterFacts, s: Series, i: int, label: Label) -> tuple[State, list[Span]]:
    """One row: the time since the last one, a gap that its register closes, and what it proves itself."""
    t_ms, energy = int(s.t_ms[i]), s.of(Quantity.IMPORT_ENERGY_WH)[i]
    spans = _between(last, t_ms, s)
    known, anchor = last.known, last.anchor
    if not np.isnan(energy) and not np.isnan(s.draw_w[i]):
        now = Known(t_ms, float(energy), int(s.seq[i]), s.received_ms, s.boot)
        if not s.clock_stepped:
            spans += _closed(seal, meter, known, now, s.period_ms)
        seen = known is not None and not unobserved(known, now, s)
        before = last.state, last.reason
        drew = label[0] is not Coverage.OFF or (last.state is not Coverage.OFF and before != IMPLAUSIBLE)
        if anchor is None or not seen or drew or now.t_ms - anchor.t_ms > ANCHOR_MS:
            anchor = now
        known = now
        if label[0] is Coverage.OFF and not 0 <= now.energy_wh - anchor.energy_wh <= bound_wh(seal, meter, anchor, now):
            label = IMPLAUSIBLE
    return State(t_ms, *label, known, anchor), spans


def _labels(seal: SealFacts, meter: MeterFacts, s: Series, threshold_w: float, draw: Draw | None) -> list[Label]:
    """What each row proves."""
    volts, hertz, drawn = s.voltage_v, s.of(Quantity.FREQUENCY_HZ), s.draw_w
    allowed, apparent = seal.allowed(s.t_ms), s.current_power_va
    excess, quiet_w = drawn - allowed, Baseline.quiet_w(seal, meter)
    pick_up_w = meter.starting_power_w + meter.power_step_w
    labels: list[Label] = []
    for i in range(len(s)):
        if np.isnan(drawn[i]):
            labels.append((Coverage.UNPROVED, str(s.reasons[i]) or "not_asked"))
        elif draw is not None and s.t_ms[i] >= draw.since_ms and excess[i] > 0:
            labels.append((Coverage.ON, draw.code))
        elif excess[i] > quiet_w:
            labels.append((Coverage.UNPROVED, "undecided"))
        elif apparent[i] - allowed[i] > threshold_w and apparent[i] > 2 * drawn[i]:
            labels.append(IMPLAUSIBLE)
        elif volts[i] >= ALIVE_V and GRID_HZ[0] <= hertz[i] <= GRID_HZ[1]:
            labels.append((Coverage.OFF, "allowed" if drawn[i] > pick_up_w else "metered"))
        elif meter.aux_powered and volts[i] < ALIVE_V:
            labels.append((Coverage.OFF, "dead_feeder"))
        else:
            labels.append((Coverage.UNPROVED, "meter_dead"))
    return labels


def _between(last: State, t_ms: int, s: Series) -> list[Span]:
    """The time from the last row to this one."""
    if last.last_ms is None or t_ms == last.last_ms:
        return []
    if not is_gap(last.last_ms, t_ms, s.period_ms):
        return [Span(last.last_ms, t_ms, last.state, last.reason)]
    end = last.last_ms + s.period_ms
    missing = Span(end, t_ms, Coverage.UNPROVED, "clock_step" if s.clock_stepped else "no_data")
    return [Span(last.last_ms, end, last.state, last.reason), missing]


def _closed(seal: SealFacts, meter: MeterFacts, before: Known | None, now: Known, period_ms: int) -> list[Span]:
    """A gap that the register closes: it stands where it stood, within what the allowed draw explains."""
    if before is None or not is_gap(before.t_ms, now.t_ms, period_ms):
        return []
    advance, bound = now.energy_wh - before.energy_wh, bound_wh(seal, meter, before, now)
    if not 0 <= advance <= bound or not np.isfinite(bound):
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
