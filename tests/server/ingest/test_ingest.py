"""Messages through verify, store, chain and rules on a real database file."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlmodel import col, select

from server import life
from server.access.audit import COMMAND_LINE
from server.detect.finding import Code
from server.engine import opened
from server.message import Message
from server.tables import Agent, CoverageSpan, Envelope, Loss, Rejected, StoredFinding, Violation
from server.violations import Change
from tests.server.ingest.plant import START_MS, Plant, SigningAgent, reading
from wire import envelope, topics
from wire.envelope import Kind
from wire.keys import b64url
from wire.quantities import Quantity
from wire.receipt import Receipt


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """A server with one sealed furnace."""
    return Plant(tmp_path)


def receipt_of(plant: Plant) -> Receipt:
    """The last receipt, its signature checked."""
    sealed = envelope.take_apart(plant.done.receipts["a1"])
    envelope.check_signature(sealed, plant.server_key.public)
    assert sealed.header.typ == Kind.RECEIPT.value
    return envelope.parse(sealed.body, Receipt)


def restart_story(agent: SigningAgent) -> list[Message]:
    """A sealed minute, then a melt, cut as an agent cuts it: a batch, single rows, a batch."""
    batch = [agent.envelope([reading(s, 0.0) for s in range(60)])]
    flushed = [agent.envelope([reading(60 + s, 326_000.0, energy_wh=500_000 + 90 * s)]) for s in range(10)]
    rest = [agent.envelope([reading(70 + s, 326_000.0, energy_wh=500_900 + 90 * s) for s in range(60)])]
    return [*batch, *flushed, *rest]


def stored_of(plant: Plant) -> dict[str, list[object]]:
    """What two runs must agree on, whatever happened in between."""
    with plant.store.transaction() as session:
        found = session.exec(select(Violation)).all()
        spans = session.exec(select(CoverageSpan).order_by(col(CoverageSpan.from_ms))).all()
        envelopes = session.exec(select(Envelope.seq).order_by(col(Envelope.seq))).all()
        findings = session.exec(select(StoredFinding)).all()
        return {
            "violations": [(v.id, v.code, v.first_ms, v.raised_ms, v.last_ms, v.ended_ms, v.reason_zh) for v in found],
            "findings": [
                (f.code, f.first_ms, f.raised_ms, f.last_ms, f.energy_wh, f.first_seq, f.last_seq) for f in findings
            ],
            "coverage": [(s.from_ms, s.to_ms, s.state, s.reason) for s in spans],
            "envelopes": list(envelopes),
        }


def test_a_restart_becomes_one_violation(plant: Plant) -> None:
    """A sealed furnace that draws again is one red violation, with its evidence range and a sentence."""
    plant.take(*restart_story(plant.agent))

    with plant.store.transaction() as session:
        violation = session.exec(select(Violation)).one()
        finding = session.exec(select(StoredFinding)).one()
    assert (violation.code, violation.severity, violation.state) == ("resumed_power", "red", "open")
    assert (violation.first_ms, violation.raised_ms) == (START_MS + 60_000, START_MS + 61_000)
    assert violation.reason_zh == (
        "示例铸造一厂 1 号炉 00:01:00 恢复用电：最高 326\u2009kW（承诺上限 0\u2009kW），"
        "已持续 1\u2009分钟，电表寄存器走 6.21\u2009kWh。"
    )
    assert (finding.agent_id, finding.first_seq, finding.last_seq) == ("a1", 2, 12)
    assert finding.threshold == pytest.approx(10_500)


def test_receipt_acknowledges_what_is_committed(plant: Plant) -> None:
    """The receipt names the newest envelope of the unbroken chain and its hash."""
    messages = restart_story(plant.agent)
    plant.take(*messages)

    receipt = receipt_of(plant)
    assert (receipt.ack, receipt.miss, receipt.have) == (12, [], [])
    assert receipt.sha == b64url(envelope.digest(messages[-1].payload))


def test_redelivery_changes_nothing(plant: Plant) -> None:
    """Report m05: each number is stored once, whatever the broker sends again and in whatever batches."""
    messages = restart_story(plant.agent)
    plant.take(*messages)
    before = stored_of(plant)

    plant.take(*messages, *reversed(messages))
    plant.ingest.take([*messages, *messages])

    assert stored_of(plant) == before


@pytest.mark.parametrize("seed", range(8))
def test_any_order_gives_the_same_verdicts(tmp_path: Path, seed: int) -> None:
    """Report m05: a shuffled queue, with doubles, ends in the same violations, coverage and energy as in order."""
    agent = SigningAgent()
    in_order, shuffled = Plant(tmp_path / "in-order", agent), Plant(tmp_path / "shuffled", agent)
    messages = restart_story(agent)
    in_order.take(*messages)
    mixed = messages * 2
    random.Random(seed).shuffle(mixed)
    shuffled.take(*mixed)

    assert stored_of(shuffled) == stored_of(in_order)


def test_missing_envelopes_are_asked_for(plant: Plant) -> None:
    """A receipt lists the ranges between what is held; nothing beyond the gap is acknowledged."""
    messages = restart_story(plant.agent)
    plant.take(messages[0], messages[3], messages[4], messages[8])

    receipt = receipt_of(plant)
    assert (receipt.ack, receipt.miss, receipt.have) == (1, [(2, 3), (6, 8)], [(4, 5), (9, 9)])


def test_a_withheld_envelope_does_not_hide_a_melt(plant: Plant) -> None:
    """Power comes first: what lies beyond a gap is judged after a bounded wait, and the gap's filling joins it."""
    messages = restart_story(plant.agent)
    plant.take(messages[0], *messages[2:6])
    assert stored_of(plant)["violations"] == []

    plant.clock.now_ms += 11_000
    plant.ingest.tick(START_MS)
    with plant.store.transaction() as session:
        raised = session.exec(select(Violation)).one()
        assert raised.first_ms == START_MS + 61_000

    plant.take(messages[1], *messages[6:])
    with plant.store.transaction() as session:
        joined = session.exec(select(Violation)).one()
    assert (joined.id, joined.first_ms) == (raised.id, START_MS + 60_000)
    assert receipt_of(plant).ack == 12


