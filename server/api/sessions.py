"""Browsers that are signed in: one's own, and, for an administrator, anybody's."""

from fastapi import APIRouter
from pydantic import BaseModel
from sqlmodel import Session

from server.access import accounts, audit, sessions
from server.access.rights import Right
from server.access.sessions import UnknownSession
from server.access.tables import Account, BrowserSession
from server.access.who import Who
from server.api.context import ERRORS, WITH_TOKEN, Asker, Here, needs, signed_in
from wire.clock import iso

router = APIRouter(tags=["access"], dependencies=WITH_TOKEN, responses=ERRORS)


class SessionRow(BaseModel):
    """One browser that is signed in.

    Attributes:
        seen: when it last asked, to the minute.
        expires: when it ends, whatever it does.
        this: whether it is the one that asks now.
    """

    id: int
    since: str
    seen: str
    expires: str
    address: str
    browser: str
    this: bool


@router.get("/sessions", summary="One's own sessions", dependencies=[signed_in()])
def my_sessions(here: Here, who: Asker) -> list[SessionRow]:
    """Those that still open something; a key has none."""
    with here.store.transaction() as session:
        if who.kind != "account":
            return []
        return _rows(session, accounts.named(session, who.name), who, here.clock.wall_ms())


@router.get("/accounts/{name}/sessions", summary="A person's sessions", dependencies=[needs(Right.ACCOUNTS)])
def sessions_of(name: str, here: Here, who: Asker) -> list[SessionRow]:
    """Those that still open something."""
    with here.store.transaction() as session:
        return _rows(session, accounts.named(session, name), who, here.clock.wall_ms())


@router.post("/sessions/{session_id}/revoke", summary="End a session", dependencies=[signed_in()])
def end_session(session_id: int, here: Here, who: Asker) -> SessionRow:
    """One's own, or with the right `accounts` anybody's; its open pages end within seconds."""
    now_ms = here.clock.wall_ms()
    with here.store.transaction() as session:
        browser = session.get(BrowserSession, session_id) if 0 < session_id < 2**31 else None
        owner = None if browser is None else session.get_one(Account, browser.account_id)
        if browser is None or owner is None or not _may_end(who, owner):
            raise UnknownSession(f"session {session_id}: no such session; list them with /api/v1/sessions")
        ended = sessions.end(session, session_id, now_ms)
        audit.write(session, who, "session.revoke", str(session_id), now_ms, account=owner.name)
        return _row(ended, who)


def _may_end(who: Who, owner: Account) -> bool:
    return who.may(Right.ACCOUNTS) or (who.kind == "account" and who.name == owner.name)


def _rows(session: Session, account: Account, who: Who, now_ms: int) -> list[SessionRow]:
    return [_row(browser, who) for browser in sessions.alive(session, account.id or 0, now_ms)]


def _row(browser: BrowserSession, who: Who) -> SessionRow:
    return SessionRow(
        id=browser.id or 0,
        since=iso(browser.created_ms),
        seen=iso(browser.seen_ms),
        expires=iso(browser.expires_ms),
        address=browser.address,
        browser=browser.browser,
        this=browser.id == who.session_id,
    )
