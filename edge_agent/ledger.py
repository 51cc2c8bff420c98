"""Rows to disk, and rows to signed envelopes. All of it runs in the disk's thread."""

from collections.abc import Collection, Sequence

from edge_agent.clock_quality import ClockWatch
from edge_agent.health import Fault, Health
from edge_agent.identity import Boot
from edge_agent.outbox import Outbox
from edge_agent.signer import Author, Draft, Row
from wire.batch import ClockQuality
from wire.clock import Clock


class Ledger:
    """One run's rows."""

    def __init__(self, boot: Boot, author: Author, outbox: Outbox, clock: Clock, health: Health) -> None:
        self._boot, self._author, self._outbox = boot, author, outbox
        self._clock, self._health = clock, health
        self._watch = ClockWatch()

    def keep(self, rows: Sequence[Row], due: Collection[str]) -> int:
        """Keep rows; on disk when this returns, unless the disk is full.

        Args:
            rows: the newest, in the order taken.
            due: meters whose rows are to leave now.

        Returns:
            How many envelopes were made.
        """
        self._outbox.add(self._boot.id, rows)
        self._tell_disk()
        if self._outbox.loss_due:
            return self.seal()
        return self.seal(due) if due else 0

    def seal(self, meters: Collection[str] | None = None, *, fin: bool = False) -> int:
        """Put rows that wait into envelopes.

        Args:
            meters: whose; None: all.
            fin: the last one says that the stop is clean.

        Returns:
            How many were made.
        """
        now_ms = self._clock.wall_ms()
        quality = self._watch.quality(now_ms, self._clock.monotonic_ms())
        numbers = self._health.numbers()

        def build(draft: Draft) -> bytes:
            own = draft.boot.id == self._boot.id
            return self._author.envelope(draft, quality if own else ClockQuality(st="U"), numbers if own else {})

        made = self._outbox.seal(build, now_ms, meters=meters, fin=fin)
        self._tell_disk()
        return made

    def _tell_disk(self) -> None:
        if self._outbox.disk_full:
            self._health.raise_fault(
                Fault.DISK_FULL,
                "disk full (or it takes no writes): rows are kept in memory and the oldest will be dropped; free space on "
                "the data folder's disk, the agent goes on by itself",
            )
        else:
            self._health.clear(Fault.DISK_FULL)
