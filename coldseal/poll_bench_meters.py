"""The poll bench's meters as a process: plain servers with many units a port, whose words are one second of a heat.

`python -m coldseal.poll_bench_meters FOLDER` serves them until it is ended, and prints 'ready' and its ports.
"""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import uvloop

from edge_agent.plan import plan
from simulators.furnace_class import FurnaceClass
from simulators.meter import ServedMeter
from simulators.place import TcpPlace
from simulators.plain_server import PlainServer, WordImage
from simulators.story import one_heat
from wire.profile import Profile
from wire.profile_files import find
from wire.quantities import Quantity
from wire.reading import Value

PLAN = "poll-bench-meters.json"
MELTING_S = 600
"""A second of the story in which the furnace melts."""
_TONNES, _SEALED_S = 0.5, 60


class Still:
    """A source whose values never change.

    Attributes:
        told: primary values.
    """

    def __init__(self, told: Mapping[Quantity, Value]) -> None:
        self.told = told

    def values(self, t_s: float) -> Mapping[Quantity, Value]:
        """The same at any time."""
        del t_s
        return self.told


def melting() -> Still:
    """A furnace that draws, as every quantity of an electricity meter shows it."""
    story = one_heat(FurnaceClass.MF_CORELESS, _TONNES, _SEALED_S, seed=1)
    return Still(dict(story.values(MELTING_S)))


def words_of(profile: Profile, source: Still, unit: int = 1) -> dict[tuple[int, int], int]:
    """What a meter answers to each of its planned requests; 0 where it measures nothing that a furnace has.

    Args:
        profile: its register map.
        source: what it measures.
        unit: its unit, on which its serial number depends.
    """
    meter = ServedMeter(profile, source, TcpPlace("127.0.0.1", 0), unit)
    words: dict[tuple[int, int], int] = {}
    for block in plan(profile).every:
        answer = meter.answer(block.function, block.address, block.count, 0.0)
        words |= dict(zip(block.words, answer if isinstance(answer, list) else [0] * block.count, strict=True))
    return words


def write(folder: Path, ports: list[dict[int, str]]) -> None:
    """Leave the plan where the process finds it.

    Args:
        folder: where.
        ports: of each port, its units and their profiles.
    """
    (folder / PLAN).write_bytes(msgspec.json.encode(ports))


async def run(folder: Path) -> None:
    """Serve every meter until the task is cancelled."""
    ports = msgspec.json.decode((folder / PLAN).read_bytes(), type=list[dict[int, str]])
    source = melting()
    wanted = {meter for units in ports for meter in units.items()}
    images = {(unit, name): WordImage(words_of(find(name).profile, source, unit)) for unit, name in wanted}
    servers = [PlainServer({unit: images[unit, name] for unit, name in units.items()}) for units in ports]
    for server in servers:
        await server.start()
    print("ready", *[server.port for server in servers], flush=True)  # noqa: T201 - to the bench
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(run(Path(sys.argv[1])))
