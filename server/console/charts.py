"""The options of a seal's charts, fetched by the page: a curve's data does not travel inside of it."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import BaseModel, Field

from server.access.who import Who
from server.console import chart, register_chart
from server.console.chart_style import ChartStyle, Option
from server.console.palette import THEMES
from server.console.words import Words
from server.store import Store
from server.views import curves, register
from server.views.curves import CurveTooLong
from wire.limits import WALL_MS_MAX

POINTS_MAX = 2_000

_Ms = Annotated[int, Field(ge=0, le=WALL_MS_MAX)]


class Asked(BaseModel):
    """What a chart is asked for.

    Attributes:
        seal: its number.
        start, end: the time, `from` and `to` in the address.
        lang, theme, narrow: how it looks; narrow is a phone's.
    """

    seal: str
    start: _Ms = Field(alias="from")
    end: _Ms = Field(alias="to")
    lang: Literal["zh", "en"] = "zh"
    theme: Literal["light", "dark"] = "light"
    narrow: bool = False

    @property
    def style(self) -> ChartStyle:
        """Words, colours and widths."""
        return ChartStyle(Words(self.lang), THEMES[self.theme], narrow=self.narrow)


class AskedCurve(Asked):
    """What a curve is asked for.

    Attributes:
        place: where the chart stands.
        zoom_from, zoom_to: a part to be drawn finer, which is what is seen.
        v: the violation that is looked at.
    """

    place: chart.Place = "board"
    zoom_from: _Ms | None = None
    zoom_to: _Ms | None = None
    v: str | None = None

    @property
    def detail(self) -> tuple[int, int] | None:
        """The finer part."""
        return None if self.zoom_from is None or self.zoom_to is None else (self.zoom_from, self.zoom_to)


def router(store: Store) -> APIRouter:
    """The routes of the charts."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/console/chart")
    def curve_option(request: Request, asked: Annotated[AskedCurve, Query()]) -> Option:
        """The curve."""
        _check(asked)
        with store.transaction() as session:
            try:
                found = curves.material(
                    session, asked.seal, asked.start, asked.end, asked.detail, _who(request).counties
                )
            except CurveTooLong as error:
                raise HTTPException(422, str(error)) from error
        if found is None:
            raise _nothing(asked)
        return chart.option(curves.draw(found, POINTS_MAX), asked.style, asked.v, asked.place)

    @routes.get("/console/register")
    def register_option(request: Request, asked: Annotated[Asked, Query()]) -> Option:
        """The energy register."""
        _check(asked)
        with store.transaction() as session:
            try:
                found = register.material(session, asked.seal, asked.start, asked.end, _who(request).counties)
            except CurveTooLong as error:
                raise HTTPException(422, str(error)) from error
        if found is None:
            raise _nothing(asked)
        return register_chart.option(register.draw(found), asked.style)

    return routes


def _who(request: Request) -> Who:
    """Who looks; the guard lets nobody else pass."""
    who: Who = request.state.who
    return who


def _check(asked: Asked) -> None:
    if asked.start >= asked.end:
        raise HTTPException(422, "from: expected a time before `to`")


def _nothing(asked: Asked) -> HTTPException:
    return HTTPException(404, f"seal {asked.seal!r}: no such seal")
