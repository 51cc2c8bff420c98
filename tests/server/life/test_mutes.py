"""Mutes: by whom, about what, for how long, and what stays in the record."""

import json
from collections.abc import Iterator

import pytest
from sqlmodel import Session, col, select

from server import life, mutes, views
from server.access.rights import Role
from server.access.tables import AuditEntry
from server.access.who import Forbidden, Who
from server.tables import Mute
from tests.server.ingest.plant import SEAL
from tests.server.life.town import COUNTY, MONITOR, NOW_MS, PEOPLE, WHY, Town, who

HOUR_MS = 3_600_000
NEIGHBOUR = who(Role.MONITOR, "350181")


@pytest.fixture
def session(town: Town) -> Iterator[Session]:
    """A transaction of which nothing stays."""
    with town.tried() as session:
        yield session


def muted(session: Session, by: Who = MONITOR, hours: float = 1, *, county: bool = False, reason: str = WHY) -> Mute:
    """Mute the seal, or its county."""
    return mutes.mute(
        session, by=by, seal_id=None if county else SEAL, county_code=COUNTY if county else None,
        until_ms=NOW_MS + round(hours * HOUR_MS), reason=reason, now_ms=NOW_MS,
    )  # fmt: skip


def place(session: Session, by: Who, seal: str | None, county: str | None) -> Mute:
    """Mute a place for a moment."""
    return mutes.mute(session, by=by, seal_id=seal, county_code=county, until_ms=NOW_MS + 1, reason=WHY, now_ms=NOW_MS)


def test_who_may(session: Session) -> None:
    """Administrator and monitor mute; inspector and viewer do not."""
    for role in (Role.ADMINISTRATOR, Role.MONITOR):
        made = muted(session, PEOPLE[role])
        assert mutes.end(session, made.id or 0, by=PEOPLE[role], now_ms=NOW_MS + 1).ended_ms == NOW_MS + 1
    for role in (Role.INSPECTOR, Role.VIEWER):
        with pytest.raises(Forbidden, match="'mute'"):
            muted(session, PEOPLE[role])
        with pytest.raises(Forbidden, match="'mute'"):
            mutes.end(session, 1, by=PEOPLE[role], now_ms=NOW_MS)


def test_wrong_ones(session: Session) -> None:
    """It ends later than now and at most seven days later, has a reason, and is about either a seal or a county."""
    assert muted(session, hours=7 * 24).until_ms == NOW_MS + mutes.LONGEST_MS
    for hours in (0, -1, 7 * 24 + 0.001):
        with pytest.raises(life.WrongInput, match=r"until: expected a time from now to 2026-03-08T01:00"):
            muted(session, hours=hours)
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(life.WrongInput, match="reason: expected"):
            muted(session, reason=reason)
    for seal, county in ((SEAL, COUNTY), (None, None)):
        with pytest.raises(life.WrongInput, match="either a seal or a county"):
            place(session, MONITOR, seal, county)


def test_what_one_does_not_see(session: Session) -> None:
    """Another county's seal, and a county without a seal, are unknown."""
    unknown = [
        (MONITOR, "FZ-NONE", None),
        (MONITOR, None, "350182"),
        (NEIGHBOUR, SEAL, None),
        (NEIGHBOUR, None, COUNTY),
    ]
    for by, seal, county in unknown:
        with pytest.raises(mutes.UnknownMuted, match="no such one"):
            place(session, by, seal, county)


def test_of(session: Session) -> None:
    """The mute that holds for a seal: its own or its county's, the longer of two, and none before, after or elsewhere."""
    assert mutes.of(session, SEAL, COUNTY, NOW_MS) is None
    own, wide = muted(session, hours=1), muted(session, hours=2, county=True)

    def held(hours: float, seal: str = SEAL, county: str = COUNTY) -> int | None:
        mute = mutes.of(session, seal, county, NOW_MS + round(hours * HOUR_MS))
        return None if mute is None else mute.id

    assert [held(h) for h in (-0.001, 0, 1, 2)] == [None, wide.id, wide.id, None]
    assert held(0, seal="FZ-OTHER") == wide.id
    assert held(0, county="350181") == own.id
    assert held(1, county="350181") is None
    mutes.end(session, wide.id or 0, by=MONITOR, now_ms=NOW_MS + 1)
    assert held(0.5) == own.id