def test_declared_loss_is_passed_and_kept(plant: Plant) -> None:
    """Envelopes that the agent had to drop are a stored gap: asked for no more, and no zero."""
    agent = plant.agent
    plant.take(agent.envelope([reading(s, 0.0) for s in range(60)]))
    agent.lose(5)
    plant.take(agent.envelope([reading(400, 0.0)], loss=[(2, 6, 300, "outbox_full")]))

    receipt = receipt_of(plant)
    assert (receipt.ack, receipt.miss) == (7, [])
    with plant.store.transaction() as session:
        loss = session.exec(select(Loss)).one()
        spans = session.exec(select(CoverageSpan).order_by(col(CoverageSpan.from_ms))).all()
    assert (loss.first_seq, loss.last_seq, loss.rows, loss.reason) == (2, 6, 300, "outbox_full")
    assert [(s.state, s.reason) for s in spans] == [("proved_off", "metered"), ("proved_off", "register")]


@pytest.mark.parametrize("kill_after", range(1, 12))
def test_killed_server_goes_on_in_the_middle(tmp_path: Path, kill_after: int) -> None:
    """Report a02: a server restarted anywhere in a run ends with the very same violation."""
    agent = SigningAgent()
    whole, broken = Plant(tmp_path / "whole", agent), Plant(tmp_path / "broken", agent)
    messages = restart_story(agent)
    whole.take(*messages)
    broken.take(*messages[:kill_after])
    broken.restart()
    broken.take(*messages[kill_after:])

    assert stored_of(broken) == stored_of(whole)


def test_equal_timestamps_stay_apart(plant: Plant) -> None:
    """Report t05: rows are told apart by agent, number, row and meter, never by their time."""
    at = 1.0
    first = plant.agent.envelope(
        [
            reading(0, 0.0),
            reading(at, 0.0),
            reading(at, 161_250.0),
            reading(0, 0.0, meter="m2"),
            reading(at, 7.0, meter="m2"),
        ]
    )
    plant.take(first, plant.agent.envelope([reading(at, 161_250.0)]))

    with plant.store.transaction() as session:
        stored = session.exec(select(Envelope).order_by(col(Envelope.seq))).all()
    rows = [(e.seq, row.meter, row.index, row.values[Quantity.ACTIVE_POWER_W]) for e in stored for row in opened(e)[1]]
    assert [r for r in rows if r[3] != 0.0] == [(1, "m1", 2, 161_250.0), (1, "m2", 1, 7.0), (2, "m1", 0, 161_250.0)]
    assert len(rows) == 6


def test_silence_is_a_finding_and_ends_when_heard(tmp_path: Path) -> None:
    """An agent that is not heard for longer than the limit is amber and unproved; hearing it ends that."""
    plant = Plant(tmp_path, silent_after_s=12)
    plant.take(plant.agent.envelope([reading(s, 0.0) for s in range(5)]))
    plant.clock.now_ms += 12_000
    plant.ingest.tick(START_MS)
    assert stored_of(plant)["violations"] == []

    plant.clock.now_ms += 1_000
    plant.ingest.tick(START_MS)
    plant.clock.now_ms += 20_000
    plant.ingest.tick(START_MS)
    with plant.store.transaction() as session:
        silent = session.exec(select(Violation)).one()
    assert (silent.code, silent.severity, silent.first_ms, silent.ended_ms) == (
        "silent",
        "amber",
        START_MS + 4_000,
        None,
    )

    plant.take(plant.agent.envelope([reading(37, 0.0)]))
    told = plant.ingest.tick(START_MS)
    with plant.store.transaction() as session:
        assert session.exec(select(Violation)).one().ended_ms == START_MS + 37_000
    assert [(one.violation_id, one.change) for one in told.raised] == [(silent.id, Change.ENDED)]


