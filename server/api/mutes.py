"""Mutes: for a time no message goes out about one seal or one county. Nothing is hidden by them."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BeforeValidator, Field, WithJsonSchema
from sqlmodel import Session, col, select

from server import life, mutes, views
from server.access.counties import seals_of
from server.access.rights import Right
from server.api.context import ERRORS, WITH_TOKEN, Asker, Here, Input, needs, time_ms
from server.tables import Mute, Seal
from server.views import MuteRow

router = APIRouter(prefix="/mutes", tags=["mutes"], dependencies=WITH_TOKEN, responses=ERRORS)


class NewMute(Input):
    """What is muted, until when, and why.

    Attributes:
        seal: a seal's number; either it or the county.
        county_code: six digits.
        until: at most seven days ahead.
    """

    seal: str | None = None
    county_code: Annotated[str, Field(pattern=r"^[0-9]{6}$")] | None = None
    until: Annotated[int, BeforeValidator(time_ms), WithJsonSchema({"type": "string"})]
    reason: Annotated[str, Field(min_length=1, max_length=life.REASON_CHARS_MAX)]


@router.get("", summary="Mutes in force", dependencies=[needs(Right.READ)])
def in_force(here: Here, who: Asker) -> list[MuteRow]:
    """What ends first comes first; those that are over stand in the audit."""
    with here.store.transaction() as session:
        return views.mute_rows(session, here.clock.wall_ms(), who.counties)


@router.post("", summary="Mute a seal or a county", status_code=HTTPStatus.CREATED, dependencies=[needs(Right.MUTE)])
def mute(new: NewMute, here: Here, who: Asker) -> MuteRow:
    """From now on; what happens meanwhile is shown and recorded as ever."""
    with here.store.transaction() as session:
        made = mutes.mute(
            session, by=who, seal_id=new.seal, county_code=new.county_code, until_ms=new.until, reason=new.reason,
            now_ms=here.clock.wall_ms(),
        )  # fmt: skip
        row, seals = views.mute_row(session, made), _seals(session, made)
    here.news.tell(seals)
    return row


@router.post("/{mute_id}/end", summary="End a mute before its time", dependencies=[needs(Right.MUTE)])
def end(mute_id: Annotated[int, Path(ge=1, le=2**31 - 1)], here: Here, who: Asker) -> MuteRow:
    """Messages go out again from now on."""
    with here.store.transaction() as session:
        made = mutes.end(session, mute_id, by=who, now_ms=here.clock.wall_ms())
        row, seals = views.mute_row(session, made), _seals(session, made)
    here.news.tell(seals)
    return row


def _seals(session: Session, made: Mute) -> list[str]:
    """The seals about which it is."""
    if made.seal_id is not None:
        return [made.seal_id]
    there = seals_of(frozenset({made.county_code or ""}))
    return list(session.exec(select(Seal.id).where(col(Seal.id).in_(there))).all())
