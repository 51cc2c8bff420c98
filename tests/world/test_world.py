"""Seeded worlds: whatever the network and kill -9 do, no row is lost, none is doubled, and the verdict is the same."""

import os
from collections import Counter
from pathlib import Path

from sqlmodel import col, select

from server.engine import opened
from server.tables import Envelope, Violation
from tests.server.ingest.plant import START_MS
from tests.world.world import FAULTS, RESUMES_AT, World, shown

SEEDS = int(os.environ.get("COLDSEAL_SEEDS", "6"))


def test_worlds(tmp_path: Path) -> None:
    """For each seed: every committed row is stored once and in order, one violation, and nothing is left to send."""
    happened: Counter[str] = Counter()
    for seed in range(SEEDS):
        world = World(_folder(tmp_path, seed), seed)
        world.run()
        happened.update(world.happened)

        with world.plant.store.transaction() as session:
            stored = session.exec(select(Envelope).order_by(col(Envelope.seq))).all()
            violations = session.exec(select(Violation)).all()
        rows = [row.wall_ms for one in stored for row in opened(one)[1]]
        assert rows == world.taken, f"seed {seed}: rows lost, doubled or out of order"
        assert [one.seq for one in stored] == list(range(1, len(stored) + 1)), f"seed {seed}"
        assert [(v.code, v.first_ms) for v in violations] == [("resumed_power", START_MS + RESUMES_AT * 1_000)], (
            f"seed {seed}"
        )
        assert world.waiting == 0, f"seed {seed}: the agent still holds envelopes"

    assert not [fault for fault in FAULTS if not happened[fault]], f"a vacuous run: {shown(happened)}"


def _folder(tmp_path: Path, seed: int) -> Path:
    folder = tmp_path / str(seed)
    folder.mkdir()
    return folder
