"""A disk that is full, on a real file system of 4 MB."""

from pathlib import Path

import pytest

from edge_agent.errors import DataUnusable
from edge_agent.outbox import OUTBOX_FILE, RESERVE_FILE
from edge_agent.reserve import RESERVE_BYTES, Reserve
from tests.edge_agent.conftest import TinyDisk
from tests.edge_agent.frames import REPORTS
from tests.edge_agent.store import batches, boot, build, check_chain, fill, opened, row, waiting
from wire.batch import rows
from wire.quantities import Quantity

HELD_MAX = 200


def told(raws: list[bytes]) -> list[float]:
    """The numbers of all rows, in order."""
    found = [r.values[Quantity.IMPORT_ENERGY_WH] for batch in batches(raws) for r in rows(batch)]
    return [value for value in found if isinstance(value, float)]


def test_report_o01(tiny_disk: TinyDisk) -> None:
    """Report o01: full for hours, then freed: no crash, one signed gap record, no number twice, what was kept arrives."""
    script = (REPORTS / "o01-disk-full" / "events.txt").read_text(encoding="utf-8")
    assert "100 % full" in script
    outbox = opened(tiny_disk.folder, held_max=HELD_MAX)
    run = outbox.begin(boot())
    fill(outbox, run.id, range(10))
    tiny_disk.fill()
    first_full = None
    for number in range(10, 3000):
        outbox.add(run.id, [row(number)])
        outbox.seal(build, 0)
        if outbox.disk_full and first_full is None:
            first_full = number
            tiny_disk.fill()  # the log takes what the reserve gave back as well
    assert first_full is not None
    assert outbox.standing().held_rows == HELD_MAX

    tiny_disk.free()
    outbox.add(run.id, [row(3000)])
    assert not outbox.disk_full
    outbox.seal(build, 0)
    raws = waiting(outbox)
    check_chain(raws)
    kept = told(raws)
    lost = set(range(3001)) - {int(n) for n in kept}
    assert kept == sorted(set(kept))
    assert kept[-HELD_MAX - 1 :] == list(range(3000 - HELD_MAX, 3001))
    assert [loss for batch in batches(raws) for loss in batch.loss] == [(None, None, len(lost), "disk_full")]
    assert (tiny_disk.folder / RESERVE_FILE).stat().st_size == RESERVE_BYTES
    outbox.close()
    assert all(file.stat().st_size for file in tiny_disk.folder.iterdir() if file.name == OUTBOX_FILE)


def test_killed_while_full_the_loss_is_known(tiny_disk: TinyDisk) -> None:
    """Rows in memory die with the process; the record made in the reserve's space tells of them at the next start."""
    outbox = opened(tiny_disk.folder, held_max=HELD_MAX)
    run = outbox.begin(boot())
    fill(outbox, run.id, range(10))
    tiny_disk.fill()
    number = 10
    while not outbox.disk_full:
        fill(outbox, run.id, [number])
        number += 1
    last_on_disk = int(told(waiting(outbox))[-1])
    fill(outbox, run.id, range(number, number + 500))
    outbox.close()  # nothing is written here: as after kill -9

    tiny_disk.free()
    again = opened(tiny_disk.folder)
    fill(again, again.begin(boot("run-2")).id, [10**6])
    raws = waiting(again)
    check_chain(raws)
    (loss,) = [loss for batch in batches(raws) for loss in batch.loss]
    lost = number + 499 - last_on_disk
    assert loss[3] == "disk_full"
    assert 0 <= lost - loss[2] <= 60 + 1
    again.close()


def test_a_receipt_makes_room_on_a_full_disk(tiny_disk: TinyDisk) -> None:
    """With the outbox itself filling the disk, a receipt alone brings the agent back: no start, nobody frees anything."""
    outbox = opened(tiny_disk.folder)
    run = outbox.begin(boot())
    number = 0
    while not outbox.disk_full:
        fill(outbox, run.id, [number])
        number += 1
    last = outbox.last.seq
    outbox.receipt(last - 5, [], [], 0)
    fill(outbox, run.id, range(number, number + 10))
    assert not outbox.disk_full
    assert told(waiting(outbox))[-10:] == list(range(number, number + 10))
    assert [loss for batch in batches(waiting(outbox)) for loss in batch.loss] == []
    outbox.close()


def test_start_on_a_full_disk_is_told(tiny_disk: TinyDisk) -> None:
    """With no space at all the start says so and what to do; the file is as it was."""
    outbox = opened(tiny_disk.folder)
    fill(outbox, outbox.begin(boot()).id, range(5))
    outbox.close()
    (tiny_disk.folder / RESERVE_FILE).unlink()
    tiny_disk.fill()
    full = opened(tiny_disk.folder)
    with pytest.raises(DataUnusable, match=r"outbox\.sqlite: .*free at least 2 MB"):
        full.begin(boot("run-2"))
    full.close()
    tiny_disk.free()
    again = opened(tiny_disk.folder)
    check_chain(waiting(again))
    assert told(waiting(again)) == list(range(5))
    again.close()


def test_the_reserve_is_whole_or_not_there(tiny_disk: TinyDisk) -> None:
    """On a full disk no part of a reserve is left lying about; released space is usable."""
    reserve = Reserve(tiny_disk.folder / RESERVE_FILE)
    assert reserve.take()
    tiny_disk.fill()
    reserve.release()
    (tiny_disk.folder / "note").write_bytes(b"x" * (RESERVE_BYTES // 2))
    assert not reserve.take()
    assert not (tiny_disk.folder / RESERVE_FILE).exists()
    tiny_disk.free()
    assert reserve.take()
    assert Path(tiny_disk.folder / RESERVE_FILE).stat().st_size == RESERVE_BYTES
