"""One agent, put together: it can be built many times in one process, and nothing happens before run()."""

import asyncio
import contextlib
import logging
import os
from concurrent.futures import Executor
from pathlib import Path
from typing import NamedTuple, NoReturn

import msgspec

from edge_agent import health as health_file
from edge_agent import identity
from edge_agent.config import Settings
from edge_agent.courier import Courier, Pace
from edge_agent.disk import Disk
from edge_agent.errors import LineUnusable
from edge_agent.health import Health
from edge_agent.identity import Boot
from edge_agent.known_meters import KnownMeters
from edge_agent.ledger import Ledger
from edge_agent.line import SerialLine
from edge_agent.line_file import unsteady_name
from edge_agent.line_watch import LineWatch
from edge_agent.modbus import LineReader
from edge_agent.outbox import Outbox
from edge_agent.poller import LinePoller
from edge_agent.recorder import Recorder
from edge_agent.row_writer import RowWriter
from edge_agent.signer import Author
from wire.chain import genesis
from wire.clock import Clock, iso
from wire.release import RELEASE

log = logging.getLogger(__name__)


class Timing(msgspec.Struct, frozen=True):
    """Waits of an agent; the defaults are what the field wants."""

    pace: Pace = Pace()
    finish_wait_s: float = 3.0
    health_period_s: float = 5.0


FIELD = Timing()


class Agent:
    """Reads its meters and delivers what they say, until it is stopped.

    Attributes:
        ready: set when polling has started.
        health: counters and faults.
    """

    def __init__(self, settings: Settings, clock: Clock, executor: Executor, timing: Timing = FIELD) -> None:
        """An agent that is not running yet.

        Args:
            settings: checked settings.
            clock: wall and monotonic time.
            executor: of one thread, for the disk; any number of agents may share it.
            timing: waits.
        """
        self.ready = asyncio.Event()
        self.health = Health(settings.agent)
        self._settings, self._clock, self._timing = settings, clock, timing
        self._disk = Disk(executor)
        self._stop = asyncio.Event()
        self._lines = {line: LineReader(line) for line in settings.meters_by_line()}

    def stop(self) -> None:
        """Ask for a clean stop: a last envelope, a short wait for its delivery."""
        self._stop.set()

    async def run(self) -> None:
        """Poll and deliver until stop().

        Raises:
            SurroundingsError: a serial device, the data folder, the key or the outbox cannot be used.
        """
        check_devices(self._settings)
        for advice in filter(None, map(unsteady_name, self._lines)):
            log.warning("%s: %s", self._settings.agent, advice)
        key = await self._disk(identity.load_or_make_key, self._settings.data)
        kid = identity.kid(self._settings.agent)
        start = genesis(self._settings.deployment, self._settings.agent, kid, key.public)
        author = Author(self._settings.deployment, self._settings.agent, kid, key)
        outbox = await self._disk(Outbox, self._settings.data, start, self._settings.outbox_bytes_max)
        try:
            boot = await self._disk(outbox.begin, identity.boot(self._settings, RELEASE))
            await self._run(boot, author, outbox)
        finally:
            await self._disk(outbox.close)

    async def _run(self, boot: Boot, author: Author, outbox: Outbox) -> None:
        settings = self._settings
        courier = Courier(settings, boot.id, outbox, self._disk, self._clock, self.health, self._timing.pace)
        meters = await self._disk(KnownMeters, settings.data, [meter.id for meter in settings.meters])
        ledger = Ledger(boot, author, outbox, self._clock, self.health)
        writer = RowWriter(ledger, self._disk, settings.poll_period_s / 4, courier.nudge)
        recorder = Recorder(settings, writer, meters, self.health)
        pollers = {
            line: LinePoller(
                self._lines[line], on_line, settings.poll_period_s, self._clock, recorder.take, meters.fingerprints
            )
            for line, on_line in settings.meters_by_line().items()
        }
        lines = {line: (self._lines[line], poller) for line, poller in pollers.items()}
        watch = LineWatch(lines, settings.poll_period_s, self.health)
        parts = _Parts(boot, outbox, courier, recorder, watch)
        async with asyncio.TaskGroup() as group:
            polling = [group.create_task(poller.run()) for poller in pollers.values()]
            writing = group.create_task(writer.run())
            delivering = group.create_task(courier.run())
            telling = group.create_task(self._tell_health(parts))
            self.ready.set()
            await self._stop.wait()
            await _cancel(*polling, telling, writing)
            await writer.flush()
            await self._disk(ledger.seal, fin=True)
            courier.nudge()
            await courier.finish(self._timing.finish_wait_s)
            await _cancel(delivering)
        await self._write_health(parts)

    async def _tell_health(self, parts: "_Parts") -> NoReturn:
        while True:
            parts.watch.look()
            await self._write_health(parts)
            await self._wait_for_news()

    async def _write_health(self, parts: "_Parts") -> None:
        standing = await self._disk(parts.outbox.standing)
        self.health.counters["waiting"] = standing.waiting
        document = {
            "agent": self._settings.agent,
            "boot": parts.boot.id,
            "boot_number": parts.boot.number,
            "at": iso(self._clock.wall_ms()),
            "broker_connected": parts.courier.connected,
            "faults": [{"code": code.value, "message": message} for code, message in self.health.faults.items()],
            "counters": dict(self.health.counters),
            "outbox": msgspec.to_builtins(standing),
            "lines": parts.watch.document(),
            "meters": parts.recorder.document(),
        }
        await self._disk(health_file.write, self._settings.data, document)

    async def _wait_for_news(self) -> None:
        """The health period, cut short when a fault comes or goes."""
        told = self.health.version
        for _ in range(int(self._timing.health_period_s / 0.5) or 1):
            await self._clock.sleep(0.5)
            if self.health.version != told:
                return


class _Parts(NamedTuple):
    """What one run is made of."""

    boot: Boot
    outbox: Outbox
    courier: Courier
    recorder: Recorder
    watch: LineWatch


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with contextlib.suppress(asyncio.CancelledError):
            await task


def check_devices(settings: Settings) -> None:
    """Check that every serial device is there and ours to use.

    Raises:
        LineUnusable: it is not.
    """
    for index, meter in enumerate(settings.meters):
        if not isinstance(meter.line, SerialLine):
            continue
        device, where = meter.line.device, f"{settings.file}: meters[{index}].serial.device"
        if not Path(device).exists():
            raise LineUnusable(
                f"{where}: {device} is missing; plug the adapter in, or correct the name (ls /dev/serial/by-id)"
            )
        if not os.access(device, os.R_OK | os.W_OK):
            raise LineUnusable(f"{where}: {device} may not be used; add the agent's user to the group dialout")
