"""A violation's page as HTML: one function a part, each from stored numbers alone; a point without any is absent."""

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from server.console import figures
from server.console.html import render
from server.console.phrases import grouped, long, maker, moment, proved, signed
from server.console.violation_figures import cells, peak_unit
from server.console.words import PAIRS, Words
from server.county_names import county_name
from server.detect.finding import Code
from server.notify import Told
from server.views import SealRow, ViolationDetail
from server.views.lead import Lead
from server.views.steps import Step
from server.views.weighing import Point, Side
from server.views.witness import ClockThen, Witness

Link = Callable[[str], str]
"""A page's address in the language of the page that links to it."""


class Material(msgspec.Struct, frozen=True):
    """One violation and all that is stored around it, read in one transaction.

    Attributes:
        seal: as it is now.
        break_position: upstream or downstream of the meter.
        witnesses: its agents in the envelopes of that time.
        points: for and against.
        told: who was told, and why.
        now_ms: server time of the reading.
    """

    detail: ViolationDetail
    seal: SealRow
    break_position: str
    lead: Lead
    witnesses: list[Witness]
    points: list[Point]
    told: list[Told]
    now_ms: int


class Parts(msgspec.Struct, frozen=True):
    """The page's parts, from top to bottom; the chart stands between figures and below."""

    crumbs: str
    facts: str
    sentence: str
    lead: str
    figures: str
    below: str


def parts(m: Material, words: Words, link: Link) -> Parts:
    """Every part of the page."""
    detail = m.detail
    county = county_name(detail.county_code, words.language)
    waits_ms = None if detail.unseen_since_ms is None else max(0, m.now_ms - detail.unseen_since_ms)
    below = [
        numbers(detail, words, m.now_ms),
        points(m.points, words, m.now_ms),
        health(m.witnesses, m.points, words, m.now_ms, is_silent=detail.code == Code.SILENT.value),
        life(detail, words, m.now_ms),
        checklist(detail.code, words),
        told(m.told, words, m.now_ms),
        evidence(detail, m.witnesses, words, link),
    ]
    return Parts(
        crumbs=render("violation_crumbs", words, row=detail, county=county, link=link),
        facts=render("violation_facts", words, m=m, row=detail, county=county, waits_ms=waits_ms, link=link),
        sentence=sentence(detail, words),
        lead=lead(m, words, link),
        figures=render("figures", words, cells=cells(detail, m.seal, words, m.now_ms)),
        below="".join(below),
    )


def sentence(detail: ViolationDetail, words: Words) -> str:
    """Who, what, when, how much: time and event in their colour, numbers in bold."""
    reason = detail.reason_zh if words.language == "zh" else detail.reason_en
    colour: Literal["red", "amber"] = "red" if detail.severity == "red" else "amber"
    return str(figures.emphasised(reason, f"{detail.enterprise} {detail.furnace}", colour))


def lead(m: Material, words: Words, link: Link) -> str:
    """What was proved right before it, and the violations of the same seal before it."""
    before = m.lead.before
    state = "" if before is None else proved(before.state, before.reason, words)
    before_ms = 0 if before is None else max(0, m.detail.first_ms - before.from_ms)
    return render(
        "violation_lead",
        words,
        lead=m.lead,
        state=state,
        span=long(words, before_ms),
        now_ms=m.now_ms,
        link=link,
        moment=moment,
    )


def numbers(detail: ViolationDetail, words: Words, now_ms: int) -> str:
    """Statistic, threshold and expected false alarms of each finding."""
    codes = list(dict.fromkeys(f.code for f in detail.findings))
    return render("violation_numbers", words, findings=detail.findings, codes=codes, peak_unit=peak_unit, now_ms=now_ms)


def points(weighed: Sequence[Point], words: Words, now_ms: int) -> str:
    """For and against, and what was looked at without finding anything."""
    said = {side: [(_said(p, words, now_ms), p) for p in weighed if p.side is side] for side in Side}
    return render("violation_points", words, said=said, Side=Side, all=len(weighed), now_ms=now_ms)


