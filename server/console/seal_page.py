"""The page of one seal: what is proved of all its time, the steps so far, how it is wired and read."""

import msgspec
from nicegui import ui
from sqlmodel import Session

from server.access.who import Who
from server.console.calendar import calendar_html
from server.console.chart_frame import ChartFrame
from server.console.frame import Frame
from server.console.html import render
from server.console.pages import PageKind
from server.console.register_frame import RegisterFrame
from server.console.seal_parts import parts
from server.views.coverage import CoverageCalendar, coverage_calendar
from server.views.dossier import Dossier, dossier

CALENDAR_AGE_MS = 30_000
"""A calendar of a year changes little in so long, and costs more to read than all the rest of the page."""


class Material(msgspec.Struct, frozen=True):
    """One seal and what was proved since it began."""

    dossier: Dossier
    calendar: CoverageCalendar
    from_ms: int
    to_ms: int
    now_ms: int


class SealPage:
    """One open page; its elements stay and their contents change.

    Args:
        frame: what it stands in.
        seal_id: which seal, as the address says.
    """

    def __init__(self, frame: Frame, seal_id: str) -> None:
        self._frame, self._id = frame, seal_id
        self._calendar: CoverageCalendar | None = None
        words = frame.words
        with ui.element("main").classes("single seal-page") as self._main:
            self._crumbs = ui.html("", sanitize=False, tag="nav").classes("crumbs")
            self._crumbs.props["aria-label"] = words("crumbs")
            with ui.element("div").classes("head"):
                self._facts = ui.html("", sanitize=False).classes("facts")
                self._ways = ui.html("", sanitize=False).classes("actions")
            self._sentence = ui.html("", sanitize=False, tag="h1").classes("sentence")
            self._steps = ui.html("", sanitize=False, tag="section").classes("stages")
            self._heading("calendar", "calendar_note")
            self._days = ui.html("", sanitize=False).classes("calendar")
            self._heading("register", "register_note")
            self._register = RegisterFrame(words)
            self._heading("live_curve", "raw_or_envelope")
            self._chart = ChartFrame(words, place="page")
            self._below = ui.html("", sanitize=False).classes("parts")
        with ui.element("main").classes("single") as self._missing:
            missing = render("seal_missing", words, id=seal_id, link=frame.link)
            ui.html(missing, sanitize=False).classes("empty")

    def read(self, session: Session, who: Who, now_ms: int) -> Material | None:
        """All that is stored of the seal; None where it is not, or is another county's."""
        found = dossier(session, self._id, now_ms)
        if found is None or not who.sees(found.row.county_code):
            return None
        from_ms = found.row.from_ms
        to_ms = max(from_ms, min(now_ms, found.row.until_ms or now_ms))
        calendar = self._calendar
        if calendar is None or not 0 <= to_ms - calendar.to_ms < CALENDAR_AGE_MS:
            calendar = self._calendar = coverage_calendar(session, self._id, from_ms, to_ms)
        return None if calendar is None else Material(found, calendar, from_ms, to_ms, now_ms)

    def show(self, found: Material | None) -> None:
        """Show it, or say that it cannot be seen and what to do."""
        self._main.set_visibility(found is not None)
        self._missing.set_visibility(found is None)
        if found is None:
            return
        made = parts(found.dossier, found.calendar, self._frame.words, self._frame.link, found.now_ms)
        self._crumbs.set_content(made.crumbs)
        self._facts.set_content(made.facts)
        self._ways.set_content(made.ways)
        self._sentence.set_content(made.sentence)
        self._steps.set_content(made.steps)
        self._days.set_content(calendar_html(found.calendar, self._frame.words))
        self._below.set_content(made.below)
        self._register.show(self._id, found.from_ms, found.to_ms)
        self._chart.show(found.dossier.row, None, found.now_ms)

    def _heading(self, title: str, note: str) -> None:
        ui.html(render("seal_heading", self._frame.words, title=title, note=note), sanitize=False).classes("part")


async def _build(frame: Frame) -> None:
    page = SealPage(frame, frame.params["seal_id"])
    await frame.follow(page.read, page.show)


PAGE = PageKind(path="/seals/{seal_id}", title="title_seal", build=_build, styles=("parts.css", "seal.css"))
