"""Violations: what was found, and what a person did about it."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import Field

from server import views, violations
from server.api.context import ERRORS, WITH_TOKEN, Author, Here, Input
from server.api.errors import not_found
from server.views import ViolationDetail, ViolationRow

router = APIRouter(prefix="/violations", tags=["violations"], dependencies=WITH_TOKEN, responses=ERRORS)

State = Literal["open", "acknowledged", "closed"]
REASON_CHARS_MAX = 500


class Seen(Input):
    """Why it is acknowledged; may be left empty."""

    reason: Annotated[str, Field(max_length=REASON_CHARS_MAX)] = ""


class Closed(Input):
    """Why it is closed."""

    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARS_MAX)]


@router.get("", summary="Violations")
def every_violation(here: Here, state: State | None = None) -> list[ViolationRow]:
    """All of them, or those in one state."""
    with here.store.transaction() as session:
        return views.violation_rows(session, state=state)


@router.get("/{violation_id}", summary="One violation")
def violation(violation_id: str, here: Here) -> ViolationDetail:
    """The numbers behind it, the evidence range, and its life."""
    with here.store.transaction() as session:
        detail = views.violation(session, violation_id)
    if detail is None:
        raise not_found("violation", violation_id, "/api/v1/violations")
    return detail


@router.post("/{violation_id}/acknowledge", summary="Someone saw it")
def acknowledge(violation_id: str, seen: Seen, here: Here, author: Author) -> ViolationDetail:
    """Open becomes acknowledged; the token's name is the author."""
    with here.store.transaction() as session:
        violations.acknowledge(session, violation_id, author=author, reason=seen.reason, now_ms=here.clock.wall_ms())
    return violation(violation_id, here)


@router.post("/{violation_id}/close", summary="It is dealt with")
def close(violation_id: str, closed: Closed, here: Here, author: Author) -> ViolationDetail:
    """Open or acknowledged becomes closed; the token's name is the author."""
    with here.store.transaction() as session:
        violations.close(session, violation_id, author=author, reason=closed.reason, now_ms=here.clock.wall_ms())
    return violation(violation_id, here)
