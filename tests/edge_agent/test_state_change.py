"""What makes a reading leave at once."""

import pytest

from edge_agent.state_change import Change, Known, step
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable, Value

LOST = Unreadable(Reason.TIMEOUT)
WAKE_W = 1000.0
P, V1, V2, OPEN, COUNT = (
    Quantity.ACTIVE_POWER_W,
    Quantity.VOLTAGE_L1_V,
    Quantity.VOLTAGE_L2_V,
    Quantity.CONTACT_OPEN,
    Quantity.CONTACT_COUNT,
)

Step = tuple[str, dict[Quantity, Value], Change | None]

STORIES: dict[str, list[Step]] = {
    "first reading, whatever it says": [("G", {P: 0.0}, Change.FIRST)],
    "first reading of a dead meter": [("T", {P: LOST}, Change.FIRST), ("T", {P: LOST}, None)],
    "power rises and falls": [
        ("G", {P: 0.0}, Change.FIRST),
        ("G", {P: 999.0}, None),
        ("G", {P: 1000.0}, Change.POWER_ROSE),
        ("G", {P: 2500.0}, None),
        ("G", {P: 799.0}, Change.POWER_FELL),
    ],
    "a melt on top of a pledged load is told anew, its dips and return are not": [
        ("G", {P: 0.0}, Change.FIRST),
        ("G", {P: 20_000.0}, Change.POWER_ROSE),
        ("G", {P: 21_000.0}, None),
        ("G", {P: 320_000.0}, Change.POWER_ROSE),
        ("G", {P: 200_000.0}, None),
        ("G", {P: 325_000.0}, None),
    ],
    "an agent that starts within a melt tells it as a rise": [
        ("G", {P: 326_000.0}, Change.POWER_ROSE),
        ("G", {P: 326_000.0}, None),
    ],
    "no chatter around the level": [
        ("G", {P: 1100.0}, Change.POWER_ROSE),
        ("G", {P: 900.0}, None),
        ("G", {P: 1100.0}, None),
    ],
    "reversed CTs do not hide a rise": [("G", {P: 0.0}, Change.FIRST), ("G", {P: -5000.0}, Change.POWER_ROSE)],
    "a lost value between is no fall": [
        ("G", {P: 5000.0}, Change.POWER_ROSE),
        ("G", {P: LOST}, None),
        ("G", {P: 5000.0}, None),
    ],
    "a rise behind a lost value is seen": [
        ("G", {P: 0.0}, Change.FIRST),
        ("G", {P: LOST}, None),
        ("G", {P: 5000.0}, Change.POWER_ROSE),
    ],
    "power first known high after an unread start": [
        ("G", {P: LOST}, Change.FIRST),
        ("G", {P: 5000.0}, Change.POWER_ROSE),
    ],
    "power first known low is no fall": [("G", {P: LOST}, Change.FIRST), ("G", {P: 0.0}, None)],
    "seal opens and closes": [
        ("G", {OPEN: 0.0}, Change.FIRST),
        ("G", {OPEN: 0.0}, None),
        ("G", {OPEN: 1.0}, Change.CONTACT),
        ("G", {OPEN: LOST}, None),
        ("G", {OPEN: 0.0}, Change.CONTACT),
    ],
    "seal opened between two polls shows in its counter": [
        ("G", {OPEN: 0.0, COUNT: 7.0}, Change.FIRST),
        ("G", {OPEN: 0.0, COUNT: 8.0}, Change.COUNT),
    ],
    "meter goes silent and comes back": [
        ("G", {P: 0.0}, Change.FIRST),
        ("T", {P: LOST}, Change.SILENT),
        ("D", {P: LOST}, None),
        ("G", {P: 0.0}, Change.ANSWERS),
    ],
    "back at once with power": [
        ("G", {P: 0.0}, Change.FIRST),
        ("D", {P: LOST}, Change.SILENT),
        ("G", {P: 9000.0}, Change.POWER_ROSE),
    ],
    "voltage dies and comes back on one phase": [
        ("G", {V1: 230.0, V2: 230.0}, Change.FIRST),
        ("G", {V1: 0.0, V2: 230.0}, None),
        ("G", {V1: 0.0, V2: 39.9}, Change.DEAD),
        ("G", {V1: LOST, V2: LOST}, None),
        ("G", {V1: 40.0, V2: 0.0}, Change.ALIVE),
    ],
}


@pytest.mark.parametrize("story", STORIES)
def test_story(story: str) -> None:
    """Each reading of a story gives exactly the change that is written beside it."""
    known = Known()
    for number, (state, values, expected) in enumerate(STORIES[story]):
        known, change = step(known, Reading("m1", 0, 0, State(state), values, {}), WAKE_W)
        assert change == expected, f"reading {number}"
