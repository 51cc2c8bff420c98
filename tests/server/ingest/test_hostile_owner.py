"""What an owner with the agent's own key can sign: refused or judged, never a crash, never a jump over a melt."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from server.message import Message
from server.tables import Envelope, Meter, Rejected, Violation
from tests.server.ingest.plant import DEPLOYMENT, SEAL, START_MS, Plant, SigningAgent, reading
from wire import batch, envelope, topics
from wire.batch import Batch, Block, ClockQuality
from wire.columns import Column
from wire.keys import b64url


@pytest.fixture
def plant(tmp_path_factory: pytest.TempPathFactory) -> Plant:
    """A server with one sealed furnace."""
    return Plant(tmp_path_factory.mktemp("plant"))


def signed(agent: SigningAgent, body: Batch) -> Message:
    """A body as its agent signs it."""
    raw = envelope.sign(batch.encode(body), envelope.Kind.BATCH, agent.kid, agent.key)
    return Message(topics.build(agent.name, topics.Channel.UP), raw, START_MS)


def empty(agent: SigningAgent, **instead: object) -> Batch:
    """A body without rows that follows the agent's last envelope."""
    body = Batch(
        v=1, dep=DEPLOYMENT, agt=agent.name, boot=agent.boot, bn=1, seq=agent.seq + 1, prev=b64url(agent.prev), t0=None,
        mono=None, clk=ClockQuality(st="U"), per=1000, mtr=[], sw="test", cfg="test",
    )  # fmt: skip
    return msgspec.structs.replace(body, **instead)


LOSSES: dict[str, list[tuple[int | None, int | None, int, str]]] = {
    "beyond its own number": [(2, 500, 1, "x")],
    "backwards": [(3, 2, 1, "x")],
    "half": [(None, 2, 1, "x")],
    "negative rows": [(None, None, -1, "x")],
    "too many": [(1, 1, 1, "x")] * 100,
}


@pytest.mark.parametrize("name", LOSSES)
def test_impossible_losses_are_refused(plant: Plant, name: str) -> None:
    """A loss names numbers before its own; otherwise the chain could be made to jump over envelopes to come."""
    plant.take(plant.agent.envelope([reading(0, 0.0)]))
    plant.take(signed(plant.agent, empty(plant.agent, loss=LOSSES[name])))

    with plant.store.transaction() as session:
        assert session.exec(select(Rejected)).one().reason == "malformed"


def test_equal_losses_are_no_crash(plant: Plant) -> None:
    """The same loss told twice in one envelope is stored, not a mistake of ours."""
    agent = plant.agent
    plant.take(agent.envelope([reading(0, 0.0)]))
    agent.lose(2)
    plant.take(agent.envelope([reading(9, 0.0)], loss=[(2, 3, 5, "x"), (2, 3, 5, "x"), (None, None, 5, "y")] * 2))

    with plant.store.transaction() as session:
        assert session.exec(select(Rejected)).all() == []
        assert list(session.exec(select(Envelope.seq).order_by(col(Envelope.seq))).all()) == [1, 4]


def test_a_loss_passes_over_no_stored_envelope(plant: Plant) -> None:
    """A declared range that covers an envelope which did arrive leaves it in the chain, judged."""
    agent = plant.agent
    plant.take(agent.envelope([reading(s, 0.0) for s in range(5)]))
    agent.lose(1)
    plant.take(agent.envelope([reading(10 + s, 300_000.0) for s in range(5)]))
    agent.lose(1)
    plant.take(agent.envelope([reading(30, 0.0)], loss=[(2, 4, 9, "outbox_full")]))

    with plant.store.transaction() as session:
        assert session.exec(select(Violation)).one().first_ms == START_MS + 10_000


def test_a_clock_that_only_sends_the_past_is_silent(tmp_path_factory: pytest.TempPathFactory) -> None:
    """An agent that is heard but whose rows stay in the past proves nothing now: amber, not a quiet page."""
    plant = Plant(tmp_path_factory.mktemp("past"), silent_after_s=60)
    plant.take(plant.agent.envelope([reading(s, 0.0) for s in range(5)]))
    plant.clock.now_ms += 600_000
    late = plant.agent.envelope([reading(5 + s, 0.0) for s in range(5)])
    plant.take(Message(late.topic, late.payload, plant.clock.now_ms))
    plant.ingest.tick(START_MS)

    with plant.store.transaction() as session:
        assert session.exec(select(Violation)).one().code == "silent"


def test_a_meter_registered_late_is_judged_from_the_start_of_its_seal(plant: Plant) -> None:
    """What was stored before the meter was on the register goes through the rules once it is."""
    with plant.store.transaction() as session:
        session.delete(session.exec(select(Meter)).one())
    plant.take(plant.agent.envelope([reading(s, 300_000.0) for s in range(30)]))
    plant.ingest.tick(START_MS)
    with plant.store.transaction() as session:
        assert session.exec(select(Violation)).all() == []
        session.add(Meter(seal_id=SEAL, agent_id="a1", name="m1", role="furnace", profile="eastron_sdm630"))
    plant.ingest.tick(START_MS)

    with plant.store.transaction() as session:
        assert session.exec(select(Violation)).one().first_ms == START_MS


CELLS = st.one_of(st.none(), st.integers(-(2**53) + 1, 2**53 - 1))
TIMES: st.SearchStrategy[Column] = st.one_of(st.integers(-(2**50), 2**50), st.just(0))
COLUMNS = st.one_of(CELLS, st.lists(CELLS, min_size=3, max_size=3))


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, object]:
    """Anything that the types allow, well signed."""
    names = draw(
        st.lists(
            st.sampled_from(["active_power_w", "voltage_l1_v", "import_energy_wh", "frequency_hz", "x"]), unique=True
        )
    )
    block = Block(
        id="m1", prof="p", map="m", uid=1, n=3, q=draw(st.sampled_from(["G", "GTD", "Q", ""])),
        dt=draw(TIMES),
        cols=[(name, draw(st.integers(-20, 20)), draw(COLUMNS)) for name in names],
        why=draw(st.lists(st.tuples(st.sampled_from(["busy", "odd"]), st.integers(-2, 9), st.integers(-2, 4), st.integers(-2, 9)), max_size=3)),
    )  # fmt: skip
    return {
        "mtr": [block] * draw(st.integers(0, 3)),
        "t0": draw(st.one_of(st.none(), st.integers(-(2**52), 2**52), st.just(START_MS))),
        "per": draw(st.integers(-1, 2**40)),
        "clk": ClockQuality(st="U", step=draw(st.integers(-(2**50), 2**50))),
    }


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(bodies())
def test_nothing_that_can_be_signed_stops_the_server(plant: Plant, instead: dict[str, object]) -> None:
    """Random bodies with a good signature are accepted or refused; none raises in ingest, rules or sentences."""
    agent = plant.agent
    message = signed(agent, empty(agent, **instead))
    plant.ingest.take([message])

    with plant.store.transaction() as session:
        stored = session.exec(select(Envelope).where(Envelope.seq == agent.seq + 1)).first()
    if stored is not None:
        agent.seq, agent.prev = agent.seq + 1, envelope.digest(message.payload)
