"""Mutes as people and machines read them."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, or_, select

from server.access.counties import seals_of
from server.tables import Mute
from server.views.steps import shown_as


class MuteRow(BaseModel):
    """A time in which no message goes out about one seal, or about one county.

    Attributes:
        ended_ms: when a person ended it before its time; null where nobody did.
        author_shown: how pages call who muted.
    """

    model_config = ConfigDict(extra="forbid")

    id: int
    seal_id: str | None
    county_code: str | None
    from_ms: int
    until_ms: int
    reason: str
    author: str
    author_shown: str
    ended_ms: int | None


def mute_row(session: Session, made: Mute) -> MuteRow:
    """One mute."""
    return _rows(session, [made])[0]


def mute_rows(session: Session, at_ms: int, counties: frozenset[str] = frozenset()) -> list[MuteRow]:
    """The mutes in force at a moment, what ends first comes first.

    Args:
        session: the transaction.
        at_ms: the moment.
        counties: only of these and of their seals; empty is every county.
    """
    query = select(Mute).where(col(Mute.from_ms) <= at_ms, col(Mute.until_ms) > at_ms)
    query = query.where(or_(col(Mute.ended_ms).is_(None), col(Mute.ended_ms) > at_ms))
    if counties:
        query = query.where(or_(col(Mute.county_code).in_(counties), col(Mute.seal_id).in_(seals_of(counties))))
    return _rows(session, session.exec(query.order_by(col(Mute.until_ms), col(Mute.id))).all())


def last_mutes(session: Session, seals: Sequence[str], counties: Sequence[str]) -> dict[str, MuteRow]:
    """Of each seal and county the mute that lasts longest and that nobody ended, be it over or not."""
    query = select(Mute).where(
        col(Mute.ended_ms).is_(None), or_(col(Mute.seal_id).in_(seals), col(Mute.county_code).in_(counties))
    )
    rows = _rows(session, session.exec(query.order_by(col(Mute.until_ms), col(Mute.id).desc())).all())
    return {row.seal_id or row.county_code or "": row for row in rows}


def _rows(session: Session, mutes: Sequence[Mute]) -> list[MuteRow]:
    shown = shown_as(session, (one.author for one in mutes))
    return [MuteRow(**one.model_dump(), author_shown=shown.get(one.author, one.author)) for one in mutes]
