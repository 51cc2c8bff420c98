"""What can be done here, and which role may do it. One table; the interface's documents are made from it."""

from enum import StrEnum


class Right(StrEnum):
    """One kind of thing to do. A key's scopes are rights."""

    READ = "read"
    """See seals, violations, readings, curves of the counties that one is responsible for."""
    COMMENT = "comment"
    """Write a remark into a violation's life."""
    ACKNOWLEDGE = "acknowledge"
    """Say that one saw a violation, and dispatch it to a person."""
    DECIDE = "decide"
    """Confirm, dismiss or close a violation."""
    MUTE = "mute"
    """Stop the messages about a seal or a county for a time, with a reason."""
    AGENTS = "agents"
    """Register and revoke agents; see what was rejected."""
    ACCOUNTS = "accounts"
    """Make, change and end accounts, their sessions, and keys of programs."""
    AUDIT = "audit"
    """Read the record of what was changed."""
    METRICS = "metrics"
    """Read the server's own metrics."""


class Role(StrEnum):
    """What a person is here."""

    ADMINISTRATOR = "administrator"
    MONITOR = "monitor"
    INSPECTOR = "inspector"
    VIEWER = "viewer"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.ADMINISTRATOR: frozenset(Right),
    Role.MONITOR: frozenset({Right.READ, Right.COMMENT, Right.ACKNOWLEDGE, Right.DECIDE, Right.MUTE}),
    Role.INSPECTOR: frozenset({Right.READ, Right.COMMENT, Right.ACKNOWLEDGE}),
    Role.VIEWER: frozenset({Right.READ}),
}

WIDE = frozenset({Right.AGENTS, Right.ACCOUNTS, Right.AUDIT})
"""Rights that are about every county at once: who has one is limited to none."""
