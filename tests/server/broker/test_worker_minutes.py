"""The worker at its own pace: what is stored goes into minutes without anyone asking, also what waited before its start."""

from pathlib import Path

from sqlmodel import select

from coldseal.embedded_broker import broker_command
from coldseal.processes import ProcessGroup
from server.settings import Settings
from server.tables import MeterDay, RolledUp
from server.worker import Worker
from tests.edge_agent.broker import free_port, wait_for
from tests.server.ingest.plant import DEPLOYMENT, Plant, reading
from wire.clock import SystemClock

READY_S = 20.0


def test_what_is_stored_goes_into_minutes(tmp_path: Path) -> None:
    """More envelopes than one slice takes are all in after a while, and ingest goes on beside it."""
    plant = Plant(tmp_path / "plant")
    plant.take(*(plant.agent.envelope([reading(second, 0.0)]) for second in range(40)))
    port = free_port()
    settings = Settings(data=tmp_path / "plant", broker_port=port, deployment=DEPLOYMENT)
    worker = Worker(plant.store, settings, plant.server_key, SystemClock())
    with ProcessGroup(tmp_path / "log") as programs:
        programs.start("broker", broker_command(port))
        programs.wait_ready("broker", "ready", READY_S)
        worker.start()
        wait_for(lambda: _rolled_up(plant)[0] >= 40, "minutes of all 40 envelopes")
        worker.stop()
    assert _rolled_up(plant)[1] == {"active_power_w", "frequency_hz", "import_energy_wh"}
    assert worker.crash is None


def _rolled_up(plant: Plant) -> tuple[int, set[str]]:
    """How far envelopes are in minutes, and the quantities that have some."""
    with plant.store.transaction() as session:
        rolled = session.exec(select(RolledUp)).first()
        return (0 if rolled is None else rolled.envelope_id), set(session.exec(select(MeterDay.quantity)))
