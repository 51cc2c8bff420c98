"""The option of a seal's chart, fetched by the page: a curve's data does not travel inside of it."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query

from server.console.chart import option
from server.console.chart_style import ChartStyle, Option
from server.console.palette import THEMES
from server.console.words import Words
from server.store import Store
from server.views import curves
from wire.limits import WALL_MS_MAX

POINTS_MAX = 2_000

Time = Annotated[int, Query(ge=0, le=WALL_MS_MAX)]


def router(store: Store) -> APIRouter:
    """The route of the charts."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/console/chart")
    def chart(
        seal: str,
        start: Annotated[int, Query(alias="from", ge=0, le=WALL_MS_MAX)],
        end: Annotated[int, Query(alias="to", ge=0, le=WALL_MS_MAX)],
        lang: Literal["zh", "en"] = "zh",
        theme: Literal["light", "dark"] = "light",
        *,
        narrow: bool = False,
        v: str | None = None,
    ) -> Option:
        """An ECharts option."""
        with store.transaction() as session:
            try:
                found = curves.material(session, seal, start, end)
            except curves.CurveTooLong as error:
                raise HTTPException(422, str(error)) from error
        if found is None or start >= end:
            raise HTTPException(404, f"seal {seal!r}: no such seal, or no time between `from` and `to`")
        return option(curves.draw(found, POINTS_MAX), ChartStyle(Words(lang), THEMES[theme], narrow=narrow), v)

    return routes
