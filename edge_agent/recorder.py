"""Takes each reading: notices a change, keeps the row, and seals an envelope when it is time."""

import logging
from collections.abc import Collection, Sequence

import msgspec

from edge_agent.config import Settings
from edge_agent.health import Fault, Health
from edge_agent.known_meters import KnownMeters, Verdict
from edge_agent.local_alarm import FINGERPRINT_CHANGED, Event, alarms, standing
from edge_agent.outbox import METERS_PER_ENVELOPE
from edge_agent.row_writer import RowWriter
from edge_agent.signer import Row
from edge_agent.state_change import Change, Known, step
from wire.clock import iso
from wire.limits import BURST_POLLS
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable

log = logging.getLogger(__name__)

BUSES_EXCHANGED = "buses_exchanged"
WILD_PERIOD_MS = 60_000
_WILD = (Unreadable(Reason.OUT_OF_RANGE), Unreadable(Reason.NOT_A_NUMBER))
_ANOTHER_METERS = Unreadable(Reason.WRONG_UNIT)


class Recorder:
    """One agent's path from a reading to the outbox.

    Attributes:
        latest: the newest reading of each meter.
    """

    def __init__(
        self,
        settings: Settings,
        writer: RowWriter,
        meters: KnownMeters,
        health: Health,
    ) -> None:
        self.latest: dict[str, Reading] = {}
        self._writer, self._meters, self._health = writer, meters, health
        self._agent = settings.agent
        self._wake_power_w = {meter.id: meter.wake_power_w for meter in settings.meters}
        self._known = {meter.id: Known() for meter in settings.meters}
        self._groups = _groups(settings)
        self._burst = 0
        self._wild_due_ms: dict[str, int] = {}

    async def take(self, reading: Reading) -> None:
        """Keep a reading: it is handed to the writer, at once where it shows anything."""
        was = self._meters.exchanged.get(reading.meter)
        verdict = self._meters.judge(reading.meter, reading.fingerprint)
        if verdict.other is not None:
            reading = _refused(reading)
        self.latest[reading.meter] = reading
        self._health.counters["polls"] += 1
        self._health.counters["failed"] += reading.state is not State.OK
        change, more = self._events(reading, verdict, is_new=verdict.other not in (None, was))
        # Raw words travel only with the rows of an event, and where they are all that a refused row has.
        is_raw = self._is_wild(reading) or bool(change or more or self._burst or verdict.other is not None)
        kept = msgspec.structs.replace(reading, raw=reading.raw if is_raw else {}, fingerprint=verdict.fingerprint)
        if verdict.other != was:
            self._tell_exchange()
        row = Row(kept, change or "", tuple(more))
        is_urgent = bool(more) or change not in (None, Change.FIRST) or self._burst > 0
        save = self._meters.save if reading.fingerprint is not None else None
        await self._writer.put(row, self._due(reading, change, more), urgent=is_urgent, after=save)

    def _is_wild(self, reading: Reading) -> bool:
        """Whether a guard refused a value whose words should be kept: those of one reading a minute and meter."""
        if not any(v in _WILD for v in reading.values.values() if isinstance(v, Unreadable)):
            return False
        self._health.counters["out_of_range"] += 1
        is_due = reading.monotonic_ms >= self._wild_due_ms.get(reading.meter, 0)
        if is_due:
            self._wild_due_ms[reading.meter] = reading.monotonic_ms + WILD_PERIOD_MS
        return is_due

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

    def _due(self, reading: Reading, change: Change | None, more: list[Event]) -> Collection[str]:
        """The meters whose rows leave with this reading: its group's, at an event or when their time has come."""
        group = self._groups[reading.meter]
        is_due = group.is_time(reading.monotonic_ms) or change is not None or bool(more) or self._burst > 0
        if change is not None and change is not Change.FIRST:
            self._burst = BURST_POLLS * len(self._known)
        elif self._burst:
            self._burst -= 1
        return group.meters if is_due else ()


class _Group:
    """Meters whose rows leave together; the groups of an agent take turns, so that signing never takes long at a time."""

    def __init__(self, meters: Sequence[str], turn: float, settings: Settings) -> None:
        self.meters = tuple(meters)
        self._batch_ms, self._period_ms = round(settings.batch_s * 1000), round(settings.poll_period_s * 1000)
        self._first_ms = round(turn * self._batch_ms)
        self._due_ms: int | None = None

    def is_time(self, now_ms: int) -> bool:
        """Whether the next row will be too late for this batch. The first batch is shorter, by the group's turn."""
        if self._due_ms is None:
            self._due_ms = now_ms + self._first_ms - self._period_ms
        is_time = now_ms >= self._due_ms - self._period_ms // 2
        if is_time:
            self._due_ms += self._batch_ms * (1 + max(0, now_ms - self._due_ms) // self._batch_ms)
        return is_time


def _groups(settings: Settings) -> dict[str, _Group]:
    """Each meter's group."""
    meters = [meter.id for meter in settings.meters]
    parts = [meters[at : at + METERS_PER_ENVELOPE] for at in range(0, len(meters), METERS_PER_ENVELOPE)]
    groups = [_Group(part, (place + 1) / len(parts), settings) for place, part in enumerate(parts)]
    return {meter: group for group in groups for meter in group.meters}


def _refused(reading: Reading) -> Reading:
    """The reading of a meter that is another one: its serial number says so, no value of it is this meter's.

    Its raw words stay: whose they were can be settled later.
    """
    values = {q: v if q is Quantity.DEVICE_SERIAL else _ANOTHER_METERS for q, v in reading.values.items()}
    return msgspec.structs.replace(reading, state=State.FAILED, values=values)
