"""A seal's page as HTML: one function a part, each from what is registered and stored."""

from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from server.console import figures, wiring
from server.console.html import render
from server.console.phrases import grouped, long, maker, moment, portion, state_words
from server.console.violation_parts import Link
from server.console.words import Words
from server.county_names import county_name
from server.views.coverage import CoverageCalendar
from server.views.dossier import Dossier, SealStep, days_between
from server.views.state import SealState


class Parts(msgspec.Struct, frozen=True):
    """The page's parts, from top to bottom; calendar, register and power curve stand between steps and below."""

    crumbs: str
    facts: str
    ways: str
    sentence: str
    steps: str
    below: str


def parts(found: Dossier, calendar: CoverageCalendar, words: Words, link: Link, now_ms: int) -> Parts:
    """Every part of the page.

    Args:
        found: the seal.
        calendar: what was proved since it began.
        words: the language.
        link: a page's address in this language.
        now_ms: server time of the reading.
    """
    county = county_name(found.row.county_code, words.language)
    below = [
        meters(found, words),
        wired(found, words),
        papers(found, words, link, now_ms),
        windows(found, words, now_ms),
    ]
    return Parts(
        crumbs=render("seal_crumbs", words, row=found.row, county=county, link=link),
        facts=render("seal_facts", words, found=found, row=found.row, state=_state(found, words)),
        ways=render("seal_ways", words, row=found.row, link=link),
        sentence=str(sentence(found, calendar, words, now_ms)),
        steps=render("seal_steps", words, steps=[(s, *_step(s, found, words)) for s in found.steps], row=found.row),
        below="".join(below),
    )


def sentence(found: Dossier, calendar: CoverageCalendar, words: Words, now_ms: int) -> Markup:
    """How long it is sealed, what of that time is proved, whether it was broken, how long there is to dismantle it."""
    row = found.row
    if row.from_ms > now_ms:
        return Markup("{}").format(words("seal.ahead", time=moment(row.from_ms, now_ms)))
    last_ms = min(now_ms, row.until_ms or now_ms)
    days = grouped(days_between(row.from_ms, last_ms) + 1)
    over = row.until_ms is not None and row.until_ms <= now_ms
    begin = words("seal.over", n=days, date=figures.date(row.until_ms)) if over else words("seal.day", n=days)
    return Markup("{}{}{}{}").format(
        begin, _shares(calendar, words), _broken(found, words, now_ms), "" if over else _deadline(found, words, now_ms)
    )


def meters(found: Dossier, words: Words) -> str:
    """Every instrument, and the agents that read them."""
    return render("seal_meters", words, found=found, maker=maker, period=_period)


def wired(found: Dossier, words: Words) -> str:
    """The wiring, what it means for the proof, and the voltages that bear it out."""
    return render(
        "seal_wiring",
        words,
        drawing=wiring.drawing(found, words),
        meaning=wiring.meaning(found, words),
        meter=found.furnace_meter,
    )


def papers(found: Dossier, words: Words, link: Link, now_ms: int) -> str:
    """Paper seals, and the violations of this seal."""
    return render(
        "seal_papers", words, found=found, link=link, now_ms=now_ms, long=long, grouped=grouped, moment=moment
    )


def windows(found: Dossier, words: Words, now_ms: int) -> str:
    """Declared maintenance, past and ahead."""
    return render("seal_windows", words, windows=found.windows, now_ms=now_ms)


def _state(found: Dossier, words: Words) -> str:
    row = found.row
    state = state_words(row, words)
    if row.state is SealState.RESTARTED and row.last_power_w is not None:
        return words("now_at", state=state, power=figures.power(row.last_power_w))
    return state


def _shares(calendar: CoverageCalendar, words: Words) -> Markup:
    t = calendar.total
    off_ms = t.off_ms + t.off_by_register_ms
    whole = off_ms + t.on_ms + t.unproved_ms
    shares = {"off": off_ms, "unproved": t.unproved_ms, "on": t.on_ms}
    bold = {name: _bold(portion(ms, whole), red=name == "on" and ms > 0) for name, ms in shares.items()}
    return Markup("{}").format(Markup(words("seal.shares")).format(**bold))  # noqa: S704 - our own words


def _bold(text: str, *, red: bool) -> Markup:
    return Markup('<b class="{}">{}</b>').format("red" if red else "", text)


def _broken(found: Dossier, words: Words, now_ms: int) -> str:
    if not found.past:
        return words("seal.never_broken")
    return words("seal.broken", n=grouped(found.past_in_all), time=moment(found.past[0].first_ms, now_ms))


def _deadline(found: Dossier, words: Words, now_ms: int) -> str:
    if found.row.dismantle_by_ms is None:
        return words("seal.no_deadline")
    left = days_between(now_ms, found.row.dismantle_by_ms)
    if left == 0:
        return words("seal.last_day")
    return words("seal.left", n=grouped(left)) if left > 0 else words("seal.late", n=grouped(-left))


def _step(step: SealStep, found: Dossier, words: Words) -> tuple[str, Sequence[str]]:
    """A step's mark (done, missing, now, ahead) and the lines under its name."""
    if step.what in ("pledge", "paper", "published") and not step.done:
        return "missing", [words("stage.missing")]
    if step.what == "monitored" and not step.done:
        return "missing", [words("stage.nothing_heard")]
    if step.what == "today":
        return ("done" if step.done else "now"), _today(step, found, words)
    if step.what == "dismantle":
        return "ahead", _dismantle(step, words)
    return ("done" if step.done else "ahead"), _registered(step, words)


def _registered(step: SealStep, words: Words) -> list[str]:
    """Lines of a step that the registry has."""
    lines = [] if step.at_ms is None else [f"{figures.date(step.at_ms)} {figures.clock(step.at_ms)[:5]}"]
    if step.what == "paper" and step.number is not None:
        lines.append(words("stage.pieces", n=grouped(int(step.number))))
        lines.append(step.text if step.number == 1 else words("stage.from", first=step.text))
    if step.what == "pledge" and step.number is not None:
        lines += [
            words("stage.allowed", power=figures.power(step.number * 1000)),
            words("stage.signed_by", name=step.text),
        ]
    if step.what == "monitored":
        lines.append(words("stage.first_row"))
    return lines


def _today(step: SealStep, found: Dossier, words: Words) -> list[str]:
    if step.number is None:
        return [words("stage.not_begun")]
    return [
        words("stage.day", n=grouped(int(step.number))),
        words("stage.violations", n=grouped(found.past_in_all)),
        words("stage.windows", n=grouped(len(found.windows))),
    ]


def _dismantle(step: SealStep, words: Words) -> list[str]:
    if step.at_ms is None or step.number is None:
        return [words("stage.missing")]
    left = int(step.number)
    days = (
        words("stage.last_day") if not left else words("stage.left" if left > 0 else "stage.late", n=grouped(abs(left)))
    )
    return [words("stage.by", date=figures.date(step.at_ms)), days]


def _period(period_ms: int, words: Words) -> str:
    whole = period_ms % 1000 == 0
    return figures.lasted(words, period_ms) if whole else figures.delay(words, period_ms)
