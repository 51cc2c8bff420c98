"""Seals: what is registered, and how each one stands."""

from fastapi import APIRouter
from pydantic import BaseModel

from server import views
from server.access.rights import Right
from server.api.context import ERRORS, WITH_TOKEN, Asker, Here, needs
from server.api.errors import not_found
from server.api.paging import PAGED, Paged
from server.seal_records import SealRecord, seal_record
from server.views import SealRow

router = APIRouter(prefix="/seals", tags=["seals"], dependencies=WITH_TOKEN, responses=ERRORS)


class Seal(BaseModel):
    """One seal: how it stands now, and what is registered of it."""

    now: SealRow
    registered: SealRecord


@router.get("", summary="Every seal, and how it stands", dependencies=[needs(Right.READ)], responses=PAGED)
def seals(here: Here, who: Asker, paging: Paged) -> list[SealRow]:
    """By their numbers, those of the counties that one sees; the header Link leads to the next page."""
    now_ms, limit = here.clock.wall_ms(), paging.rows_to_read
    with here.store.transaction() as session:
        rows = views.seal_rows(session, now_ms, who.counties, after=paging.cursor, limit=limit)
    return paging.cut(rows, lambda row: row.id)


@router.get("/{seal_id}", summary="One seal", dependencies=[needs(Right.READ)])
def seal(seal_id: str, here: Here, who: Asker) -> Seal:
    """How it stands, with enterprise, furnace, pledge, windows and meters."""
    with here.store.transaction() as session:
        row = views.seal_row(session, seal_id, here.clock.wall_ms(), who.counties)
        record = seal_record(session, seal_id)
    if row is None or record is None:
        raise not_found("seal", seal_id, "/api/v1/seals")
    return Seal(now=row, registered=record)
