"""Keys of programs: what each may ask (its scopes are rights), and about which counties."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlmodel import Session, col, select

from server.access import accounts, audit, counties
from server.access.accounts import AccountError
from server.access.rights import WIDE, Right
from server.access.secret import new_secret, sha
from server.access.tables import ApiKey
from server.access.who import Who


class UnknownKey(AccountError):
    """No key has this name."""


class Issued(msgspec.Struct, frozen=True):
    """A new key, and its secret, which cannot be shown again."""

    key: ApiKey
    secret: str


def add(
    session: Session,
    by: Who,
    *,
    name: str,
    scopes: Iterable[Right],
    counties: Iterable[str] = (),
    expires_ms: int | None = None,
    now_ms: int,
) -> Issued:
    """Make a key; it may do no more than who makes it.

    Args:
        session: the transaction.
        by: who makes it.
        name: the author of what the program does: a-z, 0-9, '.', '-'.
        scopes: its rights.
        counties: six-digit codes; none is every county.
        expires_ms: server time from which it opens nothing; None is never.
        now_ms: server time.

    Raises:
        Forbidden: `by` may not, or lacks a right that the key should have.
        NameTaken: the name has another bearer.
        AccountError: an input that cannot be meant.
    """
    by.need(Right.ACCOUNTS)
    rights = frozenset(scopes)
    for right in rights:
        by.need(right)
    accounts.check_name(session, name)
    if expires_ms is not None and expires_ms <= now_ms:
        raise AccountError("expires", "expected a time to come, got one that is over")
    secret = new_secret()
    key = ApiKey(
        name=name,
        sha=sha(secret),
        scopes=",".join(sorted(rights)),
        counties=_counties(rights, counties),
        created_ms=now_ms,
        created_by=by.name,
        expires_ms=expires_ms,
    )
    session.add(key)
    session.flush()
    audit.write(session, by, "key.add", name, now_ms, scopes=key.scopes, counties=key.counties, expires_ms=expires_ms)
    return Issued(key, secret)


def revoke(session: Session, by: Who, name: str, now_ms: int) -> ApiKey:
    """Open nothing with a key any more, for good. A second time changes nothing.

    Raises:
        Forbidden: `by` may not.
        UnknownKey: no such name.
    """
    by.need(Right.ACCOUNTS)
    key = session.exec(select(ApiKey).where(ApiKey.name == name)).first()
    if key is None:
        raise UnknownKey("name", f"{name!r}: no such key; see: coldseal server keys list")
    key.revoked_ms = key.revoked_ms or now_ms
    session.add(key)
    session.flush()
    audit.write(session, by, "key.revoke", name, now_ms)
    return key


def who(session: Session, secret: str, now_ms: int, address: str) -> Who | None:
    """The program that holds a secret; None where nobody may act with it (unknown, revoked or over)."""
    key = session.exec(select(ApiKey).where(ApiKey.sha == sha(secret))).first()
    if key is None or key.revoked_ms is not None or (key.expires_ms is not None and now_ms >= key.expires_ms):
        return None
    return Who(
        name=key.name,
        shown_as=key.name,
        kind="key",
        rights=scopes(key),
        counties=counties.parted(key.counties),
        address=address,
    )


def scopes(key: ApiKey) -> frozenset[Right]:
    """A key's rights."""
    return frozenset(Right(scope) for scope in key.scopes.split(",") if scope)


def everything(session: Session) -> Sequence[ApiKey]:
    """Every key, those that are over included, by name."""
    return session.exec(select(ApiKey).order_by(col(ApiKey.name))).all()


def _counties(rights: frozenset[Right], codes: Iterable[str]) -> str:
    try:
        joined = counties.joined(codes)
    except counties.WrongCounty as error:
        raise AccountError("counties", str(error).removeprefix("counties: ")) from error
    wide = sorted(rights & WIDE)
    if joined and wide:
        raise AccountError(
            "counties", f"expected none beside {', '.join(wide)}, which is about every county; leave out"
        )
    return joined
