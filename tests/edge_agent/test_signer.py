"""Readings to signed bytes."""

import random
from pathlib import Path

import msgspec
import pytest

from edge_agent.identity import Boot, MeterFacts
from edge_agent.signer import Draft, Row
from tests.edge_agent.frames import REPORTS
from tests.edge_agent.store import AGENT, DEPLOYMENT, GENESIS, KID, batches, boot, build, fill, opened, row, waiting
from wire.batch import rows
from wire.envelope import take_apart
from wire.errors import Malformed
from wire.fingerprint import Fingerprint
from wire.keys import b64url
from wire.limits import ENVELOPE_BYTES_MAX
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable, Value


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


def told(number: int, fingerprint: Fingerprint) -> Row:
    """A row of m1 under a fingerprint."""
    return Row(msgspec.structs.replace(row(number).reading, fingerprint=fingerprint))


def test_the_meters_own_identity() -> None:
    """What the meter told of itself stands beside its rows in each envelope; what it did not tell is null."""
    known = Fingerprint(serial="21033417", firmware="1.19", ct=200_000, counts={"change_count": 3})
    with_it, without = batches([build(draft(told(1, known)))])[0].mtr[0], batches([build(draft(row(2)))])[0].mtr[0]
    assert (with_it.ser, with_it.fw, with_it.ct, with_it.chg) == ("21033417", "1.19", 200_000, {"change_count": 3})
    assert (without.ser, without.fw, without.ct, without.chg) == (None, None, None, {})


def test_two_meters_never_share_an_envelope_under_one_id(tmp_path: Path) -> None:
    """Rows before an exchange leave under the old serial number, those from it on under the new one; none is lost."""
    old, new = Fingerprint(serial="21033417"), Fingerprint(serial="21055012", ct=1000)
    outbox = opened(tmp_path)
    run = outbox.begin(boot())
    rows_told = [row(1), told(2, old), told(3, old), told(4, new), told(5, new)]
    outbox.add(run.id, rows_told)
    assert outbox.seal(build, 0) == 2
    found = batches(waiting(outbox))
    assert [(batch.mtr[0].ser, batch.mtr[0].n) for batch in found] == [("21033417", 3), ("21055012", 2)]
    outbox.close()


def test_further_events_of_a_row() -> None:
    """A row can show more than one thing; each is an event with its details behind the meter."""
    shown = Row(row(3).reading, "power_rose", (("local_alarm", ("active_power_w", 9000)),))
    (batch,) = batches([build(draft(row(1), shown))])
    assert batch.ev == [(2000, "power_rose", ["m1"]), (2000, "local_alarm", ["m1", "active_power_w", 9000])]


def test_a_minute_of_one_meter_is_short() -> None:
    """Sixty rows of 12 quantities, with the fingerprint and the agent's health, take at most 1,500 bytes signed."""
    known = Fingerprint(
        serial="21033417", model="SDM630-Modbus V2", firmware="1.19", wiring="3P4W", ct=200_000, pt=1000,
        counts={"change_count": 12, "restart_count": 3, "power_loss_count": 7},
    )  # fmt: skip
    dice = random.Random(10)
    rows_told = [Row(msgspec.structs.replace(_sealed(n, dice), fingerprint=known)) for n in range(60)]
    raw = build(msgspec.structs.replace(draft(*rows_told), boot=_field_boot()))
    assert len(raw) <= 1500


def _sealed(number: int, dice: random.Random) -> Reading:
    """A sealed furnace: the grid moves as grids do from one second to the next, the rest stands."""
    volts, hertz = 230 + dice.choice((0.0, 0.1, 0.2, 0.3)), 50 + dice.randint(-10, 10) / 1000
    values: dict[Quantity, Value] = {q: volts + place for place, q in enumerate(VOLTAGES)}
    values |= dict.fromkeys((*CURRENTS, *POWERS), 0.0)
    values |= {Quantity.FREQUENCY_HZ: hertz, Quantity.IMPORT_ENERGY_WH: 1_250_000.0}
    wall_ms = 1_772_337_600_000 + number * 1000 + dice.randint(0, 3)
    return Reading("m1", wall_ms, number * 1000, State.OK, values, {})


VOLTAGES = (Quantity.VOLTAGE_L1_V, Quantity.VOLTAGE_L2_V, Quantity.VOLTAGE_L3_V)
CURRENTS = (Quantity.CURRENT_L1_A, Quantity.CURRENT_L2_A, Quantity.CURRENT_L3_A)
POWERS = (Quantity.ACTIVE_POWER_L1_W, Quantity.ACTIVE_POWER_L2_W, Quantity.ACTIVE_POWER_L3_W, Quantity.ACTIVE_POWER_W)


def _field_boot() -> Boot:
    facts = MeterFacts("eastron_sdm630", "YSByZWdpc3RlciBtYXAncyBTSEEtMjU2ICh0ZXN0KSA", 1)
    return Boot(
        "0f3c1c7e-6a53-4a52-9d0b-5d6f8f1f2a10", 3, "0.1.0", "YSByZWdpc3RlciBtYXAncyBTSEEtMjU2ICh0ZXN0KSA", 1000,
        {"m1": facts},
    )  # fmt: skip


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