def test_own_deafness_is_no_agents_silence(tmp_path: Path) -> None:
    """Report m08: a server that was away itself judges silence from when it began to listen."""
    plant = Plant(tmp_path, silent_after_s=12)
    plant.take(plant.agent.envelope([reading(0, 0.0)]))
    plant.clock.now_ms += 3_600_000

    plant.ingest.tick(listening_since_ms=plant.clock.now_ms - 5_000)

    assert stored_of(plant)["violations"] == []


HOSTILE: dict[str, tuple[Callable[[bytes, bytes], bytes], str, str]] = {
    "not an envelope": (lambda _good, _other: b"hello", "malformed", "expected {"),
    "a flipped byte in the body": (
        lambda good, _other: good.replace(b'"bn":1', b'"bn":2'),
        "bad_signature",
        "does not fit",
    ),
    "signed by a key that nobody registered": (lambda _good, other: other, "unknown_key", "not registered"),
    "empty": (lambda _good, _other: b"", "malformed", "expected {"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_believed_is_kept_with_its_reason(plant: Plant, name: str) -> None:
    """Rejected messages are stored verbatim, once, and neither receipted nor judged."""
    spoil, reason, detail = HOSTILE[name]
    good = plant.agent.envelope([reading(s, 326_000.0) for s in range(5)])
    stranger = SigningAgent("a1")
    stranger.kid = "a1#9"
    payload = spoil(good.payload, stranger.envelope([reading(0, 0.0)]).payload)
    bad = Message(good.topic, payload, START_MS)

    plant.take(bad, bad)

    with plant.store.transaction() as session:
        rejected = session.exec(select(Rejected)).one()
    assert (rejected.reason, rejected.raw, rejected.topic) == (reason, payload, good.topic)
    assert detail in rejected.detail
    assert stored_of(plant)["envelopes"] == []
    assert plant.done.receipts == {}


def test_another_history_is_a_fork(plant: Plant) -> None:
    """A second envelope under a taken number, well signed, is kept as a fork and changes nothing."""
    plant.take(plant.agent.envelope([reading(0, 0.0)]))
    twin = SigningAgent()
    twin.key = plant.agent.key
    plant.take(twin.envelope([reading(0, 5.0)]))

    with plant.store.transaction() as session:
        assert session.exec(select(Rejected)).one().reason == "fork"
    assert stored_of(plant)["envelopes"] == [1]


def test_revoked_key_is_refused(plant: Plant) -> None:
    """What a revoked key signs is kept, not believed."""
    with plant.store.transaction() as session:
        session.get_one(Agent, "a1").revoked_ms = START_MS
    plant.take(plant.agent.envelope([reading(0, 0.0)]))

    with plant.store.transaction() as session:
        assert session.exec(select(Rejected)).one().reason == "revoked_key"


def test_closing_does_not_end_the_draw(plant: Plant) -> None:
    """A violation that is closed while the furnace draws takes in no more: what goes on is a new one, until it ends."""
    messages = restart_story(plant.agent)
    plant.take(*messages[:6])
    with plant.store.transaction() as session:
        one = session.exec(select(Violation)).one().id
        life.close(session, one, by=COMMAND_LINE, reason="现场确认", now_ms=START_MS + 99_500)

    plant.take(*messages[6:])
    with plant.store.transaction() as session:
        closed = session.get_one(Violation, one)
        again = session.exec(select(Violation).where(Violation.state == "open")).one()
    assert again.first_ms == START_MS + 99_501
    assert (closed.state, closed.last_ms, again.ended_ms) == ("closed", START_MS + 64_000, None)

    plant.take(plant.agent.envelope([reading(130 + s, 0.0, energy_wh=506_300) for s in range(60)]))
    with plant.store.transaction() as session:
        assert session.get_one(Violation, again.id).ended_ms == START_MS + 129_000


def test_stronger_finding_upgrades_the_same_violation(plant: Plant) -> None:
    """A small lasting draw becomes a restart: one violation, with both findings, not two."""
    agent = plant.agent
    plant.take(agent.envelope([reading(s, 0.0) for s in range(120)]))
    plant.take(agent.envelope([reading(120 + s, 3_000.0) for s in range(60)]))
    with plant.store.transaction() as session:
        small = session.exec(select(Violation)).one()
        assert small.code == Code.ENERGISED
    plant.take(agent.envelope([reading(180 + s, 326_000.0) for s in range(5)]))

    with plant.store.transaction() as session:
        grown = session.exec(select(Violation)).one()
        codes = {f.code for f in session.exec(select(StoredFinding)).all()}
    assert (grown.id, grown.code, codes) == (small.id, "resumed_power", {"energised", "resumed_power"})


def test_a_foreign_topic_accuses_nobody(plant: Plant) -> None:
    """An envelope under another agent's topic is refused: the key decides whose it is."""
    good = plant.agent.envelope([reading(0, 0.0)])
    plant.take(Message(topics.build("b2", topics.Channel.UP), good.payload, START_MS))

    with plant.store.transaction() as session:
        assert session.exec(select(Rejected)).one().reason == "wrong_agent"
