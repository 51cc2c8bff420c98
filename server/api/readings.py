"""Readings: every accepted row as the meter gave it, decoded from the stored envelopes. Null is never 0."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlmodel import Session, col, select

from server.access.counties import seals_of
from server.access.rights import Right
from server.api.context import ERRORS, WITH_TOKEN, Asker, Here, TimeMs, needs
from server.api.errors import not_found
from server.engine import opened
from server.tables import Envelope, Meter
from wire.batch import Row
from wire.clock import iso
from wire.limits import WALL_MS_MAX
from wire.reading import Unreadable

router = APIRouter(prefix="/readings", tags=["readings"], dependencies=WITH_TOKEN, responses=ERRORS)

ENVELOPES_A_PAGE_MAX = 200
ROWS_A_PAGE_MAX = 5_000
_METER = r"^[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*$"
_CURSOR = r"^[0-9]{1,16}:[0-9]{1,4}$"


class ReadingRow(BaseModel):
    """One poll.

    Attributes:
        time: wall time of the agent at which the last reply arrived.
        envelope: the number of the signed envelope that holds it.
        state: G good, T timeout, D disconnected, F failed.
        values: by quantity; null where the meter did not give one.
        unreadable: for each null, the reason.
    """

    time: str
    envelope: int
    state: str
    values: dict[str, float | None]
    unreadable: dict[str, str]


class ReadingPage(BaseModel):
    """Rows in the order in which they were taken; `next` is the `cursor` of the next page, null at the end.

    A page may hold fewer rows than asked for, or none, and still have a next one.
    """

    meter: str
    rows: list[ReadingRow]
    next: str | None


class _Cursor(BaseModel):
    """Where the next page begins."""

    seq: int
    index: int

    def __str__(self) -> str:
        return f"{self.seq}:{self.index}"


@router.get("", summary="Readings of one meter", dependencies=[needs(Right.READ)])
def readings(
    here: Here,
    who: Asker,
    meter: Annotated[str, Query(pattern=_METER, description="agent/name, as /meters has it")],
    start: Annotated[TimeMs, Query(alias="from", description="first time, included")] = 0,
    end: Annotated[TimeMs, Query(alias="to", description="last time, excluded")] = WALL_MS_MAX,
    limit: Annotated[int, Query(ge=1, le=ROWS_A_PAGE_MAX)] = 500,
    cursor: Annotated[str, Query(pattern=_CURSOR, description="the `next` of the page before")] = "0:0",
) -> ReadingPage:
    """Accepted rows, whether detection has come to them or not."""
    agent, _, name = meter.partition("/")
    seq, _, index = cursor.partition(":")
    begin = _Cursor(seq=int(seq), index=int(index))
    with here.store.transaction() as session:
        known = select(Meter.id).where(Meter.agent_id == agent, Meter.name == name)
        if who.counties:
            known = known.where(col(Meter.seal_id).in_(seals_of(who.counties)))
        if session.exec(known).first() is None:
            raise not_found("meter", meter, "/api/v1/meters")
        stored = _envelopes(session, agent, start, end, begin)
    rows, following = list[ReadingRow](), None
    for at, row in _rows(stored, name, begin):
        if not start <= row.wall_ms < end:
            continue
        if len(rows) == limit:
            following = at
            break
        rows.append(_shown(at.seq, row))
    if following is None and len(stored) == ENVELOPES_A_PAGE_MAX:
        following = _Cursor(seq=stored[-1].seq + 1, index=0)
    return ReadingPage(meter=meter, rows=rows, next=None if following is None else str(following))


def _envelopes(session: Session, agent: str, start_ms: int, end_ms: int, begin: _Cursor) -> Sequence[Envelope]:
    return session.exec(
        select(Envelope)
        .where(Envelope.agent_id == agent, Envelope.seq >= begin.seq)
        .where(col(Envelope.last_ms) >= start_ms, col(Envelope.first_ms) < end_ms)
        .order_by(col(Envelope.seq))
        .limit(ENVELOPES_A_PAGE_MAX)
    ).all()


def _rows(stored: Sequence[Envelope], meter: str, begin: _Cursor) -> Iterator[tuple[_Cursor, Row]]:
    for envelope in stored:
        for row in opened(envelope)[1]:
            if row.meter == meter and (envelope.seq, row.index) >= (begin.seq, begin.index):
                yield _Cursor(seq=envelope.seq, index=row.index), row


def _shown(seq: int, row: Row) -> ReadingRow:
    values, unreadable = dict[str, float | None](), dict[str, str]()
    for quantity, value in row.values.items():
        if isinstance(value, Unreadable):
            values[quantity.value], unreadable[quantity.value] = None, value.reason.value
        else:
            values[quantity.value] = value
    return ReadingRow(time=iso(row.wall_ms), envelope=seq, state=row.state.value, values=values, unreadable=unreadable)
