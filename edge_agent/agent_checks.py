"""What can be wrong in an agent's settings besides their form; each complaint begins with its key."""

from collections.abc import Iterator

from edge_agent import line_file
from edge_agent.agent_file import AgentFile, MeterFile
from wire import topics
from wire.limits import METERS_MAX

POLL_PERIOD_S_RANGE = (0.1, 3600.0)
BATCH_S_RANGE = (1.0, 3600.0)
TIMEOUT_S_RANGE = (0.05, 30.0)
OUTBOX_BYTES_MIN = 100_000


def id_complaints(agent: str) -> Iterator[str]:
    """Whether the name can be an agent's."""
    if not topics.is_agent_id(agent):
        yield f"agent: expected a-z, 0-9, '-' and at most 32 characters, got {agent!r}; rename the agent"


def complaints(written: AgentFile) -> Iterator[str]:
    """All that is wrong, in the order of the keys."""
    yield from id_complaints(written.agent)
    if not written.deployment:
        yield "deployment: expected the name that the server was given, got nothing; e.g. demo.coldseal/2026"
    yield from _range("poll_period_s", written.poll_period_s, POLL_PERIOD_S_RANGE)
    yield from _range("batch_s", written.batch_s, BATCH_S_RANGE)
    if written.outbox.bytes_max < OUTBOX_BYTES_MIN:
        yield (
            f"outbox.bytes_max: expected at least {OUTBOX_BYTES_MIN}, got {written.outbox.bytes_max}; "
            "a day of one meter takes about 3000000"
        )
    if not 1 <= len(written.meters) <= METERS_MAX:
        yield f"meters: expected 1 to {METERS_MAX}, got {len(written.meters)}; give each agent its own file"
    tls = written.broker.tls
    if tls is not None and (tls.cert is None) != (tls.key is None):
        yield "broker.tls: expected cert and key together, got one of them; add the other or remove both"
    seen: set[str] = set()
    for index, meter in enumerate(written.meters):
        yield from _meter_complaints(meter, f"meters[{index}]")
        if meter.id in seen:
            yield f"meters[{index}].id: {meter.id!r} is given twice; name each meter once"
        seen.add(meter.id)


def _meter_complaints(meter: MeterFile, where: str) -> Iterator[str]:
    if not topics.is_agent_id(meter.id):
        yield f"{where}.id: expected a-z, 0-9, '-' and at most 32 characters, got {meter.id!r}; rename the meter"
    yield from line_file.complaints(meter, where)
    if meter.timeout_s is not None:
        yield from _range(f"{where}.timeout_s", meter.timeout_s, TIMEOUT_S_RANGE)
    if meter.wake_power_w is not None and not 0 < meter.wake_power_w < float("inf"):
        yield f"{where}.wake_power_w: expected more than 0 W, got {meter.wake_power_w}; e.g. 3 % of the rated power"


def _range(where: str, got: float, bounds: tuple[float, float]) -> Iterator[str]:
    if not bounds[0] <= got <= bounds[1]:
        yield f"{where}: expected {bounds[0]:g} to {bounds[1]:g} s, got {got:g}; correct this key"
