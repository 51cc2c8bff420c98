"""What the monitor was like then: told by stored envelopes, and nothing where nothing is stored."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.store import Store
from server.tables import Envelope, Loss
from server.views.violations import Evidence
from server.views.witness import OPENED_MAX, Witness, witness
from tests.server.ingest.plant import DEPLOYMENT, START_MS, SigningAgent, SteppedClock, reading
from tests.server.stores import a_store
from tests.server.views.county import County
from wire import batch, envelope
from wire.batch import Batch, ClockQuality
from wire.envelope import Kind

SYNCHRONISED = ClockQuality(st="S", src="kernel", off=-4, err=12)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with one registered agent, a1, of which nothing is stored."""
    made = a_store(tmp_path)
    County(made, SteppedClock()).seal(1, "示例铸造一厂")
    yield made
    made.close()


def keep(
    store: Store, seq: int, clock: ClockQuality = SYNCHRONISED, *, boot: str = "b1", serial: str | None = "210",
    waiting: int | None = None, delay_ms: int = 300,
) -> None:  # fmt: skip
    """Store one envelope of a1 with one row at second `seq`."""
    agent = SigningAgent("a1")
    at_ms = START_MS + seq * 1000
    block = batch.block(
        [reading(seq, 0.0)], t0_ms=at_ms, period_ms=1000, profile="eastron_sdm630", profile_digest="", unit=1,
        serial=serial, firmware="1.2",
    )  # fmt: skip
    body = Batch(
        v=1, dep=DEPLOYMENT, agt="a1", boot=boot, bn=1, seq=seq, prev="", t0=at_ms, mono=0, clk=clock, per=1000,
        mtr=[block], sw="0.1.0", cfg="", hlt={} if waiting is None else {"waiting": waiting},
    )  # fmt: skip
    raw = envelope.sign(batch.encode(body), Kind.BATCH, agent.kid, agent.key)
    with store.transaction() as session:
        session.add(
            Envelope(
                agent_id="a1", seq=seq, boot=boot, sha=envelope.digest(raw), first_ms=at_ms, last_ms=at_ms,
                received_ms=at_ms + delay_ms, raw=raw,
            )
        )  # fmt: skip


def seen(store: Store, first: int, last: int) -> Witness:
    """What a1 was like in a range of its envelopes."""
    with store.transaction() as session:
        return witness(session, Evidence(agent_id="a1", first_seq=first, last_seq=last))


def test_all_is_well(store: Store) -> None:
    """Every number is stored, one run, a synchronised clock, the meter's serial: each as the envelopes say it."""
    for seq in range(1, 5):
        keep(store, seq, waiting=2)
    told = seen(store, 2, 4)
    assert (told.numbers, told.stored, told.lost, told.boots, told.opened) == (3, 3, 0, 1, 3)
    assert (told.heard_ms, told.delay_ms, told.waiting, told.release) == (START_MS + 2_300, 300, 2, "0.1.0")
    assert told.algorithm == "Ed25519"
    clock = {"states": ["S"], "source": "kernel", "offset_ms": -4, "error_ms": 12, "steps_ms": []}
    assert told.clock.model_dump() == clock
    assert [meter.model_dump() for meter in told.meters] == [
        {"name": "m1", "profiles": ["eastron_sdm630"], "serials": ["210"], "firmwares": ["1.2"]}
    ]


def test_what_changes_is_told(store: Store) -> None:
    """A second run, a step of the clock, another serial and a larger offset are all there, in their order."""
    keep(store, 1, ClockQuality(st="U"))
    keep(store, 2, ClockQuality(st="S", off=90, step=-3_600_000), boot="b2", serial="211")
    keep(store, 3, ClockQuality(st="S", off=7), boot="b2", serial=None)
    told = seen(store, 1, 3)
    assert told.boots == 2
    assert (told.clock.states, told.clock.offset_ms, told.clock.steps_ms) == (["U", "S"], 90, [-3_600_000])
    assert told.meters[0].serials == ["210", "211"]
    assert told.waiting is None


def test_missing_and_lost_numbers(store: Store) -> None:
    """Numbers that are not stored are missing; those that the agent declared lost are counted as far as they lie here."""
    keep(store, 3)
    with store.transaction() as session:
        session.add(Loss(agent_id="a1", first_seq=1, last_seq=2, rows=60, reason="disk full", declared_in_seq=3))
        session.add(Loss(agent_id="a1", rows=5, reason="disk full", declared_in_seq=3))
        session.add(Loss(agent_id="a2", first_seq=1, last_seq=9, rows=60, reason="disk full", declared_in_seq=10))
    told = seen(store, 2, 6)
    assert (told.numbers, told.stored, told.lost) == (5, 1, 1)


def test_nothing_stored_says_nothing(store: Store) -> None:
    """Where no envelope of the range is stored there is no word about clock, meters or arrival."""
    told = seen(store, 8, 9)
    assert (told.stored, told.opened, told.heard_ms, told.delay_ms, told.release) == (0, 0, None, None, "")
    assert (told.clock.states, told.meters) == ([], [])


def test_a_long_range_is_not_opened_in_full(store: Store) -> None:
    """Of a long violation all numbers are counted, but only the first envelopes are opened."""
    for seq in range(1, OPENED_MAX + 4):
        keep(store, seq)
    told = seen(store, 1, OPENED_MAX + 3)
    assert (told.stored, told.opened) == (OPENED_MAX + 3, OPENED_MAX)
