"""What becomes of a reading: its group's turn, its words, its counters."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge_agent.config import Settings
from edge_agent.disk import Disk
from edge_agent.health import Health
from edge_agent.known_meters import KnownMeters
from edge_agent.ledger import Ledger
from edge_agent.recorder import Recorder
from edge_agent.row_writer import RowWriter
from tests.edge_agent.conftest import Write
from tests.edge_agent.store import AUTHOR, batches, boot, opened, waiting
from wire.batch import Batch
from wire.clock import SystemClock
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable, Value

RAW = {"4:0": "436680004366"}


def reading(meter: str, second: int, values: dict[Quantity, Value]) -> Reading:
    """A reading with the words that it came in."""
    at = 1_700_000_000_000 + second * 1000
    return Reading(meter, at, second * 1000, State.OK, {Quantity.ACTIVE_POWER_W: 0.0, **values}, RAW)


async def recorded(folder: Path, settings: Settings, readings: list[Reading]) -> tuple[list[Batch], Health]:
    """The envelopes that leave while these come in, and what is counted."""
    meters = [meter.id for meter in settings.meters]
    health = Health("a1")
    with ThreadPoolExecutor(1) as executor:
        outbox = opened(folder)
        ledger = Ledger(outbox.begin(boot("run-1", *meters)), AUTHOR, outbox, SystemClock(), health)
        writer = RowWriter(ledger, Disk(executor), 0.0, lambda: None)
        recorder = Recorder(settings, writer, KnownMeters(folder, meters), health)
        for one in readings:
            await recorder.take(one)
            await writer.flush()
        found = batches(waiting(outbox))
        outbox.close()
    return found, health


@pytest.mark.parametrize("reason", [Reason.OUT_OF_RANGE, Reason.NOT_A_NUMBER])
async def test_a_refused_value_keeps_its_words(tmp_path: Path, write: Write, reason: Reason) -> None:
    """The words of a value that a guard refused leave once a minute, and each such poll is counted."""
    settings = write(poll_period_s="1")
    bad: dict[Quantity, Value] = {Quantity.VOLTAGE_L1_V: Unreadable(reason)}
    rows = [reading("m1", second, bad if 10 <= second < 100 else {}) for second in range(130)]
    found, health = await recorded(tmp_path, settings, rows)

    with_words = [b.t0 + i * b.per for b in found if b.t0 is not None for block in b.mtr for i, _, _ in block.raw]
    seconds = [(at - 1_700_000_000_000) // 1000 for at in with_words]
    assert seconds == [0, 10, 70], "the first row is an event"
    assert health.counters["out_of_range"] == 90


async def test_groups_of_meters_take_turns(tmp_path: Path, write: Write) -> None:
    """Nine meters leave as three groups, spread over the batch time; each row once, a batch's rows of a meter together."""
    ids = [f"m{number}" for number in range(9)]
    listed = ", ".join(f"{{id: {m}, profile: eastron_sdm630, tcp: 'gw:502', unit: {n + 1}}}" for n, m in enumerate(ids))
    settings = write(poll_period_s="1", batch_s="60", meters=f"[{listed}]")
    rows = [reading(meter, second, {}) for second in range(185) for meter in ids]
    found, _ = await recorded(tmp_path, settings, rows)

    later = [b for b in found if max(block.n for block in b.mtr) > 1]
    groups = [tuple(sorted(block.id for block in b.mtr)) for b in later]
    assert set(groups) == {tuple(ids[:4]), tuple(ids[4:8]), tuple(ids[8:])}
    assert groups[:6] == [tuple(ids[:4]), tuple(ids[4:8]), tuple(ids[8:])] * 2
    taken = {m: sum(block.n for b in found for block in b.mtr if block.id == m) for m in ids}
    assert all(185 - 60 <= rows <= 185 for rows in taken.values()), taken
    assert {block.n for b in later[3:] for block in b.mtr} <= {59, 60, 61}
