"""What was told to whom, by which way, and why; and what was not, and why not."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from server.access.rights import Right
from server.api.context import ERRORS, WITH_TOKEN, Asker, Here, needs
from server.api.paging import PAGED, Paged
from server.notify.log import Outcome, Told, rows

router = APIRouter(prefix="/alerts", tags=["alerts"], dependencies=WITH_TOKEN, responses=ERRORS)

ID_MAX = 2**31 - 1


class ChannelRow(BaseModel):
    """One channel, without its secrets.

    Attributes:
        address: where it leads, as far as that is no secret.
        to: who reads it.
        counties: codes; empty is every county.
        escalation: told only when a red violation stays unacknowledged.
        own: told of the server's own troubles as well.
        waiting: messages that the receiver does not have yet, and the age of the oldest.
        failures: attempts that failed in a row, and why the last one did.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    form: str
    address: str
    to: str
    language: str
    counties: list[str]
    severities: list[str]
    escalation: bool
    own: bool
    waiting: int
    oldest_waiting_s: float
    failures: int
    last_error: str | None


@router.get("", summary="What was told to whom, and why", dependencies=[needs(Right.READ)], responses=PAGED)
def every_row(
    here: Here,
    who: Asker,
    page: Paged,
    violation: Annotated[str | None, Query(description="only of this violation")] = None,
    channel: Annotated[str | None, Query(description="only by this channel")] = None,
    outcome: Annotated[Outcome | None, Query(description="only what became this")] = None,
) -> list[Told]:
    """One row for each event and channel, the newest first; the server's own troubles for who sees every county."""
    with here.store.transaction() as session:
        found = rows(
            session,
            violation_id=violation,
            channel=channel,
            outcome=outcome,
            counties=who.counties,
            before_id=_before(page),
            limit=page.rows_to_read,
        )
    return page.cut(found, lambda row: str(row.id))


@router.get("/channels", summary="Channels, without their secrets", dependencies=[needs(Right.ACCOUNTS)])
def channels(here: Here) -> list[ChannelRow]:
    """Where messages go, and whether they arrive."""
    health = {one.name: one for one in here.notifier.health().channels}
    return [
        ChannelRow(
            name=one.name,
            form=one.form,
            address=health[one.name].shown,
            to=one.to,
            language=one.language,
            counties=sorted(one.counties),
            severities=sorted(one.severities),
            escalation=one.escalation,
            own=one.own,
            waiting=health[one.name].waiting,
            oldest_waiting_s=health[one.name].oldest_waiting_s,
            failures=health[one.name].failures,
            last_error=health[one.name].last_error,
        )
        for one in here.notifier.channels
    ]


def _before(page: Paged) -> int | None:
    if not page.cursor:
        return None
    if not page.cursor.isascii() or not page.cursor.isdigit() or not 0 < int(page.cursor) <= ID_MAX:
        raise page.wrong()
    return int(page.cursor)
