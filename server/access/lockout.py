"""Wrong passwords in a row: after a few of them no password is taken for a time, the right one neither.

Counted in the database, where a restart forgives nothing: by name at one address, by address, and by name alone. A
stranger who guesses locks a name for the address that he comes from, not for the person at another one; the name alone
is locked only by so many guesses a minute as need many addresses. An attempt counts before its password is looked at,
so that a hundred at once are a hundred; the right password takes it back.
"""

from ipaddress import ip_address, ip_network

import msgspec
from sqlmodel import Session, col, func, select

from server.access.tables import SignInFailure

FREE = {"here": 5, "address": 20, "account": 100}
"""How many wrong ones lock: an address may be a whole office behind one router."""

LEAK_MS = 60_000
"""Of the wrong ones under a name alone, one is forgotten each minute: who may try one each quarter of an hour, as a
locked address does, must come from more than fifteen addresses to lock the name, and to keep it locked."""

FIRST_LOCK_MS, LOCK_MS_MAX = 30_000, 15 * 60_000
FORGET_MS = 3_600_000
"""After an hour without a wrong password one begins anew."""

ROWS_MAX = 10_000
"""Strangers may make up names; the oldest rows go."""


class Attempt(msgspec.Struct, frozen=True):
    """What came of counting an attempt.

    Attributes:
        wait_ms: how long no password is taken; 0 where this one may be looked at.
        locks: the kinds of keys that this attempt locks if its password is wrong, e.g. here.
    """

    wait_ms: int
    locks: tuple[str, ...] = ()


def keys(name: str, address: str) -> tuple[str, ...]:
    """What an attempt is counted under."""
    network = _network(address)
    return f"here:{name}@{network}", f"address:{network}", f"account:{name}"


def kind(key: str) -> str:
    """Of a key: here, address or account."""
    return key.partition(":")[0]


def count(session: Session, counted: tuple[str, ...], now_ms: int) -> Attempt:
    """Count an attempt as a wrong one, unless one must wait: then nothing is counted and no password looked at."""
    locked_ms = wait_ms(session, counted, now_ms)
    if locked_ms > 0:
        return Attempt(locked_ms)
    rows = [_row(session, key, now_ms) for key in counted]
    for row in rows:
        row.failures += 1
        if row.failures == 1 or kind(row.key) != "account":
            row.last_ms = now_ms
        row.locked_until_ms = now_ms + _lock_ms(row)
        session.add(row)
    session.flush()
    _bound(session, now_ms)
    return Attempt(0, tuple(kind(row.key) for row in rows if row.locked_until_ms > now_ms))


def wait_ms(session: Session, counted: tuple[str, ...], now_ms: int) -> int:
    """How long no password is taken."""
    return max(0, max(_row(session, key, now_ms).locked_until_ms for key in counted) - now_ms)


def take_back(session: Session, counted: tuple[str, ...], now_ms: int) -> None:
    """The password was right: the name begins anew, the address has one wrong attempt less."""
    for key in counted:
        row = _row(session, key, now_ms)
        row.failures = max(0, row.failures - 1) if kind(key) == "address" else 0
        row.locked_until_ms = min(row.locked_until_ms, now_ms)
        if row.failures:
            session.add(row)
        elif row in session:
            session.delete(row)
    session.flush()


def _row(session: Session, key: str, now_ms: int) -> SignInFailure:
    row = session.get(SignInFailure, key)
    if row is None:
        return SignInFailure(key=key, failures=0, last_ms=now_ms)
    if now_ms - row.last_ms >= FORGET_MS:
        row.failures, row.locked_until_ms = 0, 0
    elif kind(key) == "account":
        leaked = (now_ms - row.last_ms) // LEAK_MS
        row.failures, row.last_ms = max(0, row.failures - leaked), row.last_ms + leaked * LEAK_MS
    return row


def _lock_ms(row: SignInFailure) -> int:
    over = row.failures - FREE[kind(row.key)]
    return 0 if over < 0 else min(FIRST_LOCK_MS * 2 ** min(over, 10), LOCK_MS_MAX)


def _bound(session: Session, now_ms: int) -> None:
    for row in session.exec(select(SignInFailure).where(col(SignInFailure.last_ms) <= now_ms - FORGET_MS)).all():
        session.delete(row)
    session.flush()
    over = session.exec(select(func.count()).select_from(SignInFailure)).one() - ROWS_MAX
    if over > 0:
        oldest = select(SignInFailure).order_by(col(SignInFailure.last_ms), col(SignInFailure.key)).limit(over)
        for row in session.exec(oldest).all():
            session.delete(row)
        session.flush()


def _network(address: str) -> str:
    """An IPv6 subscriber has a whole /64 to choose addresses from."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)
