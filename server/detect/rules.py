"""The rules in order, on one screen. State goes in and comes out; the same rows give the same findings.

furnace meter   resumed_power -> energised -> energy_in_gap -> coverage
seal contact    seal_opened
(no rows)       silent, judged by the clock of the server: silent.py
"""

import msgspec

from server.detect import coverage, energised, energy_in_gap, resumed_power, seal_opened
from server.detect.facts import MeterFacts, SealFacts
from server.detect.finding import Finding, Span
from server.detect.series import Series

FURNACE, SEAL_CONTACT = "furnace", "seal_contact"


class MeterState(msgspec.Struct, frozen=True):
    """Where each rule stands for one meter."""

    resumed: resumed_power.State = resumed_power.State()
    back: energised.State = energised.State()
    gap: energy_in_gap.State = energy_in_gap.State()
    covered: coverage.State = coverage.State()
    opened: seal_opened.State = seal_opened.State()


class Outcome(msgspec.Struct, frozen=True):
    """What more rows of one meter showed."""

    state: MeterState
    findings: list[Finding]
    spans: list[Span]


def advance(state: MeterState, seal: SealFacts, meter: MeterFacts, rows: Series) -> Outcome:
    """Every rule of the meter's role after more rows (at least one, in the order taken).

    Rows in which something may be going on are judged one by one, so that the verdict does not depend on how the
    agent cut them into envelopes; quiet ones are judged at once.
    """
    if meter.role == SEAL_CONTACT:
        opened, findings = seal_opened.step(state.opened, seal, meter, rows)
        return Outcome(msgspec.structs.replace(state, opened=opened), findings, [])
    if meter.role != FURNACE:
        return Outcome(state, [], [])
    if not _busy(state, seal, rows):
        return _furnace(state, seal, meter, rows)
    findings, spans = list[Finding](), list[Span]()
    for i in range(len(rows)):
        one = _furnace(state, seal, meter, rows.part(i, i + 1))
        state = one.state
        findings += one.findings
        spans += one.spans
    return Outcome(state, list({(f.code, f.note, f.first_ms): f for f in findings}.values()), spans)


def _busy(state: MeterState, seal: SealFacts, rows: Series) -> bool:
    """Whether any rule may have something to say of these rows, or is in the middle of it."""
    excess = rows.draw_w - seal.allowed(rows.t_ms)
    going_on = state.resumed.run is not None or state.back.excess is not None or state.back.alive is not None
    return going_on or bool((excess > 0).any()) or seal.break_position == "upstream"


def _furnace(state: MeterState, seal: SealFacts, meter: MeterFacts, rows: Series) -> Outcome:
    baseline = state.resumed.baseline
    resumed, loud = resumed_power.step(state.resumed, seal, meter, rows)
    back, soft = energised.step(state.back, seal, meter, baseline, rows, louder=resumed.run is not None)
    gap, hidden = energy_in_gap.step(state.gap, seal, meter, rows)
    draw = _draw(resumed, back, rows)
    covered, spans = coverage.step(
        state.covered, seal, meter, rows, resumed_power.threshold_w(seal, meter, baseline), draw
    )
    return Outcome(MeterState(resumed, back, gap, covered, state.opened), [*loud, *soft, *hidden], spans)


def _draw(resumed: resumed_power.State, back: energised.State, rows: Series) -> coverage.Draw | None:
    """The finding that reports draw after these rows: the stronger one first."""
    first_ms = int(rows.t_ms.min())
    run, excess = resumed.run, back.excess
    if run is not None and run.raised_ms is not None:
        return coverage.Draw(run.first_ms, "resumed_power", run.raised_ms >= first_ms)
    if excess is not None and excess.raised_ms is not None:
        return coverage.Draw(excess.first_ms, "energised", excess.raised_ms >= first_ms)
    return None
