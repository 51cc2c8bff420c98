"""Muting: for a time no message goes out about one seal or one county, by a person, with a reason and an end.

A mute hides nothing: violations open, are shown and are recorded as ever.
"""

from sqlmodel import Session, col, or_, select

from server.access import audit, counties
from server.access.rights import Right
from server.access.who import Who
from server.life import REASON_CHARS_MAX, WrongInput, needed
from server.tables import Mute, Site
from wire.clock import iso

LONGEST_MS = 7 * 86_400_000


class MuteError(Exception):
    """A mute cannot be made or ended as asked."""


class UnknownMuted(MuteError):
    """No such seal, county or mute, or of a county that the asker does not see."""


class MuteOver(MuteError):
    """It ended before."""


def mute(
    session: Session,
    *,
    by: Who,
    seal_id: str | None = None,
    county_code: str | None = None,
    until_ms: int,
    reason: str,
    now_ms: int,
) -> Mute:
    """Mute one seal or one county from now on.

    Raises:
        Forbidden: without the right.
        UnknownMuted: no such seal or county, or another county's.
        WrongInput: not exactly one of the two, no reason, or an end that is past or more than seven days ahead.
    """
    by.need(Right.MUTE)
    _check_place(session, by, seal_id, county_code)
    if not now_ms < until_ms <= now_ms + LONGEST_MS:
        latest = iso(now_ms + LONGEST_MS)
        raise WrongInput("until", f"expected a time from now to {latest} (seven days), got {iso(until_ms)}")
    said = needed("reason", reason, REASON_CHARS_MAX)
    made = Mute(
        seal_id=seal_id, county_code=county_code, from_ms=now_ms, until_ms=until_ms, reason=said, author=by.name
    )
    session.add(made)
    session.flush()
    subject = seal_id or county_code or ""
    audit.write(session, by, "mute.begin", subject, now_ms, mute=made.id, until=iso(until_ms), reason=said)
    return made


def end(session: Session, mute_id: int, *, by: Who, now_ms: int) -> Mute:
    """End a mute before its time.

    Raises:
        Forbidden: without the right.
        UnknownMuted: no such mute, or another county's.
        MuteOver: it ended before.
    """
    by.need(Right.MUTE)
    made = session.get(Mute, mute_id, with_for_update=True)
    if made is None or not _sees(session, by, made.seal_id, made.county_code):
        raise UnknownMuted(f"mute {mute_id}: no such mute; list them with /api/v1/mutes")
    over_ms = min(made.until_ms, made.ended_ms or made.until_ms)
    if over_ms <= now_ms:
        raise MuteOver(f"mute {mute_id}: expected one in force, got one that ended at {iso(over_ms)}")
    made.ended_ms = now_ms
    session.add(made)
    subject = made.seal_id or made.county_code or ""
    audit.write(session, by, "mute.end", subject, now_ms, mute=made.id, until=iso(made.until_ms))
    session.flush()
    return made


def of(session: Session, seal_id: str, county_code: str, at_ms: int) -> Mute | None:
    """The mute that holds for a seal of a county at a moment; of several the one that lasts longest."""
    return session.exec(
        select(Mute)
        .where(or_(col(Mute.seal_id) == seal_id, col(Mute.county_code) == county_code))
        .where(col(Mute.from_ms) <= at_ms, col(Mute.until_ms) > at_ms)
        .where(or_(col(Mute.ended_ms).is_(None), col(Mute.ended_ms) > at_ms))
        .order_by(col(Mute.until_ms).desc(), col(Mute.id))
    ).first()


def _check_place(session: Session, by: Who, seal_id: str | None, county_code: str | None) -> None:
    if (seal_id is None) == (county_code is None):
        raise WrongInput("seal", "expected either a seal or a county, got both or neither")
    if not _sees(session, by, seal_id, county_code):
        what = f"seal {seal_id!r}" if seal_id is not None else f"county {county_code!r} with a seal in it"
        raise UnknownMuted(f"{what}: no such one; list them with /api/v1/seals")


def _sees(session: Session, by: Who, seal_id: str | None, county_code: str | None) -> bool:
    """Whether a seal or a county is there and one of its own."""
    if seal_id is not None:
        return counties.sees_seal(session, by, seal_id)
    known = session.exec(select(Site.id).where(Site.county_code == county_code)).first() is not None
    return known and county_code is not None and by.sees(county_code)
