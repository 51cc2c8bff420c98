"""Readings to signed bytes."""

from pathlib import Path

import msgspec
import pytest

from edge_agent.signer import Draft, Row
from tests.edge_agent.frames import REPORTS
from tests.edge_agent.store import AGENT, DEPLOYMENT, GENESIS, KID, batches, boot, build, fill, opened, row, waiting
from wire.batch import rows
from wire.envelope import take_apart
from wire.errors import Malformed
from wire.keys import b64url
from wire.limits import ENVELOPE_BYTES_MAX
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable


def draft(*given: Row, seq: int = 1, **changes: object) -> Draft:
    """A draft of these rows."""
    made = Draft(boot("run-1", "m1", "m2"), seq, GENESIS, given, [])
    return msgspec.structs.replace(made, **changes)


def test_place_and_author() -> None:
    """An envelope names deployment, agent, run, number, the one before it, and the key."""
    raw = build(draft(row(1)))
    (batch,) = batches([raw])
    assert (batch.dep, batch.agt, batch.boot, batch.seq, batch.prev) == (DEPLOYMENT, AGENT, "run-1", 1, b64url(GENESIS))
    assert take_apart(raw).header.kid == KID
    assert (batch.t0, batch.mono, batch.per, batch.sw, batch.cfg) == (1_700_000_001_000, 1000, 1000, "1.0", "cfg")


def test_values_come_back_as_read() -> None:
    """Values, reasons and states of two meters come back row by row."""
    lost = Reading(
        "m2", 1_700_000_001_500, 1500, State.TIMEOUT, {Quantity.ACTIVE_POWER_W: Unreadable(Reason.TIMEOUT)}, {}
    )
    (batch,) = batches([build(draft(row(1, 161_250.0), Row(lost), row(2, 0.0)))])
    found = {(r.meter, r.index): (r.state, r.values[Quantity.ACTIVE_POWER_W]) for r in rows(batch)}
    assert found == {
        ("m1", 0): (State.OK, 161_250.0),
        ("m1", 1): (State.OK, 0.0),
        ("m2", 0): (State.TIMEOUT, Unreadable(Reason.TIMEOUT)),
    }


def test_events_and_raw_words_of_their_rows() -> None:
    """A row that shows a change is named with its offset; its raw words travel, those of no other row do."""
    shown = Row(msgspec.structs.replace(row(3, 9000.0).reading, raw={"4:34": "466d"}), "power_rose")
    (batch,) = batches([build(draft(row(1), row(2), shown))])
    assert batch.ev == [(2000, "power_rose", ["m1"])]
    assert batch.mtr[0].raw == [(2, "4:34", "466d")]


def test_the_meters_own_identity() -> None:
    """The serial and CT ratio that the meter told last stand beside its rows; without them they are null."""
    told = msgspec.structs.replace(
        row(1).reading, values={Quantity.DEVICE_SERIAL: 21_033_417.0, Quantity.CT_RATIO: 200.0}
    )
    with_it, without = batches([build(draft(Row(told), row(2)))])[0], batches([build(draft(row(2)))])[0]
    assert (with_it.mtr[0].ser, with_it.mtr[0].ct) == ("21033417", 200_000)
    assert (without.mtr[0].ser, without.mtr[0].ct) == (None, None)


def test_an_envelope_without_rows() -> None:
    """A clean stop with nothing to tell has no time of a row."""
    (batch,) = batches([build(draft(fin=True))])
    assert (batch.fin, batch.t0, batch.mono, batch.mtr) == (True, None, None, [])


def test_too_many_rows_are_refused() -> None:
    """What would not fit is refused before it is signed; the outbox then drafts fewer."""
    wide = [Row(msgspec.structs.replace(row(n).reading, raw={"4:0": "00" * 200}), "power_rose") for n in range(1, 101)]
    with pytest.raises(Malformed, match="send fewer rows"):
        build(draft(*wide))


def test_the_outbox_splits_what_does_not_fit(tmp_path: Path) -> None:
    """The same rows leave in several envelopes, in order, none lost, each within the bound."""
    outbox = opened(tmp_path)
    run = outbox.begin(boot())
    for n in range(1, 101):
        outbox.add(run.id, [Row(msgspec.structs.replace(row(n).reading, raw={"4:0": "00" * 200}), "power_rose")])
    assert outbox.seal(build, 0) > 1
    raws = waiting(outbox)
    assert all(len(raw) <= ENVELOPE_BYTES_MAX for raw in raws)
    assert [r.values[Quantity.IMPORT_ENERGY_WH] for batch in batches(raws) for r in rows(batch)] == list(range(1, 101))
    outbox.close()


def test_equal_times_keep_every_row(tmp_path: Path) -> None:
    """Report t05: two rows of one meter and of two meters in the same millisecond: four values in, four out."""
    script = (REPORTS / "t05-same-timestamp" / "events.txt").read_text(encoding="utf-8").splitlines()[-1]
    powers = [float(part.partition("P=")[2]) for part in script.split(";")]
    assert powers == [0.0, 161_250.0]
    same_ms = 1_772_337_601_000
    outbox = opened(tmp_path)
    run = outbox.begin(boot("run-1", "m1", "m2"))
    fill(outbox, run.id, range(7))
    for power in powers:
        outbox.add(run.id, [row(1, power, "m1", wall_ms=same_ms), row(1, power, "m2", wall_ms=same_ms)])
        outbox.seal(build, 0)
    found = [
        (batch.seq, r.meter, r.index, r.wall_ms, r.values[Quantity.ACTIVE_POWER_W])
        for batch in batches(waiting(outbox))[7:]
        for r in rows(batch)
    ]
    assert found == [
        (8, "m1", 0, same_ms, 0.0),
        (8, "m2", 0, same_ms, 0.0),
        (9, "m1", 0, same_ms, 161_250.0),
        (9, "m2", 0, same_ms, 161_250.0),
    ]
    outbox.close()


def test_equal_times_in_one_envelope() -> None:
    """A clock that steps back puts two rows of one meter into the same millisecond: both come back."""
    (batch,) = batches([build(draft(row(1, 0.0, wall_ms=5000), row(2, 161_250.0, wall_ms=5000), row(3, 1.0)))])
    assert [r.values[Quantity.ACTIVE_POWER_W] for r in rows(batch)] == [0.0, 161_250.0, 1.0]
    assert [r.wall_ms for r in rows(batch)][:2] == [5000, 5000]
