"""A furnace with water meter and grid frequency, fed by the second: what tests of curves draw."""

from collections.abc import Callable, Sequence

from server.tables import Meter
from tests.server.ingest.plant import START_MS, reading
from tests.server.views.county import County, Furnished
from wire.quantities import Quantity
from wire.reading import Reading, State

WATER = "w1"

Draw = Callable[[int], float | None]


def add_water(county: County, furnished: Furnished) -> None:
    """Register a water meter at the seal, read by the same agent."""
    with county.store.transaction() as session:
        session.add(
            Meter(
                seal_id=furnished.seal_id, agent_id=furnished.agent.name, name=WATER, role="water", profile="tuf_2000m"
            )
        )


def feed(county: County, furnished: Furnished, seconds: Sequence[int], draw: Draw, flow_m3_h: float = 10.5) -> None:
    """Send one envelope with a row of both meters for each second; the furnace's register follows its draw."""
    rows: list[Reading] = []
    for second in seconds:
        watts = draw(second)
        furnished.energy_wh += (watts or 0.0) / 3600
        row = reading(second, watts, energy_wh=round(furnished.energy_wh, 3))
        if watts is not None:
            values = {**row.values, Quantity.FREQUENCY_HZ: 50.0 + second % 7 / 1000}
            row = Reading("m1", row.wall_ms, row.monotonic_ms, State.OK, values, {})
        flow = Reading(WATER, row.wall_ms, row.monotonic_ms, State.OK, {Quantity.WATER_FLOW_M3_H: flow_m3_h}, {})
        rows += [row, flow]
    county.take(furnished.agent.envelope(rows))


def minutes(county: County, furnished: Furnished, first_s: int, last_s: int, draw: Draw) -> None:
    """Send an envelope a minute."""
    for start in range(first_s, last_s, 60):
        feed(county, furnished, range(start, min(start + 60, last_s)), draw)


def at(second: float) -> int:
    """A second of the day in ms."""
    return START_MS + round(second * 1000)
