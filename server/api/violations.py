"""Violations: what was found, and what a person did about it."""

import re
from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlmodel import Session

from server import life, views
from server.access.rights import Right
from server.access.who import Who
from server.api.context import ERRORS, WITH_TOKEN, Asker, Context, Here, Input, needs
from server.api.errors import not_found
from server.api.paging import PAGED, Paged, Paging
from server.tables import Violation
from server.views import ViolationDetail, ViolationRow

router = APIRouter(prefix="/violations", tags=["violations"], dependencies=WITH_TOKEN, responses=ERRORS)

State = Literal["open", "acknowledged", "dispatched", "confirmed", "dismissed", "closed"]
_CURSOR = re.compile(r"([0-9]{1,16})\.(.+)")
Optional = Annotated[str, Field(max_length=life.REASON_CHARS_MAX)]
Needed = Annotated[str, Field(min_length=1, max_length=life.REASON_CHARS_MAX)]


class Seen(Input):
    """Why it is acknowledged; may be left empty."""

    reason: Optional = ""


class Sent(Input):
    """Who is to look after it.

    Attributes:
        to: an account's name; one that may acknowledge, and sees the county.
        reason: may be left empty.
    """

    to: Annotated[str, Field(max_length=100)]
    reason: Optional = ""


class Decided(Input):
    """Why it is confirmed, dismissed or closed."""

    reason: Needed


class Remark(Input):
    """What somebody has to say about it."""

    text: Annotated[str, Field(min_length=1, max_length=life.COMMENT_CHARS_MAX)]


def _wanted(
    state: State | None = None,
    seal: str | None = None,
    assignee: str | None = None,
    unseen: Annotated[bool | None, Query(description="whether they wait for a person")] = None,
) -> views.Wanted:
    return views.Wanted(state=state, seal_id=seal, assignee=assignee, unseen=unseen)


@router.get("", summary="Violations", dependencies=[needs(Right.READ)], responses=PAGED)
def every_violation(
    here: Here, who: Asker, wanted: Annotated[views.Wanted, Depends(_wanted)], paging: Paged
) -> list[ViolationRow]:
    """The newest first, those of the counties that one sees; the header Link leads to the next page."""
    limit, after = paging.rows_to_read, _after(paging)
    with here.store.transaction() as session:
        rows = views.violation_page(session, wanted, limit=limit, after=after, counties=who.counties)
    return paging.cut(rows, lambda row: f"{row.detected_ms}.{row.id}")


@router.get("/{violation_id}", summary="One violation", dependencies=[needs(Right.READ)])
def violation(violation_id: str, here: Here, who: Asker) -> ViolationDetail:
    """The numbers behind it, the evidence range, and its life."""
    with here.store.transaction() as session:
        return _detail(session, violation_id, who)


@router.post("/{violation_id}/acknowledge", summary="Someone saw it", dependencies=[needs(Right.ACKNOWLEDGE)])
def acknowledge(violation_id: str, seen: Seen, here: Here, who: Asker) -> ViolationDetail:
    """Open becomes acknowledged; what grew stronger since somebody saw it keeps its state and is seen again."""
    return _done(here, who, violation_id, partial(life.acknowledge, reason=seen.reason))


@router.post("/{violation_id}/dispatch", summary="Somebody is sent", dependencies=[needs(Right.ACKNOWLEDGE)])
def dispatch(violation_id: str, sent: Sent, here: Here, who: Asker) -> ViolationDetail:
    """Open, acknowledged or dispatched becomes dispatched, to a person who sees its county."""
    return _done(here, who, violation_id, partial(life.dispatch, to=sent.to, reason=sent.reason))


@router.post("/{violation_id}/comment", summary="A remark", dependencies=[needs(Right.COMMENT)])
def comment(violation_id: str, remark: Remark, here: Here, who: Asker) -> ViolationDetail:
    """Stands in its life; the state stays."""
    return _done(here, who, violation_id, partial(life.comment, text=remark.text))


@router.post("/{violation_id}/confirm", summary="It is what it seemed", dependencies=[needs(Right.DECIDE)])
def confirm(violation_id: str, decided: Decided, here: Here, who: Asker) -> ViolationDetail:
    """The verdict: confirmed."""
    return _done(here, who, violation_id, partial(life.confirm, reason=decided.reason))


@router.post("/{violation_id}/dismiss", summary="It is none", dependencies=[needs(Right.DECIDE)])
def dismiss(violation_id: str, decided: Decided, here: Here, who: Asker) -> ViolationDetail:
    """The verdict: dismissed. A draw that goes on after this is a new violation."""
    return _done(here, who, violation_id, partial(life.dismiss, reason=decided.reason))


@router.post("/{violation_id}/close", summary="It is dealt with", dependencies=[needs(Right.DECIDE)])
def close(violation_id: str, decided: Decided, here: Here, who: Asker) -> ViolationDetail:
    """Any state becomes closed; the verdict stays. A draw that goes on after this is a new violation."""
    return _done(here, who, violation_id, partial(life.close, reason=decided.reason))


def _detail(session: Session, violation_id: str, who: Who) -> ViolationDetail:
    detail = views.violation(session, violation_id, who.counties)
    if detail is None:
        raise not_found("violation", violation_id, "/api/v1/violations")
    return detail


def _done(here: Context, who: Who, violation_id: str, step: Callable[..., Violation]) -> ViolationDetail:
    """Take a step, and tell the open pages after its commit."""
    with here.store.transaction() as session:
        step(session, violation_id, by=who, now_ms=here.clock.wall_ms())
        told = _detail(session, violation_id, who)
    here.news.tell([told.seal_id])
    return told


def _after(paging: Paging) -> tuple[int, str] | None:
    if not paging.cursor:
        return None
    found = _CURSOR.fullmatch(paging.cursor)
    if found is None:
        raise paging.wrong()
    return int(found[1]), found[2]
