"""Takes each reading: notices a change, keeps the row, and seals an envelope when it is time."""

import logging

import msgspec

from edge_agent.config import Settings
from edge_agent.disk import Disk
from edge_agent.health import Fault, Health
from edge_agent.known_meters import KnownMeters, Verdict
from edge_agent.ledger import Ledger
from edge_agent.local_alarm import FINGERPRINT_CHANGED, Event, alarms, standing
from edge_agent.signer import Row
from edge_agent.state_change import Change, Known, step
from wire.clock import iso
from wire.limits import BURST_POLLS
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable

log = logging.getLogger(__name__)

BUSES_EXCHANGED = "buses_exchanged"
_ANOTHER_METERS = Unreadable(Reason.WRONG_UNIT)


class Recorder:
    """One agent's path from a reading to the outbox.

    Attributes:
        latest: the newest reading of each meter.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: Ledger,
        meters: KnownMeters,
        disk: Disk,
        health: Health,
    ) -> None:
        self.latest: dict[str, Reading] = {}
        self._ledger, self._meters, self._disk, self._health = ledger, meters, disk, health
        self._agent = settings.agent
        self._wake_power_w = {meter.id: meter.wake_power_w for meter in settings.meters}
        self._known = {meter.id: Known() for meter in settings.meters}
        self._batch_ms = round(settings.batch_s * 1000)
        self._period_ms = round(settings.poll_period_s * 1000)
        self._burst = 0
        self._batch_start_ms: int | None = None

    async def take(self, reading: Reading) -> bool:
        """Keep a reading; on disk when this returns. True if envelopes were made that can leave now."""
        was = self._meters.exchanged.get(reading.meter)
        verdict = self._meters.judge(reading.meter, reading.fingerprint)
        if verdict.other is not None:
            reading = _refused(reading)
        self.latest[reading.meter] = reading
        self._health.counters["polls"] += 1
        self._health.counters["failed"] += reading.state is not State.OK
        change, more = self._events(reading, verdict, is_new=verdict.other not in (None, was))
        # Raw words travel only with the rows of an event, and where they are all that a refused row has.
        is_raw = bool(change or more or self._burst or verdict.other is not None)
        kept = msgspec.structs.replace(reading, raw=reading.raw if is_raw else {}, fingerprint=verdict.fingerprint)
        if verdict.other != was:
            self._tell_exchange()
        row = Row(kept, change or "", tuple(more))
        made = await self._disk(self._ledger.keep, row, seal=self._is_time(reading, change, more))
        if reading.fingerprint is not None:
            await self._disk(self._meters.save)
        return made > 0

    def document(self) -> dict[str, object]:
        """Each meter as it stands, for the health file."""
        return {
            meter: {
                "state": reading.state.value,
                "at": iso(reading.wall_ms),
                "active_power_w": msgspec.to_builtins(reading.values.get(Quantity.ACTIVE_POWER_W)),
                "alarms": standing(self._known[meter]),
                "fingerprint": msgspec.to_builtins(self._meters.judge(meter, None).fingerprint),
            }
            for meter, reading in self.latest.items()
        }

    async def finish(self) -> None:
        """Seal what waits, and say that the stop is clean."""
        await self._disk(self._ledger.seal, fin=True)

    def _events(self, reading: Reading, verdict: Verdict, *, is_new: bool) -> tuple[Change | None, list[Event]]:
        """What a reading shows, and all that is told with it."""
        before = self._known[reading.meter]
        now, change = step(before, reading, self._wake_power_w[reading.meter])
        self._known[reading.meter] = now
        more: list[Event] = [(FINGERPRINT_CHANGED, moved) for moved in verdict.moved]
        if is_new:
            more.append((BUSES_EXCHANGED, (verdict.other or "", verdict.fingerprint.serial or "")))
        marked = alarms(before, now, verdict.moved)
        for code, details in more + marked:
            log.warning("%s: meter %s: %s %s", self._agent, reading.meter, code, " ".join(map(str, details)))
        return change, more + marked

    def _tell_exchange(self) -> None:
        if not self._meters.exchanged:
            self._health.clear(Fault.BUSES_EXCHANGED)
            return
        pairs = ", ".join(
            f"{meter} tells the serial number of {other}" for meter, other in self._meters.exchanged.items()
        )
        self._health.raise_fault(
            Fault.BUSES_EXCHANGED,
            f"buses are exchanged: {pairs}; no value is filed under the wrong meter. Name serial devices by their "
            "place (/dev/serial/by-path/...) or correct tcp and unit in the settings, then start the agent again; "
            f"if the meters themselves were exchanged, remove {self._meters.file} first",
        )

    def _is_time(self, reading: Reading, change: Change | None, more: list[Event]) -> bool:
        """Whether an envelope is due with this reading."""
        if self._batch_start_ms is None:
            self._batch_start_ms = reading.monotonic_ms
        age_ms = reading.monotonic_ms - self._batch_start_ms + self._period_ms
        due = change is not None or bool(more) or self._burst > 0 or age_ms >= self._batch_ms - self._period_ms // 2
        if change is not None and change is not Change.FIRST:
            self._burst = BURST_POLLS * len(self._known)
        elif self._burst:
            self._burst -= 1
        if due:
            self._batch_start_ms = None
        return due


def _refused(reading: Reading) -> Reading:
    """The reading of a meter that is another one: its serial number says so, no value of it is this meter's.

    Its raw words stay: whose they were can be settled later.
    """
    values = {q: v if q is Quantity.DEVICE_SERIAL else _ANOTHER_METERS for q, v in reading.values.items()}
    return msgspec.structs.replace(reading, state=State.FAILED, values=values)
