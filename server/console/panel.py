"""The right half of the page as HTML: one violation or one seal, from its stored numbers."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from server.console import figures
from server.console.figures import NOTHING
from server.console.html import render
from server.console.words import PAIRS, Words
from server.detect.finding import Code
from server.views import SealRow, ViolationDetail
from server.views.state import SealState
from server.views.violations import FindingNumbers

_PEAKED = ("W", "V", "σ")
"""Units of statistics whose largest value says something by itself."""


class Figure(msgspec.Struct, frozen=True):
    """One number with its unit.

    Attributes:
        label: what it is.
        note: what it is measured by.
        read_ms: when it was read, where its age counts.
        red: whether it shows that the pledge is broken.
    """

    label: str
    value: str
    note: str = ""
    read_ms: int | None = None
    red: bool = False


class Panel(msgspec.Struct, frozen=True):
    """What is shown of one thing; the chart stands between figures and below."""

    head: str
    sentence: str
    figures: str
    below: str


def of_violation(detail: ViolationDetail, seal: SealRow | None, words: Words, now_ms: int) -> Panel:
    """A violation: what happened, the figures that are stored, the numbers behind the verdict, its life."""
    reason = detail.reason_zh if words.language == "zh" else detail.reason_en
    name = f"{detail.enterprise} {detail.furnace}"
    colour: Literal["red", "amber"] = "red" if detail.severity == "red" else "amber"
    return Panel(
        head=render("violation_head", words, row=detail, seal=seal),
        sentence=str(figures.emphasised(reason, name, colour)),
        figures=render("figures", words, cells=_violation_figures(detail, seal, words, now_ms)),
        below=render(
            "violation_below",
            words,
            detail=detail,
            now_ms=now_ms,
            agents=[] if seal is None else seal.agents,
            peak_units=[peak_unit(f) for f in detail.findings],
            reasons=[_translated(step.reason, words) for step in detail.transitions],
        ),
    )


def of_seal(row: SealRow, words: Words, home: str) -> Panel:
    """A seal: what it is now, and what is proved of today."""
    t = row.today
    whole = t.off_ms + t.off_by_register_ms + t.on_ms + t.unproved_ms
    name = f"{row.enterprise} {row.furnace}"
    state = state_words(row, words)
    sentence = words(
        "seal_sentence",
        name=name,
        state=state,
        off=figures.share(t.off_ms + t.off_by_register_ms, whole),
        unproved=figures.share(t.unproved_ms, whole),
        on=figures.share(t.on_ms, whole),
    )
    return Panel(
        head=render("seal_head", words, row=row, state=state),
        sentence=render("plain", words, text=sentence),
        figures=render("figures", words, cells=_seal_figures(row, words)),
        below=render("seal_below", words, row=row, home=home),
    )


def state_words(row: SealRow, words: Words) -> str:
    """A seal's state in words, with its reason where that says more."""
    if row.state in (SealState.RESTARTED, SealState.ENDED_UNSEEN):
        code = words.why(row.state_reason)
        return (
            code
            if row.state is SealState.RESTARTED
            else words("gap_label", state=words("state.ended_unseen"), why=code)
        )
    state = words(f"state.{row.state.value}")
    if row.state is SealState.UNPROVED:
        return words("gap_label", state=state, why=words.why(row.state_reason))
    return state


def peak_unit(finding: FindingNumbers) -> str:
    """The unit of a finding's peak: a cumulative statistic has none of its own, its peak is the draw."""
    return "W" if finding.unit == "σ" else finding.unit


def _violation_figures(detail: ViolationDetail, seal: SealRow | None, words: Words, now_ms: int) -> list[Figure]:
    finding = _strongest(detail)
    lasting = (detail.ended_ms or now_ms) - detail.first_ms
    since = words("goes_on" if detail.ended_ms is None else "ended_after", span=figures.lasted(words, lasting))
    cells = [] if seal is None or detail.code == Code.SEAL_OPENED.value else [_now(seal, words)]
    if finding is not None:
        if finding.unit in _PEAKED:
            cells.append(
                Figure(words("peak"), figures.measured(finding.peak, peak_unit(finding)), words(f"code.{finding.code}"))
            )
        if finding.energy_wh is not None:
            cells.append(Figure(words("energy"), figures.measured(finding.energy_wh, "Wh"), words("by_register")))
    cells.append(Figure(words("since"), figures.clock(detail.first_ms, now_ms), since))
    stored = words("stored_at", time=figures.clock(detail.detected_ms, now_ms))
    cells.append(Figure(words("detected"), figures.delay(words, detail.raised_ms - detail.first_ms), stored))
    if finding is not None:
        value, limit = (
            figures.measured(finding.statistic, finding.unit),
            figures.measured(finding.threshold, finding.unit),
        )
        rate = f"{words('false_alarms')} {figures.rarely(finding.false_alarms_per_year)} {words('per_seal_year')}"
        cells.append(Figure(words("statistic"), f"{figures.split(value)[0]} / {limit}", rate))
    return cells


def _seal_figures(row: SealRow, words: Words) -> list[Figure]:
    t = row.today
    whole = t.off_ms + t.off_by_register_ms + t.on_ms + t.unproved_ms
    allowed = NOTHING if row.allowed_kw is None else figures.power(row.allowed_kw * 1000)
    off = figures.share(t.off_ms + t.off_by_register_ms, whole)
    register = words("of_it_register", share=figures.share(t.off_by_register_ms, whole))
    rated = f"{words('rated')} {figures.power(row.rated_kw * 1000)}"
    deadline = words("no_deadline") if row.dismantle_by_ms is None else figures.date(row.dismantle_by_ms)
    return [
        _now(row, words),
        Figure(words("allowed"), allowed, rated),
        Figure(words("proved_off"), off, register),
        Figure(words("state.unproved"), figures.share(t.unproved_ms, whole), words("today_so_far")),
        Figure(words("state.on"), figures.share(t.on_ms, whole), words("today_so_far"), red=t.on_ms > 0),
        Figure(words("sealed_since"), figures.date(row.from_ms), f"{words('dismantle_by')} {deadline}"),
    ]


def _now(seal: SealRow, words: Words) -> Figure:
    if seal.last_power_ms is None or seal.last_power_w is None:
        return Figure(words("now"), NOTHING, words("no_value"))
    red = seal.state is SealState.RESTARTED
    return Figure(words("now"), figures.power(seal.last_power_w), read_ms=seal.last_power_ms, red=red)


def _strongest(detail: ViolationDetail) -> FindingNumbers | None:
    """The newest finding of the violation's own code."""
    mine: Sequence[FindingNumbers] = [f for f in detail.findings if f.code == detail.code]
    return mine[-1] if mine else None


def _translated(reason: str, words: Words) -> str:
    """A step's reason; the system's own are codes."""
    parts = reason.split(" → ")
    if all(f"code.{part}" in PAIRS for part in parts):
        return " → ".join(words(f"code.{part}") for part in parts)
    return reason
