"""Rows to disk, and rows to signed envelopes. All of it runs in the disk's thread."""

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

    def keep(self, row: Row, *, seal: bool) -> int:
        """Keep a row; on disk when this returns, unless the disk is full.

        Args:
            row: the newest.
            seal: an envelope is due with it.

        Returns:
            How many envelopes were made.
        """
        self._outbox.add(self._boot.id, [row])
        self._tell_disk()
        return self.seal() if seal or self._outbox.loss_due else 0

    def seal(self, *, fin: bool = False) -> int:
        """Put all rows that wait into envelopes.

        Args:
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

        made = self._outbox.seal(build, now_ms, fin=fin)
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