def health(
    witnesses: Sequence[Witness], weighed: Sequence[Point], words: Words, now_ms: int, *, is_silent: bool = False
) -> str:
    """The monitor itself then; what speaks against it is counted in the heading.

    Args:
        witnesses: its agents.
        weighed: for and against.
        words: the language.
        now_ms: server time.
        is_silent: the violation is that it is not heard any more.
    """
    return render(
        "violation_health",
        words,
        witnesses=witnesses,
        look=sum(p.side is Side.AGAINST and p.of_monitor for p in weighed),
        is_silent=is_silent,
        now_ms=now_ms,
        maker=maker,
        clock=_clock,
        grouped=grouped,
        signed=signed,
    )


def life(detail: ViolationDetail, words: Words, now_ms: int) -> str:
    """Each step with who, when and why, and what comes next."""
    rows = [(step, _step(step, words), translated(step.reason, words)) for step in detail.transitions]
    ahead = f"next.{detail.state}"
    return render(
        "violation_life", words, rows=rows, ahead=words(ahead) if ahead in PAIRS else "", severity=detail.severity,
        now_ms=now_ms, moment=moment,
    )  # fmt: skip


def checklist(code: str, words: Words) -> str:
    """What to look at on site: fixed for each code."""
    return render("violation_checklist", words, items=list(words.starting(f"check.{code}.").values()))


def told(rows: Sequence[Told], words: Words, now_ms: int) -> str:
    """Which channel was told, why, and when."""
    return render("violation_told", words, rows=rows, now_ms=now_ms)


def evidence(detail: ViolationDetail, witnesses: Sequence[Witness], words: Words, link: Link) -> str:
    """Where the proof is: agent and envelope numbers."""
    return render("violation_evidence", words, detail=detail, witnesses=witnesses, link=link, grouped=grouped)


def translated(reason: str, words: Words) -> str:
    """A step's reason; the system's own are codes."""
    codes = reason.split(" → ")
    if all(f"code.{code}" in PAIRS for code in codes):
        return " → ".join(words(f"code.{code}") for code in codes)
    return reason


def _step(step: Step, words: Words) -> str:
    """What was done, in a word; to whom it was dispatched."""
    if step.kind in ("comment", "stronger"):
        return words(f"step.{step.kind}")
    word = words(f"step.{step.to_state}")
    return word if step.assignee_shown is None else f"{word} {words('step.to', name=step.assignee_shown)}"


def _said(point: Point, words: Words, now_ms: int) -> str:
    """A point in words, its numbers as people read them."""
    values: dict[str, object] = {"text": point.text, "reason": point.text, "code": words.why(point.text)}
    for name, number in point.numbers.items():
        bare, _, unit = name.rpartition("_")
        values[bare or name] = _number(bare, unit, number, words, now_ms)
    if point.what in ("before", "before_thin"):
        values["share"] = figures.share(int(point.numbers["off_ms"]), int(point.numbers["whole_ms"]))
    return words(f"weigh.{point.what}", **values).strip()


def _number(name: str, unit: str, number: float, words: Words, now_ms: int) -> str:
    if unit == "ms" and name in ("from", "to"):
        return figures.clock(int(number), now_ms)
    if unit == "ms":
        return signed(words, int(number))
    if unit in ("w", "wh"):
        return figures.measured(number, unit.replace("w", "W"))
    return grouped(int(number))


def _clock(clock: ClockThen, words: Words) -> str:
    """What the envelopes say of the agent's clock."""
    said = [words(f"clock.{state}") if f"clock.{state}" in PAIRS else state for state in clock.states]
    if clock.offset_ms is not None:
        said.append(words("health.offset", value=signed(words, clock.offset_ms)))
    if clock.error_ms is not None:
        said.append(words("health.error", value=signed(words, clock.error_ms)))
    said += [words("health.step", value=signed(words, step)) for step in clock.steps_ms]
    return words("list_comma").join(said)
