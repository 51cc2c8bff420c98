"""The record of what was changed: one entry, in the very transaction of the change. The database keeps it from change."""

import json
from collections.abc import Sequence

import msgspec
from sqlmodel import Session, col, select

from server.access.rights import Right
from server.access.tables import AuditEntry
from server.access.who import Who

COMMAND_LINE = Who(name="command-line", shown_as="command line", kind="command", rights=frozenset(Right))
"""Whoever may start a program on the server's own machine."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries to read; None asks nothing.

    Attributes:
        action: a whole word, or the beginning up to a dot: account matches account.add.
        from_ms, to_ms: time of the entry, the first included, the last not.
        before: only entries with a smaller id: the page that follows.
    """

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    from_ms: int = 0
    to_ms: int = 2**62
    before: int | None = None
    limit: int = 100


def stranger(address: str) -> Who:
    """Somebody who is not signed in."""
    return Who(name="-", shown_as="-", kind="stranger", rights=frozenset(), address=address)


def write(session: Session, who: Who, action: str, subject: str, now_ms: int, **detail: object) -> None:
    """Add an entry.

    Args:
        session: the transaction that makes the change.
        who: by whom.
        action: what, e.g. violation.acknowledge.
        subject: of what, e.g. the violation's id.
        now_ms: server time.
        **detail: what it was and what it became; never a secret.
    """
    session.add(
        AuditEntry(
            at_ms=now_ms,
            actor=who.name,
            actor_kind=who.kind,
            action=action,
            subject=subject,
            detail=json.dumps(detail, ensure_ascii=False, sort_keys=True),
            address=who.address,
        )
    )
    session.flush()


def entries(session: Session, wanted: Wanted) -> Sequence[AuditEntry]:
    """Entries, the newest first."""
    chosen = (
        select(AuditEntry)
        .where(col(AuditEntry.at_ms) >= wanted.from_ms, col(AuditEntry.at_ms) < wanted.to_ms)
        .order_by(col(AuditEntry.id).desc())
        .limit(wanted.limit)
    )
    for column, value in ((AuditEntry.actor, wanted.actor), (AuditEntry.subject, wanted.subject)):
        if value is not None:
            chosen = chosen.where(column == value)
    if wanted.action is not None:
        action = col(AuditEntry.action)
        chosen = chosen.where((action == wanted.action) | action.startswith(f"{wanted.action}.", autoescape=True))
    if wanted.before is not None:
        chosen = chosen.where(col(AuditEntry.id) < wanted.before)
    return session.exec(chosen).all()
