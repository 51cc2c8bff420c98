"""The page of one violation: what happened and how sure that is, what was done about it, where the proof is."""

from nicegui import ui
from sqlmodel import Session

from server import notify, views
from server.access.who import Who
from server.console.acting import Acting
from server.console.chart_frame import ChartFrame
from server.console.frame import Frame
from server.console.html import render
from server.console.pages import PageKind
from server.console.violation_parts import Material, parts
from server.tables import Seal
from server.views.lead import lead
from server.views.weighing import weigh
from server.views.witness import witness


class ViolationPage:
    """One open page; its elements stay and their contents change.

    Args:
        frame: what it stands in.
        violation_id: which violation, as the address says.
    """

    def __init__(self, frame: Frame, violation_id: str) -> None:
        self._frame, self._id = frame, violation_id
        words = frame.words
        with ui.element("main").classes("single violation-page") as self._main:
            self._crumbs = ui.html("", sanitize=False, tag="nav").classes("crumbs")
            self._crumbs.props["aria-label"] = words("crumbs")
            with ui.element("div").classes("head"):
                self._facts = ui.html("", sanitize=False).classes("facts")
                self._acting = Acting(frame)
            self._sentence = ui.html("", sanitize=False, tag="h1").classes("sentence")
            self._lead = ui.html("", sanitize=False, tag="p").classes("lead")
            self._figures = ui.html("", sanitize=False).classes("figures")
            self._chart = ChartFrame(words, place="page")
            self._below = ui.html("", sanitize=False).classes("parts")
        with ui.element("main").classes("single") as self._missing:
            missing = render("violation_missing", words, id=violation_id, link=frame.link)
            ui.html(missing, sanitize=False).classes("empty")

    def read(self, session: Session, who: Who, now_ms: int) -> Material | None:
        """All that is stored around the violation; None where it is not, or is another county's."""
        detail = views.violation(session, self._id, who.counties)
        seal = None if detail is None else views.seal_row(session, detail.seal_id, now_ms)
        if detail is None or seal is None:
            return None
        witnesses = [witness(session, evidence) for evidence in detail.evidence]
        return Material(
            detail=detail,
            seal=seal,
            break_position=session.get_one(Seal, seal.id).break_position,
            lead=lead(session, detail),
            witnesses=witnesses,
            points=weigh(session, detail, witnesses),
            told=notify.told(session, self._id),
            now_ms=now_ms,
        )

    def show(self, found: Material | None) -> None:
        """Show it, or say that it cannot be seen and what to do."""
        self._main.set_visibility(found is not None)
        self._missing.set_visibility(found is None)
        self._acting.show(None if found is None else found.detail)
        if found is None:
            return
        made = parts(found, self._frame.words, self._frame.link)
        self._crumbs.set_content(made.crumbs)
        self._facts.set_content(made.facts)
        self._sentence.set_content(made.sentence)
        self._lead.set_content(made.lead)
        self._figures.set_content(made.figures)
        self._below.set_content(made.below)
        self._chart.show(found.seal, found.detail, found.now_ms)


async def _build(frame: Frame) -> None:
    page = ViolationPage(frame, frame.params["violation_id"])
    await frame.follow(page.read, page.show)


PAGE = PageKind(
    path="/violations/{violation_id}", title="title_violation", build=_build, styles=("parts.css", "violation.css")
)
