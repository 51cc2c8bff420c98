"""Seals: what is registered, and how each one stands."""

from fastapi import APIRouter
from pydantic import BaseModel

from server import views
from server.api.context import ERRORS, WITH_TOKEN, Here
from server.api.errors import not_found
from server.seal_records import SealRecord, seal_record
from server.views import SealRow

router = APIRouter(prefix="/seals", tags=["seals"], dependencies=WITH_TOKEN, responses=ERRORS)


class Seal(BaseModel):
    """One seal: how it stands now, and what is registered of it."""

    now: SealRow
    registered: SealRecord


@router.get("", summary="Every seal, and how it stands")
def seals(here: Here) -> list[SealRow]:
    """The rows of the page's list."""
    with here.store.transaction() as session:
        return views.seal_rows(session, here.clock.wall_ms())


@router.get("/{seal_id}", summary="One seal")
def seal(seal_id: str, here: Here) -> Seal:
    """How it stands, with enterprise, furnace, pledge, windows and meters."""
    with here.store.transaction() as session:
        row = views.seal_row(session, seal_id, here.clock.wall_ms())
        record = seal_record(session, seal_id)
    if row is None or record is None:
        raise not_found("seal", seal_id, "/api/v1/seals")
    return Seal(now=row, registered=record)
