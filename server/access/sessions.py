"""Browsers that are signed in. The secret is the browser's; here is its hash, so a session can be ended at any time."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from server.access import counties
from server.access.rights import RIGHTS, Role
from server.access.secret import new_secret, sha
from server.access.tables import Account, BrowserSession
from server.access.who import Who

ABSOLUTE_MS = 12 * 3_600_000
"""How long a session lasts whatever it does: a shift, not a career."""

IDLE_MS = 30 * 60_000
"""How long nothing may be asked; an open page asks every few seconds."""

SEEN_EVERY_MS = 60_000
"""How exactly the last activity is kept: not every request should write."""

KEPT_MS = 7 * 24 * 3_600_000
"""How long a session that is over is kept; its beginning and end are in the record of changes for good."""

BROWSER_CHARS_MAX = 200


class UnknownSession(Exception):
    """No such session, or another person's."""


def open(session: Session, account: Account, now_ms: int, address: str, browser: str) -> str:  # noqa: A001 - a session is opened
    """Sign a browser in.

    Args:
        session: the transaction.
        account: whose browser it is.
        now_ms: server time.
        address: where it is.
        browser: what it calls itself.

    Returns:
        The secret for its cookie.
    """
    assert account.id is not None  # noqa: S101 - it is stored
    for over in session.exec(select(BrowserSession).where(col(BrowserSession.expires_ms) < now_ms - KEPT_MS)).all():
        session.delete(over)
    secret = new_secret()
    session.add(
        BrowserSession(
            account_id=account.id,
            sha=sha(secret),
            created_ms=now_ms,
            seen_ms=now_ms,
            expires_ms=now_ms + ABSOLUTE_MS,
            address=address,
            browser=browser[:BROWSER_CHARS_MAX],
        )
    )
    session.flush()
    return secret


def who(session: Session, secret: str, now_ms: int, address: str) -> Who | None:
    """Who looks with a cookie's secret; None when the session is over, ended, idle too long, or never was.

    To ask is to be active: an open page that asks again and again stays signed in until ABSOLUTE_MS.
    """
    browser = found(session, secret)
    account = None if browser is None else session.get(Account, browser.account_id)
    if browser is None or account is None or account.disabled_ms is not None or not is_alive(browser, now_ms):
        return None
    if now_ms - browser.seen_ms >= SEEN_EVERY_MS:
        browser.seen_ms = now_ms
        session.add(browser)
    return of(account, browser.id, address)


def found(session: Session, secret: str) -> BrowserSession | None:
    """The session of a secret, over or not."""
    return session.exec(select(BrowserSession).where(BrowserSession.sha == sha(secret))).first() if secret else None


def of(account: Account, session_id: int | None, address: str) -> Who:
    """An account as who asks."""
    return Who(
        name=account.name,
        shown_as=account.shown_as,
        kind="account",
        rights=RIGHTS[Role(account.role)],
        counties=counties.parted(account.counties),
        session_id=session_id,
        address=address,
    )


def is_alive(browser: BrowserSession, now_ms: int) -> bool:
    """Whether a session still opens anything."""
    return browser.revoked_ms is None and now_ms < min(browser.expires_ms, browser.seen_ms + IDLE_MS)


def alive(session: Session, account_id: int, now_ms: int) -> Sequence[BrowserSession]:
    """An account's sessions that still open something, the newest first."""
    theirs = session.exec(
        select(BrowserSession).where(BrowserSession.account_id == account_id).order_by(col(BrowserSession.id).desc())
    ).all()
    return [browser for browser in theirs if is_alive(browser, now_ms)]


def end(session: Session, session_id: int, now_ms: int) -> BrowserSession:
    """End one session; a second time changes nothing.

    Raises:
        UnknownSession: it never was, or is forgotten.
    """
    browser = session.get(BrowserSession, session_id)
    if browser is None:
        raise UnknownSession(f"session {session_id}: no such session; list them with /api/v1/sessions")
    browser.revoked_ms = browser.revoked_ms or now_ms
    session.add(browser)
    session.flush()
    return browser


def end_all(session: Session, account_id: int, now_ms: int) -> None:
    """End every session of an account."""
    for browser in alive(session, account_id, now_ms):
        browser.revoked_ms = now_ms
        session.add(browser)
    session.flush()
