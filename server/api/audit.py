"""The record of what was changed, by whom and from where."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from server.access import audit
from server.access.audit import Wanted
from server.access.rights import Right
from server.access.tables import AuditEntry
from server.api.context import ERRORS, WITH_TOKEN, Here, TimeMs, needs
from wire.clock import iso
from wire.limits import WALL_MS_MAX

router = APIRouter(prefix="/audit", tags=["access"], dependencies=WITH_TOKEN, responses=ERRORS)


class EntryRow(BaseModel):
    """One change.

    Attributes:
        actor: the name of an account or key; command-line; or "-" for somebody who was not signed in.
        actor_kind: account, key, command or stranger.
        action: what, e.g. violation.acknowledge.
        subject: of what, e.g. the violation's id.
        detail: what it was and what it became.
        address: from where; "" at the server's own command line.
    """

    id: int
    time: str
    actor: str
    actor_kind: str
    action: str
    subject: str
    detail: dict[str, Any]
    address: str


class EntryPage(BaseModel):
    """Entries, the newest first; `next` is the `before` of the next page, null at the end."""

    rows: list[EntryRow]
    next: int | None


def _page(
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="the `next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> tuple[int | None, int]:
    return before, limit


@router.get("", summary="What was changed, and by whom", dependencies=[needs(Right.AUDIT)])
def every_entry(
    here: Here,
    page: Annotated[tuple[int | None, int], Depends(_page)],
    actor: str | None = None,
    action: Annotated[str | None, Query(description="a whole one, or its beginning up to a dot: account")] = None,
    subject: str | None = None,
    start: Annotated[TimeMs, Query(alias="from", description="first time, included")] = 0,
    end: Annotated[TimeMs, Query(alias="to", description="last time, excluded")] = WALL_MS_MAX,
) -> EntryPage:
    """The newest first; by whom, what, of what and when, where asked."""
    before, limit = page
    wanted = Wanted(actor=actor, action=action, subject=subject, from_ms=start, to_ms=end, before=before, limit=limit)
    with here.store.transaction() as session:
        rows = [_row(entry) for entry in audit.entries(session, wanted)]
    return EntryPage(rows=rows, next=rows[-1].id if len(rows) == limit else None)


def _row(entry: AuditEntry) -> EntryRow:
    return EntryRow(
        id=entry.id or 0,
        time=iso(entry.at_ms),
        actor=entry.actor,
        actor_kind=entry.actor_kind,
        action=entry.action,
        subject=entry.subject,
        detail=json.loads(entry.detail),
        address=entry.address,
    )
