"""What the agent had to drop and has not told yet: one entry for each reason, merged while it waits."""

import sqlite3

from edge_agent.signer import Loss

OUTBOX_FULL, DISK_FULL, UNSENDABLE = "outbox_full", "disk_full", "unsendable"


def told(db: sqlite3.Connection, *, full_outbox: bool) -> list[Loss]:
    """Losses to tell now.

    Args:
        db: the outbox.
        full_outbox: tell those of a full outbox too. While nothing is delivered they wait, so that they become one
            entry instead of one in each envelope.
    """
    found = db.execute("SELECT first, last, rows, reason FROM loss ORDER BY reason").fetchall()
    return [(first, last, rows, reason) for first, last, rows, reason in found if full_outbox or reason != OUTBOX_FULL]


def add(db: sqlite3.Connection, loss: Loss) -> None:
    """Merge a loss into the waiting entry of its reason; one of nothing is none."""
    first, last, rows, reason = loss
    if rows == 0 and first is None:
        return
    db.execute(
        """INSERT INTO loss (reason, first, last, rows) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (reason) DO UPDATE SET
           first = min(coalesce(first, ?2), coalesce(?2, first)), last = max(coalesce(last, ?3), coalesce(?3, last)),
           rows = rows + ?4""",
        (reason, first, last, rows),
    )


def remove(db: sqlite3.Connection, losses: list[Loss]) -> None:
    """Forget entries that an envelope now tells."""
    db.executemany("DELETE FROM loss WHERE reason = ?", [(reason,) for _, _, _, reason in losses])
