"""One agent, put together: it can be built many times in one process, and nothing happens before run()."""

import asyncio
import contextlib
import os
from concurrent.futures import Executor
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NoReturn

import msgspec

from edge_agent import health as health_file
from edge_agent import identity
from edge_agent.config import SerialLine, Settings
from edge_agent.courier import Courier, Pace
from edge_agent.disk import Disk
from edge_agent.errors import LineUnusable
from edge_agent.health import Health
from edge_agent.identity import Boot
from edge_agent.modbus import LineReader
from edge_agent.outbox import Outbox
from edge_agent.poller import LinePoller
from edge_agent.recorder import Recorder
from edge_agent.signer import Author
from wire.chain import genesis
from wire.clock import Clock, iso
from wire.quantities import Quantity
from wire.reading import Reading


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
        key = await self._disk(identity.load_or_make_key, self._settings.data)
        kid = identity.kid(self._settings.agent)
        start = genesis(self._settings.deployment, self._settings.agent, kid, key.public)
        author = Author(self._settings.deployment, self._settings.agent, kid, key)
        outbox = await self._disk(Outbox, self._settings.data, start, self._settings.outbox_bytes_max)
        try:
            boot = await self._disk(outbox.begin, identity.boot(self._settings, software()))
            await self._run(boot, author, outbox)
        finally:
            await self._disk(outbox.close)

    async def _run(self, boot: Boot, author: Author, outbox: Outbox) -> None:
        courier = Courier(self._settings, boot.id, outbox, self._disk, self._clock, self.health, self._timing.pace)
        recorder = Recorder(self._settings, boot, author, outbox, self._disk, self._clock, self.health)

        async def take(reading: Reading) -> None:
            if await recorder.take(reading):
                courier.nudge()

        pollers = [
            LinePoller(self._lines[line], meters, self._settings.poll_period_s, self._clock, take)
            for line, meters in self._settings.meters_by_line().items()
        ]
        async with asyncio.TaskGroup() as group:
            polling = [group.create_task(poller.run()) for poller in pollers]
            delivering = group.create_task(courier.run())
            telling = group.create_task(self._tell_health(boot, outbox, courier, recorder, pollers))
            self.ready.set()
            await self._stop.wait()
            await _cancel(*polling, telling)
            await recorder.finish()
            courier.nudge()
            await courier.finish(self._timing.finish_wait_s)
            await _cancel(delivering)
        await self._write_health(boot, outbox, courier, recorder)

    async def _tell_health(
        self, boot: Boot, outbox: Outbox, courier: Courier, recorder: Recorder, pollers: list[LinePoller]
    ) -> NoReturn:
        while True:
            counters = self.health.counters
            counters["late_ticks"] = sum(poller.late_ticks for poller in pollers)
            counters["line_noise"] = sum(line.noise for line in self._lines.values())
            await self._write_health(boot, outbox, courier, recorder)
            await self._wait_for_news()

    async def _write_health(self, boot: Boot, outbox: Outbox, courier: Courier, recorder: Recorder) -> None:
        standing = await self._disk(outbox.standing)
        self.health.counters["waiting"] = standing.waiting
        document = {
            "agent": self._settings.agent,
            "boot": boot.id,
            "boot_number": boot.number,
            "at": iso(self._clock.wall_ms()),
            "broker_connected": courier.connected,
            "faults": [{"code": code.value, "message": message} for code, message in self.health.faults.items()],
            "counters": dict(self.health.counters),
            "outbox": msgspec.to_builtins(standing),
            "meters": {
                meter: {
                    "state": reading.state.value,
                    "at": iso(reading.wall_ms),
                    "active_power_w": msgspec.to_builtins(reading.values.get(Quantity.ACTIVE_POWER_W)),
                }
                for meter, reading in recorder.latest.items()
            },
        }
        await self._disk(health_file.write, self._settings.data, document)

    async def _wait_for_news(self) -> None:
        """The health period, cut short when a fault comes or goes."""
        told = self.health.version
        for _ in range(int(self._timing.health_period_s / 0.5) or 1):
            await self._clock.sleep(0.5)
            if self.health.version != told:
                return


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


def software() -> str:
    """The release, as envelopes carry it."""
    try:
        return version("coldseal")
    except PackageNotFoundError:
        return "checkout"
