"""The demo's three sites as a process: meters on TCP ports, and one serial line made of pseudo-terminals.

`python -m coldseal.demo_sites FOLDER` serves them until it is ended; FOLDER/rtu is the serial line's near end.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from coldseal.sites_process import main
from simulators.furnace_class import FurnaceClass
from simulators.meter import ServedMeter
from simulators.modbus_server import serve
from simulators.place import SerialPlace, TcpPlace
from simulators.pty_line import joined
from simulators.sealed import seal_contact
from simulators.story import one_heat, quiet
from simulators.trace import Trace
from wire.clock import SystemClock
from wire.profile_files import find
from wire.quantities import Quantity
from wire.reading import Value

PLAN = "sites.json"
LINE = "rtu"
RESUMES_SEED, QUIET_SEEDS = 7, (8, 9)
HOUR_S = 3_600


class Plan(msgspec.Struct, frozen=True):
    """Where the sites answer, and when what happens.

    Attributes:
        port_1, port_3: TCP ports of the first and third site's meters.
        resumes_s: when the first furnace resumes.
        opens_s, closes_s: when the second site's seal opens, and closes again.
    """

    port_1: int
    port_3: int
    resumes_s: float
    opens_s: float
    closes_s: float


class Resumes:
    """A sealed furnace that resumes at a moment: a heat's story without the quiet minutes before its power rises."""

    def __init__(self, heat: Trace, resumes_s: float, above_w: float) -> None:
        """The story to tell.

        Args:
            heat: sealed time, then a heat, a row each second.
            resumes_s: when the draw passes above_w for the rest of the ramp.
            above_w: the draw that counts as resumed.
        """
        power = [w or 0.0 for w in heat.columns[Quantity.ACTIVE_POWER_W]]
        rises_s = next(i for i in range(len(power)) if min(power[i : i + 5]) > above_w)
        self._heat, self._resumes_s, self._skipped_s = heat, resumes_s, rises_s - resumes_s

    def values(self, t_s: float) -> Mapping[Quantity, Value]:
        """Primary values at t_s."""
        return self._heat.values(t_s + self._skipped_s if t_s >= self._resumes_s else t_s)


def write(folder: Path, plan: Plan) -> None:
    """Leave the plan where the process finds it."""
    (folder / PLAN).write_bytes(msgspec.json.encode(plan))


async def run(folder: Path) -> None:
    """Serve the three sites until the task is cancelled."""
    plan = msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
    sdm630, dtsu666, adl400, inputs = (
        find(name).profile for name in ("eastron_sdm630", "chint_dtsu666", "acrel_adl400", "waveshare_di8")
    )
    heat = one_heat(FurnaceClass.MF_CORELESS, 0.5, round(plan.resumes_s) + 60, RESUMES_SEED)
    ct = {Quantity.CT_RATIO: 200.0}
    async with joined(link_near=folder / LINE) as line:
        rtu = SerialPlace(line.far, dtsu666.serial_line)
        meters = [
            ServedMeter(sdm630, Resumes(heat, plan.resumes_s, 20_000), TcpPlace("127.0.0.1", plan.port_1)),
            ServedMeter(dtsu666, quiet(HOUR_S, QUIET_SEEDS[0]), rtu, 1, fixed=ct),
            ServedMeter(inputs, seal_contact(plan.opens_s, plan.closes_s), rtu, 2),
            ServedMeter(adl400, quiet(HOUR_S, QUIET_SEEDS[1]), TcpPlace("127.0.0.1", plan.port_3), fixed=ct),
        ]
        await serve(meters, SystemClock(), lambda _places: print("ready sites", flush=True))  # noqa: T201 - to the demo


if __name__ == "__main__":
    sys.exit(main(run))
