"""Rows reach the disk in groups, and a disk that hangs delays no poll."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge_agent.disk import Disk
from edge_agent.health import Health
from edge_agent.ledger import Ledger
from edge_agent.outbox import Outbox
from edge_agent.row_writer import ROWS_MAX, RowWriter
from tests.edge_agent.store import AUTHOR, batches, boot, opened, row, waiting
from wire.batch import rows
from wire.clock import SystemClock

PATIENCE_S = 10.0


class Plant:
    """A writer on a real outbox, with a disk thread that a test can hold up.

    Attributes:
        made: how often envelopes were made.
    """

    def __init__(self, folder: Path, executor: ThreadPoolExecutor, gather_s: float) -> None:
        self.outbox: Outbox = opened(folder)
        run = self.outbox.begin(boot())
        self.made = 0
        self.ledger = Ledger(run, AUTHOR, self.outbox, SystemClock(), Health("a1"))
        self.writer = RowWriter(self.ledger, Disk(executor), gather_s, self._count)
        self._executor, self._gate = executor, threading.Event()

    def _count(self) -> None:
        self.made += 1

    def hold(self) -> None:
        """The disk does nothing from now on."""
        self._gate.clear()
        self._executor.submit(self._gate.wait)

    def go(self) -> None:
        """The disk works again."""
        self._gate.set()

    async def put(self, number: int, *, seal: bool = False, urgent: bool = False) -> None:
        """One row."""
        await asyncio.wait_for(self.writer.put(row(number), ["m1"] if seal else [], urgent=urgent), PATIENCE_S)

    def sealed(self) -> list[int]:
        """How many rows each envelope has."""
        return [len(list(rows(batch))) for batch in batches(waiting(self.outbox))]

    async def until(self, made: int) -> None:
        """Wait until envelopes were made so often."""
        async with asyncio.timeout(PATIENCE_S):
            while self.made < made:  # noqa: ASYNC110 - the writer tells by a plain call
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def plant(folder: Path, gather_s: float = 0.05) -> AsyncIterator[Plant]:
    """A writer that runs."""
    with ThreadPoolExecutor(1) as executor:
        made = Plant(folder, executor, gather_s)
        running = asyncio.create_task(made.writer.run())
        try:
            yield made
        finally:
            made.go()
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await made.writer.flush()
            made.outbox.close()


async def test_a_disk_that_hangs_delays_no_poll(tmp_path: Path) -> None:
    """Rows are taken while a commit waits for the medium; afterwards none is missing and all are in one envelope."""
    async with plant(tmp_path) as made:
        made.hold()
        for number in range(50):
            await made.put(number)
        await made.put(50, seal=True)
        made.go()
        await made.until(1)
        assert made.sealed() == [51]


async def test_what_is_urgent_waits_for_nobody(tmp_path: Path) -> None:
    """A row that shows something leaves with those that wait, before their time is over."""
    async with plant(tmp_path, gather_s=0.2) as made:
        began = asyncio.get_running_loop().time()
        for number in range(20):
            await made.put(number, seal=True, urgent=True)
            await made.until(number + 1)
        took_s = asyncio.get_running_loop().time() - began
        assert made.sealed() == [1] * 20
        assert took_s < 20 * 0.2, "each would have waited for others"


async def test_rows_of_one_moment_are_one_commit(tmp_path: Path) -> None:
    """Rows that come within the time of gathering make one envelope, though each says that one is due."""
    async with plant(tmp_path, gather_s=0.2) as made:
        for number in range(8):
            await made.put(number, seal=True)
        await made.until(1)
        assert made.sealed() == [8]


async def test_memory_has_an_end(tmp_path: Path) -> None:
    """With ROWS_MAX rows in memory polling waits for the disk, and goes on when it works again."""
    async with plant(tmp_path) as made:
        made.hold()
        await made.put(0, urgent=True)
        await asyncio.sleep(0.2)  # this one is with the disk, which hangs
        for number in range(1, ROWS_MAX + 1):
            await made.put(number)
        one_more = asyncio.create_task(made.put(ROWS_MAX + 1))
        with pytest.raises(TimeoutError, match=r"^$"):
            await asyncio.wait_for(asyncio.shield(one_more), 0.2)
        made.go()
        await one_more
        await made.writer.flush()
        assert made.outbox.standing().pending_rows == ROWS_MAX + 2


async def test_a_stop_loses_nothing(tmp_path: Path) -> None:
    """A group that is under way when the writer is stopped is on the disk before flush() returns, in order."""
    with ThreadPoolExecutor(1) as executor:
        made = Plant(tmp_path, executor, 0.0)
        running = asyncio.create_task(made.writer.run())
        made.hold()
        await made.put(1, urgent=True)
        await asyncio.sleep(0.1)
        await made.put(2)
        running.cancel()
        made.go()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await made.writer.flush()
        made.ledger.seal(fin=True)
        assert [[r.wall_ms for r in rows(b)] for b in batches(waiting(made.outbox))] == [
            [row(1).reading.wall_ms, row(2).reading.wall_ms]
        ]
        made.outbox.close()
