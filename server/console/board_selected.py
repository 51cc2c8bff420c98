"""The right of the board: the selected violation with its sentence, figures, curve, and what speaks for and against."""

import msgspec
from nicegui import ui
from sqlmodel import Session

from server import notify, views
from server.access.who import Who
from server.console import violation_parts
from server.console.acting import Acting
from server.console.board_data import Snapshot
from server.console.chart_frame import ChartFrame
from server.console.frame import Frame
from server.console.html import render
from server.console.violation_figures import cells
from server.county_names import county_name
from server.notify import Told
from server.views import SealRow, ViolationDetail
from server.views.weighing import Point, weigh
from server.views.witness import witness


class Standing(msgspec.Struct, frozen=True):
    """One violation and what is stored around it.

    Attributes:
        seal: as it is now.
        points: for and against.
        told: who was told, and why.
        now_ms: server time of the reading.
    """

    detail: ViolationDetail
    seal: SealRow
    points: list[Point]
    told: list[Told]
    now_ms: int


def read_standing(session: Session, who: Who, violation_id: str, now_ms: int) -> Standing | None:
    """Read it; None where no such violation is in the counties that somebody sees."""
    detail = views.violation(session, violation_id, who.counties)
    seal = None if detail is None else views.seal_row(session, detail.seal_id, now_ms)
    if detail is None or seal is None:
        return None
    witnesses = [witness(session, evidence) for evidence in detail.evidence]
    return Standing(
        detail=detail,
        seal=seal,
        points=weigh(session, detail, witnesses),
        told=notify.told(session, violation_id),
        now_ms=now_ms,
    )


class Selected:
    """The elements; they stay, their contents change.

    Args:
        frame: the page.
    """

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        words = frame.words
        with ui.element("main"):
            with ui.element("article") as self._article:
                with ui.element("div").classes("head"):
                    self._facts = ui.html("", sanitize=False).classes("facts")
                    with ui.element("div").classes("acts"):
                        self._acting = Acting(frame)
                        self._open = ui.html(f"{words('open_page')}<kbd>Enter</kbd>", sanitize=False, tag="a")
                        self._open.classes("button open").props('data-key="Enter" aria-keyshortcuts="Enter"')
                self._sentence = ui.html("", sanitize=False, tag="h1").classes("sentence")
                self._figures = ui.html("", sanitize=False).classes("figures")
                self._brief = ui.html("", sanitize=False).classes("brief")
                with ui.element("div").classes("curve-and-side"):
                    with ui.element("div").classes("curve"):
                        self._chart = ChartFrame(words, place="board")
                    self._side = ui.html("", sanitize=False).classes("side")
                    self._side.props(f'tabindex=0 role=region aria-label="{words("side")}"')
            self._nothing = ui.html("", sanitize=False).classes("empty")

    def show(self, standing: Standing | None, snapshot: Snapshot) -> None:
        """Show a violation; None: say why there is none, and what to do next."""
        self._article.set_visibility(standing is not None)
        self._nothing.set_visibility(standing is None)
        self._acting.show(None if standing is None else standing.detail)
        if standing is None:
            self._nothing.set_content(render("board_nothing", self._frame.words, snapshot=snapshot))
        else:
            self._show_violation(standing)

    def _show_violation(self, standing: Standing) -> None:
        words, detail, now_ms = self._frame.words, standing.detail, standing.now_ms
        county = county_name(detail.county_code, words.language)
        self._open.props["href"] = self._frame.link(f"/violations/{detail.id}")
        self._facts.set_content(
            render("board_facts", words, row=detail, seal=standing.seal, county=county, link=self._frame.link)
        )
        self._sentence.set_content(violation_parts.sentence(detail, words))
        self._figures.set_content(render("figures", words, cells=cells(detail, standing.seal, words, now_ms)))
        items = list(words.starting(f"check.{detail.code}.").values())
        self._brief.set_content(render("board_brief", words, points=standing.points, items=items, told=standing.told))
        self._side.set_content(
            violation_parts.points(standing.points, words, now_ms)
            + violation_parts.checklist(detail.code, words)
            + violation_parts.told(standing.told, words, now_ms)
        )
        self._chart.show(standing.seal, detail, now_ms)
