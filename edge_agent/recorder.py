"""Takes each reading: notices a change, keeps the row, and seals an envelope when it is time."""

import msgspec

from edge_agent.clock_quality import ClockWatch
from edge_agent.config import Settings
from edge_agent.disk import Disk
from edge_agent.health import Fault, Health
from edge_agent.identity import Boot
from edge_agent.outbox import Outbox
from edge_agent.signer import Author, Draft, Row
from edge_agent.state_change import Change, Known, step
from wire.batch import ClockQuality
from wire.clock import Clock
from wire.limits import BURST_POLLS
from wire.reading import Reading, State


class Recorder:
    """One agent's path from a reading to the outbox.

    Attributes:
        latest: the newest reading of each meter.
    """

    def __init__(
        self,
        settings: Settings,
        boot: Boot,
        author: Author,
        outbox: Outbox,
        disk: Disk,
        clock: Clock,
        health: Health,
    ) -> None:
        self.latest: dict[str, Reading] = {}
        self._boot, self._author, self._outbox = boot, author, outbox
        self._disk, self._clock, self._health = disk, clock, health
        self._wake_power_w = {meter.id: meter.wake_power_w for meter in settings.meters}
        self._known = {meter.id: Known() for meter in settings.meters}
        self._batch_ms = round(settings.batch_s * 1000)
        self._period_ms = round(settings.poll_period_s * 1000)
        self._burst = 0
        self._batch_start_ms: int | None = None
        self._watch = ClockWatch()

    async def take(self, reading: Reading) -> bool:
        """Keep a reading; on disk when this returns. True if envelopes were made that can leave now."""
        self.latest[reading.meter] = reading
        self._health.counters["polls"] += 1
        self._health.counters["failed"] += reading.state is not State.OK
        change = self._change(reading)
        # Raw words travel only with the rows of an event.
        kept = reading if change or self._burst else msgspec.structs.replace(reading, raw={})
        return await self._disk(self._store, Row(kept, change or ""), seal=self._is_time(reading, change)) > 0

    async def finish(self) -> None:
        """Seal what waits, and say that the stop is clean."""
        await self._disk(self._seal, fin=True)

    def _change(self, reading: Reading) -> Change | None:
        self._known[reading.meter], change = step(
            self._known[reading.meter], reading, self._wake_power_w[reading.meter]
        )
        return change

    def _is_time(self, reading: Reading, change: Change | None) -> bool:
        """Whether an envelope is due with this reading."""
        if self._batch_start_ms is None:
            self._batch_start_ms = reading.monotonic_ms
        age_ms = reading.monotonic_ms - self._batch_start_ms + self._period_ms
        due = change is not None or self._burst > 0 or age_ms >= self._batch_ms - self._period_ms // 2
        if change is not None and change is not Change.FIRST:
            self._burst = BURST_POLLS * len(self._known)
        elif self._burst:
            self._burst -= 1
        if due:
            self._batch_start_ms = None
        return due

    def _store(self, row: Row, *, seal: bool) -> int:
        """In the disk's thread."""
        self._outbox.add(self._boot.id, [row])
        self._tell_disk()
        return self._seal() if seal or self._outbox.loss_due else 0

    def _seal(self, *, fin: bool = False) -> int:
        """In the disk's thread."""
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
