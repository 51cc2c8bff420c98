"""What the agent marks by itself."""

import pytest

from edge_agent.local_alarm import alarms, standing
from edge_agent.state_change import Known, step
from wire.fingerprint import Moved
from wire.quantities import Quantity
from wire.reading import Reading, Reason, State, Unreadable, Value

P, V, OPEN, COUNT = (
    Quantity.ACTIVE_POWER_W,
    Quantity.VOLTAGE_L1_V,
    Quantity.CONTACT_OPEN,
    Quantity.CONTACT_COUNT,
)
LOST = Unreadable(Reason.TIMEOUT)

Step = tuple[dict[Quantity, Value], list[tuple[str, int]]]

STORIES: dict[str, list[Step]] = {
    "a sealed furnace": [({P: 0.0, V: 230.0, OPEN: 0.0, COUNT: 7.0}, []), ({P: 3.0, V: 231.0}, [])],
    "a draw, and a melt on top of it": [
        ({P: 0.0}, []),
        ({P: -20_000.0}, [("active_power_w", 20_000)]),
        ({P: -21_000.0}, []),
        ({P: 320_000.0}, [("active_power_w", 320_000)]),
        ({P: LOST}, []),
        ({P: 320_000.0}, []),
        ({P: 0.0}, []),
        ({P: 1500.0}, [("active_power_w", 1500)]),
    ],
    "a draw in the first reading": [({P: 1500.0}, [("active_power_w", 1500)])],
    "a seal that is open at the start, is closed and opened": [
        ({OPEN: 1.0}, [("contact_open", 1)]),
        ({OPEN: LOST}, []),
        ({OPEN: 0.0}, []),
        ({OPEN: 1.0}, [("contact_open", 1)]),
    ],
    "a seal that was opened between two polls": [
        ({OPEN: 0.0, COUNT: 7.0}, []),
        ({OPEN: 0.0, COUNT: 9.0}, [("contact_count", 9)]),
        ({OPEN: 0.0, COUNT: 0.0}, []),
    ],
    "voltage back behind an upstream break": [
        ({V: 0.0}, []),
        ({V: LOST}, []),
        ({V: 229.6}, [("voltage_v", 230)]),
        ({V: 231.0}, []),
    ],
    "voltage there from the start": [({V: 230.0}, [])],
}


@pytest.mark.parametrize("story", STORIES)
def test_story(story: str) -> None:
    """Each reading of a story marks exactly what is written beside it; a value that is missing marks nothing."""
    known = Known()
    for number, (values, expected) in enumerate(STORIES[story]):
        now, _ = step(known, Reading("m1", 0, 0, State.OK, values, {}), 1000.0)
        assert alarms(known, now, []) == [("local_alarm", alarm) for alarm in expected], f"reading {number}"
        known = now


def test_another_meter_is_marked() -> None:
    """Each fact that changed is an alarm of its own."""
    moved: list[Moved] = [("serial", "21033417", "21055012"), ("ct", 200_000, 40_000)]
    assert alarms(Known(), Known(), moved) == [("local_alarm", ("serial", 0)), ("local_alarm", ("ct", 0))]


def test_what_stands_is_told_for_as_long_as_it_lasts() -> None:
    """The health file shows the draw and the open contact now, and nothing once they are over."""
    now, _ = step(Known(), Reading("m1", 0, 0, State.OK, {P: 1500.0, OPEN: 1.0}, {}), 1000.0)
    assert standing(now) == {"active_power_w": 1500, "contact_open": 1}
    over, _ = step(now, Reading("m1", 0, 0, State.OK, {P: 0.0, OPEN: 0.0}, {}), 1000.0)
    assert standing(over) == {}
