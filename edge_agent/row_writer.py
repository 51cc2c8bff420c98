"""Rows on their way to the disk: in groups, and never waited for by a poll.

A commit waits for the medium; on a cheap one that takes longer than a poll does, and signing a minute's rows of many
meters takes seconds. So the pollers hand their rows over, and one task writes whatever has come together.
"""

import asyncio
from collections.abc import Callable, Collection

from edge_agent.disk import Disk
from edge_agent.ledger import Ledger
from edge_agent.signer import Row

GATHER_S = 0.2
"""Rows wait so long for others: what a loss of power costs at the most, besides what the disk itself delays."""
ROWS_MAX = 4096
"""Rows that may wait for a disk that does nothing; from then on polling waits too, since memory has an end."""


class RowWriter:
    """The rows of one agent."""

    def __init__(self, ledger: Ledger, disk: Disk, gather_s: float, made: Callable[[], None]) -> None:
        """A writer that does nothing before run().

        Args:
            ledger: keeps and seals.
            disk: where it runs.
            gather_s: how long a row waits for others; no more than GATHER_S.
            made: called when envelopes were made that can leave.
        """
        self._ledger, self._disk, self._made = ledger, disk, made
        self._gather_s = min(gather_s, GATHER_S)
        self._rows: list[Row] = []
        self._due: set[str] = set()
        self._after: Callable[[], None] | None = None
        self._arrived, self._urgent, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._room.set()
        self._writing = asyncio.Lock()

    async def put(
        self, row: Row, due: Collection[str], *, urgent: bool, after: Callable[[], None] | None = None
    ) -> None:
        """Hand a row over.

        Args:
            row: the newest.
            due: meters whose rows are to leave with it.
            urgent: it must not wait for others.
            after: what else is to be written behind it.
        """
        await self._room.wait()
        self._rows.append(row)
        self._due.update(due)
        self._after = after or self._after
        self._arrived.set()
        if urgent:
            self._urgent.set()
        if len(self._rows) >= ROWS_MAX:
            self._room.clear()

    async def run(self) -> None:
        """Write until cancelled; what is under way is written to its end."""
        while True:
            await self._arrived.wait()
            try:
                async with asyncio.timeout(self._gather_s):
                    await self._urgent.wait()
            except TimeoutError:
                pass
            await asyncio.shield(self.flush())

    async def flush(self) -> None:
        """Write all that waits."""
        async with self._writing:
            rows, due, after = self._rows, self._due, self._after
            self._rows, self._due, self._after = [], set(), None
            self._arrived.clear()
            self._urgent.clear()
            self._room.set()
            made = await self._disk(self._ledger.keep, rows, due) if rows else 0
            if after is not None:
                await self._disk(after)
        if made:
            self._made()
