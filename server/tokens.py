"""Bearers of the interface: secrets that are shown once and kept as hashes only."""

import hashlib
import secrets

from sqlmodel import Session, select

from server.tables import Token

FIRST_ADMIN = "first-admin"
LINK_MS = 24 * 3_600_000
"""How long a sign-in link may wait to be opened."""

SIGNED_IN_MS = 12 * 3_600_000
"""How long the token that a link gives is good for: a shift, not a career."""

_SECRET_BYTES = 32


class NameTaken(Exception):
    """Another token has this name: an author in the record must be one bearer."""


def issue(session: Session, name: str, now_ms: int) -> str:
    """Make a bearer.

    Args:
        session: the transaction.
        name: who acts with it; the author of what it does.
        now_ms: server time.

    Returns:
        The secret; it cannot be shown again.

    Raises:
        NameTaken: another token has this name.
    """
    if session.exec(select(Token.id).where(Token.name == name)).first() is not None:
        raise NameTaken(f"token {name!r}: the name is taken; choose another")
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    session.add(Token(name=name, sha=_sha(secret), created_ms=now_ms))
    session.flush()
    return secret


def bearer(session: Session, secret: str, now_ms: int) -> Token | None:
    """Who holds a secret, or None where nobody may act with it (unknown, revoked, over, or a link's)."""
    token = session.exec(select(Token).where(Token.sha == _sha(secret))).first()
    return token if token is not None and not token.one_time and _good(token, now_ms) else None


def issue_one_time(session: Session, now_ms: int) -> str:
    """A secret for one sign-in: /first/<secret>."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    session.add(
        Token(
            name=f"link-{_sha(secret)[:12]}",
            sha=_sha(secret),
            created_ms=now_ms,
            expires_ms=now_ms + LINK_MS,
            one_time=True,
        )
    )
    session.flush()
    return secret


def redeem(session: Session, secret: str, now_ms: int) -> str | None:
    """Turn a sign-in link's secret into a token's, once; None when it was used before, is too old or unknown."""
    link = session.exec(select(Token).where(Token.sha == _sha(secret), Token.one_time)).first()
    if link is None or not _good(link, now_ms):
        return None
    link.revoked_ms = now_ms
    signed_in = secrets.token_urlsafe(_SECRET_BYTES)
    name = link.name.replace("link-", "signed-in-")
    session.add(Token(name=name, sha=_sha(signed_in), created_ms=now_ms, expires_ms=now_ms + SIGNED_IN_MS))
    session.flush()
    return signed_in


def first_admin(session: Session, now_ms: int) -> str | None:
    """The first bearer's secret at the first start; None ever after."""
    if session.exec(select(Token.id).where(Token.name == FIRST_ADMIN)).first() is not None:
        return None
    return issue(session, FIRST_ADMIN, now_ms)


def _good(token: Token, now_ms: int) -> bool:
    return token.revoked_ms is None and (token.expires_ms is None or now_ms < token.expires_ms)


def _sha(secret: str) -> str:
    """The secrets carry 256 random bits, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()
