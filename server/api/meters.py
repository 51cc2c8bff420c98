"""Meters: which instrument is at which seal."""

from fastapi import APIRouter

from server.access.rights import Right
from server.api.context import ERRORS, WITH_TOKEN, Asker, Here, needs
from server.seal_records import MeterRecord, meter_records

router = APIRouter(prefix="/meters", tags=["meters"], dependencies=WITH_TOKEN, responses=ERRORS)


@router.get("", summary="Registered meters", dependencies=[needs(Right.READ)])
def meters(here: Here, who: Asker, seal: str | None = None, agent: str | None = None) -> list[MeterRecord]:
    """All of them, or those of one seal or one agent."""
    with here.store.transaction() as session:
        return meter_records(session, seal_id=seal, agent_id=agent, counties=who.counties)
