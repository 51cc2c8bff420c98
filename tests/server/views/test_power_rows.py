"""The draw out of stored envelopes: |P| with its reasons, of the meter that was asked for, in the order of time."""

from pathlib import Path

import numpy as np

from server.power_rows import decoded, joined, last_draws
from server.store import Store
from tests.server.ingest.plant import START_MS, SigningAgent, SteppedClock, reading
from tests.server.views.county import County


def test_reversed_transformers_hide_nothing() -> None:
    """A negative power is a draw too, and a reading that is missing is NaN with its reason."""
    agent = SigningAgent()
    raw = agent.envelope([reading(0, -5_000.0), reading(1, None), reading(2, 0.0)]).payload
    rows = decoded(raw, "m1")
    assert rows.draw_w[[0, 2]].tolist() == [5_000.0, 0.0]
    assert np.isnan(rows.draw_w[1])
    assert rows.reasons.tolist() == ["", "timeout", ""]
    assert rows.period_ms.tolist() == [1_000] * 3


def test_only_the_meter_asked_for() -> None:
    """Another meter's rows are not mixed in; an envelope without the meter has none."""
    agent = SigningAgent()
    raw = agent.envelope([reading(0, 1.0), reading(0, 2.0, meter="m2")]).payload
    assert decoded(raw, "m1").draw_w.tolist() == [1.0]
    assert decoded(raw, "m2").draw_w.tolist() == [2.0]
    assert len(decoded(raw, "m3")) == 0


def test_late_envelopes_are_put_in_their_place() -> None:
    """Envelopes in any order give rows in the order of time, cut to the time asked for; a second one is left out."""
    agent = SigningAgent()
    first = agent.envelope([reading(0, 1.0), reading(1, 2.0)]).payload
    later = agent.envelope([reading(2, 3.0), reading(3, 4.0)]).payload
    again = agent.envelope([reading(1, 9.0)]).payload
    rows = joined([later, first, again], "m1", START_MS + 1_000, START_MS + 3_000)
    assert (rows.t_ms - START_MS).tolist() == [1_000, 2_000, 3_000]
    assert rows.draw_w.tolist() == [2.0, 3.0, 4.0]


def test_the_last_value_is_one_that_was_read(tmp_path: Path) -> None:
    """Where the newest envelope has no value the ones before it are searched; where none has, there is none."""
    store, clock = Store(tmp_path / "coldseal.sqlite"), SteppedClock()
    county = County(store, clock)
    read, unread = county.seal(1, "示例铸造一厂"), county.seal(2, "示例铸造二厂")
    county.feed(read, 0, 180, lambda second: 7_000.0 if second == 30 else None)
    county.feed(unread, 0, 60, lambda _second: None)
    with store.transaction() as session:
        draws = last_draws(session, [("a1", "m1"), ("a2", "m1"), ("a3", "m1")])
    assert draws == {("a1", "m1"): (START_MS + 30_000, 7_000.0)}
    store.close()