def test_ended_once(session: Session) -> None:
    """A mute that is over is not ended again; another county's is not there."""
    early, late = muted(session), muted(session)
    mutes.end(session, early.id or 0, by=MONITOR, now_ms=NOW_MS + 5)
    with pytest.raises(mutes.MuteOver, match=r"ended at 2026-03-01T01:00:00.005"):
        mutes.end(session, early.id or 0, by=MONITOR, now_ms=NOW_MS + 6)
    with pytest.raises(mutes.MuteOver, match=r"ended at 2026-03-01T02:00:00"):
        mutes.end(session, late.id or 0, by=MONITOR, now_ms=NOW_MS + HOUR_MS)
    for by, number in ((MONITOR, 10**6), (NEIGHBOUR, late.id or 0)):
        with pytest.raises(mutes.UnknownMuted, match="no such mute"):
            mutes.end(session, number, by=by, now_ms=NOW_MS)


def test_audited(session: Session) -> None:
    """Who muted what until when and why, and who ended it."""
    made = muted(session, county=True)
    mutes.end(session, made.id or 0, by=MONITOR, now_ms=NOW_MS + 1)
    begun, ended = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
    until = "2026-03-01T02:00:00.000+08:00"
    assert (begun.action, begun.subject, begun.actor) == ("mute.begin", COUNTY, "monitor-1")
    assert json.loads(begun.detail) == {"mute": made.id, "until": until, "reason": WHY}
    assert (ended.action, ended.subject, json.loads(ended.detail)) == (
        "mute.end",
        COUNTY,
        {"mute": made.id, "until": until},
    )


def test_in_force(session: Session) -> None:
    """The list has what holds now, what ends first comes first, of the counties that one sees."""
    wide, own, over = muted(session, hours=2, county=True), muted(session), muted(session)
    mutes.end(session, over.id or 0, by=MONITOR, now_ms=NOW_MS)
    assert [row.id for row in views.mute_rows(session, NOW_MS)] == [own.id, wide.id]
    assert [row.id for row in views.mute_rows(session, NOW_MS, frozenset({COUNTY}))] == [own.id, wide.id]
    assert views.mute_rows(session, NOW_MS, frozenset({"350181"})) == []
    assert [row.id for row in views.mute_rows(session, NOW_MS + HOUR_MS)] == [wide.id]
    assert views.mute_row(session, own).model_dump() == {
        "id": own.id, "seal_id": SEAL, "county_code": None, "from_ms": NOW_MS, "until_ms": NOW_MS + HOUR_MS,
        "reason": WHY, "author": "monitor-1", "author_shown": "monitor-1", "ended_ms": None,
    }  # fmt: skip


def test_a_muted_violation_is_shelved(town: Town, session: Session) -> None:
    """A mute of the seal shelves its violation until it ends; a county's mute stops messages only."""

    def row() -> views.ViolationRow:
        (only,) = views.violation_rows(session)
        return only

    assert (row().muted_until_ms, row().shelved, row().group(NOW_MS)) == (None, None, views.Group.UNSEEN)
    muted(session, hours=2, county=True)
    assert (row().muted_until_ms, row().shelved, row().group(NOW_MS)) == (
        NOW_MS + 2 * HOUR_MS, None, views.Group.UNSEEN,
    )  # fmt: skip
    made = muted(session)
    shelved = row().shelved
    assert shelved is not None
    assert (shelved.id, shelved.reason, row().muted_until_ms) == (made.id, WHY, NOW_MS + 2 * HOUR_MS)
    assert [row().group(NOW_MS + at) for at in (0, HOUR_MS)] == [views.Group.SHELVED, views.Group.UNSEEN]
    town.step(session, "acknowledge", MONITOR)
    assert row().group(NOW_MS + HOUR_MS) is views.Group.WORKING
    mutes.end(session, made.id or 0, by=MONITOR, now_ms=NOW_MS)
    assert (row().shelved, row().group(NOW_MS)) == (None, views.Group.WORKING)
    town.step(session, "close", MONITOR)
    assert row().group(NOW_MS) is views.Group.CLOSED
