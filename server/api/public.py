"""What anyone may see: the seals that an office has published, with pledge and deadline. Nothing that a meter said."""

from fastapi import APIRouter
from pydantic import BaseModel

from server.api.context import Here, anyone
from server.seal_records import SealRecord, seal_records

router = APIRouter(prefix="/public", tags=["public"])


class PublishedSeal(BaseModel):
    """One published seal."""

    seal: str
    enterprise: str
    county_code: str
    furnace: str
    kind: str
    tonnes: float
    catalogue_edition: str | None
    catalogue_item: str | None
    sealed_from: str
    dismantle_by: str | None
    pledge_signed: str | None
    published_url: str


@router.get("/seals", summary="The published list", dependencies=[anyone()])
def published_seals(here: Here) -> list[PublishedSeal]:
    """Only seals whose publication is registered (`published_url`): this server publishes nothing on its own."""
    with here.store.transaction() as session:
        return [_published(record, record.published_url) for record in seal_records(session) if record.published_url]


def _published(record: SealRecord, url: str) -> PublishedSeal:
    return PublishedSeal(
        seal=record.seal,
        enterprise=record.enterprise,
        county_code=record.county_code,
        furnace=record.furnace.name,
        kind=record.furnace.kind,
        tonnes=record.furnace.tonnes,
        catalogue_edition=record.furnace.catalogue_edition,
        catalogue_item=record.furnace.catalogue_item,
        sealed_from=record.start,
        dismantle_by=record.dismantle_by,
        pledge_signed=record.pledge.signed if record.pledge else None,
        published_url=url,
    )
