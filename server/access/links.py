"""Links that open one door once: /first/<secret>. Looking at one does not use it up; chat programs look at links."""

from enum import StrEnum

from sqlmodel import Session, col, select

from server.access.secret import new_secret, sha
from server.access.tables import Account, OneTimeLink

FIRST = "/first/"
LINK_MS = 24 * 3_600_000
"""How long a link may wait to be opened."""


class Purpose(StrEnum):
    """What a link is for."""

    FIRST_ADMIN = "first_admin"
    PASSWORD = "password"  # noqa: S105 - a purpose, not a password
    SIGN_IN = "sign_in"


def issue(session: Session, purpose: Purpose, account_id: int | None, now_ms: int) -> str:
    """Make a link; one that chooses a password, or makes the first administrator, replaces those before it.

    Args:
        session: the transaction.
        purpose: what it is for.
        account_id: whose; None for the first administrator.
        now_ms: server time.

    Returns:
        The secret, which cannot be shown again; the link's path is `FIRST` + secret.
    """
    if purpose is not Purpose.SIGN_IN:
        _end(session, account_id, now_ms, purpose)
    secret = new_secret()
    session.add(
        OneTimeLink(
            sha=sha(secret),
            account_id=account_id,
            purpose=purpose.value,
            created_ms=now_ms,
            expires_ms=now_ms + LINK_MS,
        )
    )
    session.flush()
    return secret


def find(session: Session, secret: str, now_ms: int) -> OneTimeLink | None:
    """The link of a secret, or None where it opens nothing (unknown, used, too old, or whose account is disabled)."""
    link = session.exec(select(OneTimeLink).where(OneTimeLink.sha == sha(secret))).first()
    if link is None or link.used_ms is not None or now_ms >= link.expires_ms:
        return None
    if link.account_id is None:
        return link if session.exec(select(Account.id)).first() is None else None
    account = session.get(Account, link.account_id)
    return link if account is not None and account.disabled_ms is None else None


def use(session: Session, secret: str, purpose: Purpose, now_ms: int) -> OneTimeLink | None:
    """The link of a secret, used up now; None where it opens nothing, or another door."""
    link = find(session, secret, now_ms)
    if link is None or link.purpose != purpose.value:
        return None
    link.used_ms = now_ms
    session.add(link)
    session.flush()
    return link


def end_all(session: Session, account_id: int, now_ms: int) -> None:
    """End every link of an account."""
    _end(session, account_id, now_ms, None)


def first_administrator(session: Session, now_ms: int) -> str | None:
    """A new link's secret as long as there is no account; None ever after."""
    if session.exec(select(Account.id)).first() is not None:
        return None
    return issue(session, Purpose.FIRST_ADMIN, None, now_ms)


def _end(session: Session, account_id: int | None, now_ms: int, purpose: Purpose | None) -> None:
    waiting = select(OneTimeLink).where(OneTimeLink.account_id == account_id, col(OneTimeLink.used_ms).is_(None))
    if purpose is not None:
        waiting = waiting.where(OneTimeLink.purpose == purpose.value)
    for link in session.exec(waiting).all():
        link.used_ms = now_ms
        session.add(link)
    session.flush()
