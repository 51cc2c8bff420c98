"""Curves, calendars and shares: what the charts show, as numbers."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from server import curve_csv, views
from server.access.rights import Right
from server.api.context import ERRORS, WITH_TOKEN, Asker, Here, TimeMs, needs
from server.api.errors import ApiError, not_found
from server.curve import POINTS_MIN
from server.views import CountyRow, CoverageCalendar, RegisterCurve, curves, register
from server.views.curves import Curve, CurveTooLong
from server.views.seen import seen_seal
from server.views.stretches import LONGEST_MS

router = APIRouter(tags=["charts"], dependencies=WITH_TOKEN, responses=ERRORS)

POINTS_MAX = 20_000
DAY_MS = 86_400_000

Start = Annotated[TimeMs | None, Query(alias="from", description="first time; a day before `to`")]
End = Annotated[TimeMs | None, Query(alias="to", description="last time; now")]


@router.get("/seals/{seal_id}/curve", summary="A seal's power curve", dependencies=[needs(Right.READ)])
def curve(
    seal_id: str,
    here: Here,
    who: Asker,
    start: Start = None,
    end: End = None,
    max_points: Annotated[int, Query(ge=POINTS_MIN, le=POINTS_MAX, description="more are thinned out")] = 2_000,
) -> Curve:
    """Draw, water and frequency over time, each gap null with its reason and never 0.

    Up to two hours each poll; beyond, each bucket's smallest and largest.
    """
    from_ms, to_ms = _time(here, start, end)
    with here.store.transaction() as session:
        try:
            found = curves.material(session, seal_id, from_ms, to_ms, counties=who.counties)
        except CurveTooLong as error:
            raise _too_long(error) from error
    if found is None:
        raise not_found("seal", seal_id, "/api/v1/seals")
    return curves.draw(found, max_points)


@router.get(
    "/seals/{seal_id}/curve.csv",
    summary="A seal's readings as a table",
    dependencies=[needs(Right.READ)],
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/csv": {}}, "description": "UTF-8 with a byte order mark, as spreadsheets read it"}
    },
)
def curve_table(seal_id: str, here: Here, who: Asker, start: Start = None, end: End = None) -> StreamingResponse:
    """Up to a day each poll, beyond each minute's smallest and largest; what is missing is empty with its reason."""
    from_ms, to_ms = _time(here, start, end)
    if to_ms - from_ms > LONGEST_MS:
        raise _too_long(CurveTooLong(f"from: expected at most {LONGEST_MS // DAY_MS} days before `to`"))
    with here.store.transaction() as session:
        if seen_seal(session, seal_id, who.counties) is None:
            raise not_found("seal", seal_id, "/api/v1/seals")
        meters = list(curves.meters_of(session, seal_id).values())
    return StreamingResponse(
        curve_csv.lines(here.store, meters, from_ms, to_ms),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{curve_csv.file_name(seal_id, from_ms, to_ms)}"'},
    )


@router.get(
    "/seals/{seal_id}/coverage", summary="What is proved of each day of a seal", dependencies=[needs(Right.READ)]
)
def coverage(seal_id: str, here: Here, who: Asker, start: Start = None, end: End = None) -> CoverageCalendar:
    """Each Beijing day by what is proved; the future counts as nothing, so `to` is at most now."""
    from_ms, to_ms = _time(here, start, end)
    if to_ms - from_ms > LONGEST_MS:
        raise _too_long(CurveTooLong(f"from: expected at most {LONGEST_MS // DAY_MS} days before `to`"))
    with here.store.transaction() as session:
        found = views.coverage_calendar(
            session, seal_id, from_ms, max(from_ms, min(to_ms, here.clock.wall_ms())), who.counties
        )
    if found is None:
        raise not_found("seal", seal_id, "/api/v1/seals")
    return found


@router.get("/seals/{seal_id}/register", summary="A seal's energy register", dependencies=[needs(Right.READ)])
def energy_register(seal_id: str, here: Here, who: Asker, start: Start = None, end: End = None) -> RegisterCurve:
    """The register's changes, with its advance over each gap."""
    from_ms, to_ms = _time(here, start, end)
    with here.store.transaction() as session:
        try:
            found = register.material(session, seal_id, from_ms, to_ms, who.counties)
        except CurveTooLong as error:
            raise _too_long(error) from error
    if found is None:
        raise not_found("seal", seal_id, "/api/v1/seals")
    return register.draw(found)


@router.get("/counties", summary="How the seals of each county stand", dependencies=[needs(Right.READ)])
def counties(here: Here, who: Asker) -> list[CountyRow]:
    """The counties that one sees and in which something is sealed."""
    with here.store.transaction() as session:
        return views.county_shares(session, here.clock.wall_ms(), who.counties)


def _time(here: Here, start: int | None, end: int | None) -> tuple[int, int]:
    to_ms = here.clock.wall_ms() if end is None else end
    from_ms = max(0, to_ms - DAY_MS) if start is None else start
    if from_ms >= to_ms:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_input", "from: expected a time before `to`", "from")
    return from_ms, to_ms


def _too_long(error: CurveTooLong) -> ApiError:
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "too_long", str(error), "from")
