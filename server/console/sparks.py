"""The small curves of the queue: stored power, its gaps hatched, one drawing a violation, fetched when it is seen."""

from collections.abc import Sequence

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from server import views
from server.console.html import render
from server.console.words import Words
from server.store import Store
from server.views import ViolationRow, curves
from server.views.curves import Curve
from wire.clock import Clock

WIDTH, HEIGHT = 60, 26
POINTS_MAX = 240
"""Two for each pixel's least and greatest value, and those at the edges of gaps."""

AROUND_LEAST_MS, LONGEST_MS = 300_000, 7_200_000
_TOP, _BASE = 3.0, 23.0


def router(store: Store, clock: Clock) -> APIRouter:
    """The route of the small curves."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/console/spark/{violation_id}")
    def spark(request: Request, violation_id: str) -> HTMLResponse:
        """An SVG to be put into the page, where it takes the page's colours."""
        with store.transaction() as session:
            row = views.violation(session, violation_id, request.state.who.counties)
            if row is None:
                raise HTTPException(404, f"violation {violation_id!r}: no such violation")
            from_ms, to_ms = span(row, clock.wall_ms())
            found = curves.material(session, row.seal_id, from_ms, to_ms)
        if found is None:
            raise HTTPException(404, f"seal {row.seal_id!r}: no such seal")
        drawn = drawing(curves.draw(found, POINTS_MAX))
        return HTMLResponse(drawn, headers={"Cache-Control": "private, max-age=60"})

    return routes


def span(row: ViolationRow, now_ms: int) -> tuple[int, int]:
    """The time around a violation that its small curve shows: two hours at most, its beginning always inside."""
    last_ms = now_ms if row.ended_ms is None else min(now_ms, row.ended_ms)
    around_ms = max(AROUND_LEAST_MS, (last_ms - row.first_ms) // 2)
    from_ms = row.first_ms - min(around_ms, LONGEST_MS // 2)
    return from_ms, min(now_ms, last_ms + around_ms, from_ms + LONGEST_MS)


def drawing(curve: Curve) -> str:
    """A curve as an SVG of WIDTH x HEIGHT: a step line that breaks at gaps, and a hatched band for each of these."""
    whole = max(1, curve.to_ms - curve.from_ms)
    high = max([1.0, curve.allowed_w or 0.0, *(w for _, w in curve.points if w is not None)])

    def x(at_ms: int) -> float:
        return (min(max(at_ms, curve.from_ms), curve.to_ms) - curve.from_ms) / whole * WIDTH

    def y(watts: float) -> float:
        return _BASE - watts / high * (_BASE - _TOP)

    bands = [(x(gap.from_ms), max(1.5, x(gap.to_ms) - x(gap.from_ms))) for gap in curve.gaps]
    line = _steps([None if w is None else (x(t), y(w)) for t, w in curve.points])
    values = {"width": WIDTH, "height": HEIGHT, "base": _BASE, "top": _TOP, "bands": bands, "line": line}
    return render("spark", Words("zh"), **values)


def _steps(points: Sequence[tuple[float, float] | None]) -> str:
    """A path that keeps each value until the next, and begins anew after None."""
    path, is_open = "", False
    for point in points:
        if point is None:
            is_open = False
            continue
        path += f"H{point[0]:.1f}V{point[1]:.1f}" if is_open else f"M{point[0]:.1f} {point[1]:.1f}"
        is_open = True
    return path
