"""What waits for the server, through restarts, bounds and damage."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from edge_agent.errors import DataUnusable
from edge_agent.outbox import OUTBOX_FILE, ROWS_PER_ENVELOPE_MAX, Outbox
from tests.edge_agent.frames import REPORTS
from tests.edge_agent.store import (
    GENESIS,
    batches,
    boot,
    build,
    check_chain,
    fill,
    opened,
    row,
    waiting,
)
from wire.batch import rows
from wire.chain import Link
from wire.envelope import digest
from wire.quantities import Quantity


def numbers(raws: list[bytes]) -> list[float]:
    """The number that each row told."""
    found = [r.values[Quantity.IMPORT_ENERGY_WH] for batch in batches(raws) for r in rows(batch)]
    return [value for value in found if isinstance(value, float)]


def test_rows_become_a_chain(tmp_path: Path) -> None:
    """Rows leave in order, in envelopes that hang together from the genesis on."""
    outbox = opened(tmp_path)
    run = outbox.begin(boot())
    for number in range(5):
        outbox.add(run.id, [row(number)])
    assert outbox.seal(build, 0) == 1
    fill(outbox, run.id, range(5, 8))
    raws = waiting(outbox)
    check_chain(raws)
    assert numbers(raws) == list(range(8))
    assert [seq for seq, _ in outbox.peek(2, 10)] == [3, 4]
    outbox.close()


def test_nothing_to_seal(tmp_path: Path) -> None:
    """Without rows no envelope is made, unless it is the end of a clean stop."""
    outbox = opened(tmp_path)
    run = outbox.begin(boot())
    assert outbox.seal(build, 0) == 0
    outbox.add(run.id, [row(1)])
    outbox.seal(build, 0)
    assert outbox.seal(build, 0, fin=True) == 1
    assert [batch.fin for batch in batches(waiting(outbox))] == [False, True]
    outbox.close()


def test_the_end_of_a_clean_stop_is_said_once_and_last(tmp_path: Path) -> None:
    """With more rows than one envelope takes only the last one is the end."""
    outbox = opened(tmp_path)
    run = outbox.begin(boot())
    outbox.add(run.id, [row(n) for n in range(ROWS_PER_ENVELOPE_MAX + 1)])
    outbox.seal(build, 0, fin=True)
    assert [batch.fin for batch in batches(waiting(outbox))] == [False, True]
    outbox.close()


def test_a_row_that_fits_no_envelope_stands_in_nobodys_way(tmp_path: Path) -> None:
    """It is dropped and told as a loss, also after a restart; the rows before and behind it leave."""
    outbox = opened(tmp_path)
    run = outbox.begin(boot())
    bad = msgspec.structs.replace(row(1), more=(("local_alarm", ("active_power_w", 10**17)),))
    outbox.add(run.id, [row(0), bad, row(2)])
    outbox.close()

    outbox = opened(tmp_path)
    fill(outbox, outbox.begin(boot("run-2")).id, [3])
    outbox.seal(build, 0, fin=True)
    raws = waiting(outbox)
    check_chain(raws)
    assert numbers(raws) == [0, 2, 3]
    assert [loss for batch in batches(raws) for loss in batch.loss] == [(None, None, 1, "unsendable")]
    outbox.close()


def test_a_receipt_deletes_up_to_its_number(tmp_path: Path) -> None:
    """Numbers up to ack are gone, those of `have` are not sent again, a miss brings them back."""
    outbox = opened(tmp_path)
    fill(outbox, outbox.begin(boot()).id, range(6))
    outbox.receipt(2, [(4, 5)], [], 99)
    assert [seq for seq, _ in outbox.peek(0, 10)] == [3, 6]
    outbox.receipt(2, [], [(4, 5)], 99)
    assert [seq for seq, _ in outbox.peek(0, 10)] == [3, 4, 5, 6]
    outbox.receipt(6, [], [], 100)
    outbox.receipt(6, [], [], 100)
    standing = outbox.standing()
    assert (standing.waiting, standing.bytes, standing.receipt_ack, standing.receipt_ms) == (0, 0, 6, 100)
    outbox.close()


def test_a_number_is_never_used_twice(tmp_path: Path) -> None:
    """Delivered and deleted, then started anew: the next number and hash follow the last envelope."""
    outbox = opened(tmp_path)
    fill(outbox, outbox.begin(boot()).id, range(3))
    last = waiting(outbox)[-1]
    outbox.receipt(3, [], [], 0)
    outbox.close()
    again = opened(tmp_path)
    assert again.last == Link(3, digest(last))
    run = again.begin(boot("run-2"))
    assert run.number == 2
    fill(again, run.id, [3])
    check_chain(waiting(again), Link(3, digest(last)))
    again.close()


def test_rows_of_an_earlier_run_are_signed_under_that_run(tmp_path: Path) -> None:
    """Rows that a crash left behind leave first, in an envelope of the run that took them."""
    outbox = opened(tmp_path)
    first = outbox.begin(boot("run-1"))
    outbox.add(first.id, [row(1), row(2)])
    outbox.close()
    again = opened(tmp_path)
    second = again.begin(boot("run-2", "another"))
    again.add(second.id, [row(3, meter="another")])
    again.seal(build, 0)
    found = batches(waiting(again))
    assert [(b.boot, b.bn, [m.id for m in b.mtr]) for b in found] == [("run-1", 1, ["m1"]), ("run-2", 2, ["another"])]
    again.close()


def test_a_build_that_fails_changes_nothing(tmp_path: Path) -> None:
    """A mistake while signing leaves rows, number and chain as they were."""
    outbox = opened(tmp_path)
    run = outbox.begin(boot())
    outbox.add(run.id, [row(1)])

    def fails(_draft: object) -> bytes:
        raise ZeroDivisionError("a mistake of ours")

    with pytest.raises(ZeroDivisionError, match="a mistake of ours"):
        outbox.seal(fails, 0)
    assert outbox.last == Link(0, GENESIS)
    assert outbox.seal(build, 0) == 1
    assert numbers(waiting(outbox)) == [1]
    outbox.close()


def test_report_o03(tmp_path: Path) -> None:
    """Report o03: 1,000 envelopes while offline with room for 10: the file stays small, one record tells of the 990."""
    script = (REPORTS / "o03-drop-oldest-leaves-files" / "events.txt").read_text(encoding="utf-8")
    assert "limit 10 records" in script
    probe = opened(tmp_path / "a", make=True)
    fill(probe, probe.begin(boot()).id, [10**6])
    size = len(waiting(probe)[0])
    probe.close()

    outbox = opened(tmp_path / "b", (size + 12) * 10, make=True)
    run = outbox.begin(boot())
    sizes = []
    for number in range(10**6, 10**6 + 1000):
        fill(outbox, run.id, [number])
        sizes.append(sum(f.stat().st_size for f in (tmp_path / "b").iterdir() if f.name.startswith(OUTBOX_FILE)))
    assert max(sizes[500:]) <= max(sizes[:500])
    assert max(sizes) < 500_000
    raws = waiting(outbox)
    assert len(raws) == 10
    assert [loss for batch in batches(raws) for loss in batch.loss] == []

    outbox.close()
    outbox = opened(tmp_path / "b", (size + 12) * 10)
    run = outbox.begin(boot("run-2"))
    assert not outbox.loss_due
    outbox.receipt(0, [(991, 1000)], [], 0)  # the server has these ten and waits for what is gone
    assert outbox.loss_due
    fill(outbox, run.id, [5])
    (told,) = batches([raw for seq, raw in outbox.peek(1000, 5)])
    assert told.loss == [(1, 990, 990, "outbox_full")]
    outbox.receipt(told.seq, [], [], 0)
    outbox.close()

    outbox = opened(tmp_path / "b", (size + 12) * 10)
    outbox.begin(boot("run-3"))
    assert waiting(outbox) == []
    assert not outbox.loss_due
    outbox.close()


def test_a_dropped_envelope_hands_its_loss_on(tmp_path: Path) -> None:
    """An envelope that told of a loss and is dropped itself: the loss is told again, merged."""
    outbox = opened(tmp_path, 100_000)
    run = outbox.begin(boot())
    fill(outbox, run.id, range(200))
    outbox.receipt(0, [], [], 0)
    fill(outbox, run.id, range(200, 201))
    first = batches(waiting(outbox))[-1].loss
    assert first[0][0] == 1
    fill(outbox, run.id, range(201, 500))
    gone = batches(waiting(outbox))[0].seq - 1
    outbox.receipt(0, [], [], 0)
    fill(outbox, run.id, [500])
    assert batches(waiting(outbox))[-1].loss == [(1, gone, gone, "outbox_full")]
    outbox.close()


def test_the_file_shrinks_after_delivery(tmp_path: Path) -> None:
    """After a long outage is delivered its space goes back to the disk."""
    outbox = opened(tmp_path)
    run = outbox.begin(boot())
    fill(outbox, run.id, range(500))
    before = (tmp_path / OUTBOX_FILE).stat().st_size
    outbox.receipt(500, [], [], 0)
    assert (tmp_path / OUTBOX_FILE).stat().st_size < before / 4
    outbox.close()


def damaged(file: Path) -> None:
    """Overwrite the middle of a file."""
    data = bytearray(file.read_bytes())
    data[4096 : 4096 * 3] = b"\xa5" * (4096 * 2)
    file.write_bytes(data)


def no_database(file: Path) -> None:
    """Replace a file by something else."""
    file.write_bytes(b"this is no database at all" * 300)


@pytest.mark.parametrize("harm", [damaged, no_database])
def test_damage_is_found_at_start(harm: object, tmp_path: Path) -> None:
    """A damaged file is named with what to do, and stays as it is for examination."""
    outbox = opened(tmp_path)
    fill(outbox, outbox.begin(boot()).id, range(50))
    outbox.close()
    assert callable(harm)
    harm(tmp_path / OUTBOX_FILE)
    before = (tmp_path / OUTBOX_FILE).read_bytes()
    with pytest.raises(DataUnusable, match=r"outbox\.sqlite: is damaged .*move the whole data folder away"):
        opened(tmp_path)
    assert (tmp_path / OUTBOX_FILE).read_bytes() == before


def test_only_one_process_may_have_it(tmp_path: Path) -> None:
    """A second connection is refused with a question, so that two agents never share a file."""
    outbox = opened(tmp_path)
    outbox.begin(boot())
    with pytest.raises(DataUnusable, match="is in use; is the agent already running"):
        opened(tmp_path)
    outbox.close()
    Outbox(tmp_path, GENESIS, 10**6).close()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """A missing folder is named."""
    with pytest.raises(DataUnusable, match=r"nowhere/outbox\.sqlite: cannot be opened"):
        opened(tmp_path / "nowhere")


def test_bytes_are_checked_on_the_way_out(tmp_path: Path) -> None:
    """A medium that gives back other bytes than were stored is found before they are sent."""
    outbox = opened(tmp_path)
    fill(outbox, outbox.begin(boot()).id, range(1))
    outbox.close()
    with sqlite3.connect(tmp_path / OUTBOX_FILE) as db:
        db.execute("UPDATE envelopes SET raw = CAST(replace(CAST(raw AS TEXT), 'm1', 'm2') AS BLOB)")
    db.close()
    outbox = opened(tmp_path)
    with pytest.raises(DataUnusable, match="number 1 was changed on the disk; replace the medium"):
        outbox.peek(0, 1)
    outbox.close()
