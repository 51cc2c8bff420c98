"""Curves: a seal's draw as a chart shows it, with its gaps."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from server.api.context import ERRORS, WITH_TOKEN, Here, TimeMs
from server.api.errors import ApiError, not_found
from server.curve import POINTS_MIN
from server.views import curves
from server.views.curves import Curve

router = APIRouter(prefix="/seals", tags=["charts"], dependencies=WITH_TOKEN, responses=ERRORS)

POINTS_MAX = 20_000
DAY_MS = 86_400_000


@router.get("/{seal_id}/curve", summary="A seal's power curve")
def curve(
    seal_id: str,
    here: Here,
    start: Annotated[TimeMs | None, Query(alias="from", description="first time; a day before `to`")] = None,
    end: Annotated[TimeMs | None, Query(alias="to", description="last time; now")] = None,
    max_points: Annotated[int, Query(ge=POINTS_MIN, le=POINTS_MAX, description="more are thinned out")] = 2_000,
) -> Curve:
    """Draw over time. A gap is null with its reason, never 0; thinning keeps each bucket's smallest and largest."""
    to_ms = here.clock.wall_ms() if end is None else end
    from_ms = to_ms - DAY_MS if start is None else start
    if from_ms >= to_ms:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "wrong_input", "from: expected a time before `to`", "from")
    with here.store.transaction() as session:
        try:
            found = curves.material(session, seal_id, from_ms, to_ms)
        except curves.CurveTooLong as error:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "too_long", str(error), "from") from error
    if found is None:
        raise not_found("seal", seal_id, "/api/v1/seals")
    return curves.draw(found, max_points)
