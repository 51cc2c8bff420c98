"""`coldseal profiles try`: reads a meter with one map and says what cannot be true."""

import asyncio

import msgspec

from edge_agent import probe
from edge_agent.config import WAKE_POWER_W, Meter
from edge_agent.errors import CheckFailed
from edge_agent.line import Line
from edge_agent.modbus import LineReader
from edge_agent.plausibility import judge
from edge_agent.recognise import read_whole
from wire import profile_files
from wire.clock import Clock
from wire.fingerprint import UNKNOWN
from wire.quantities import Quantity, shown
from wire.reading import State


def try_profile(named: str, line: Line, unit: int | None, clock: Clock, timeout_s: float = 0.4) -> dict[str, object]:
    """Read one meter with a map.

    Args:
        named: a profile's name, or a file.
        line: where the meter is.
        unit: its number; None for the profile's factory setting.
        clock: wall and monotonic time.
        timeout_s: longest wait for a reply.

    Raises:
        ProfileError: no such map, or it contradicts itself.
        CheckFailed: the meter does not answer.
    """
    loaded = profile_files.find(named)
    number = loaded.profile.serial_line.unit if unit is None else unit
    return asyncio.run(_try(Meter("try", line, number, timeout_s, WAKE_POWER_W, loaded), clock))


async def _try(meter: Meter, clock: Clock) -> dict[str, object]:
    reader = LineReader(meter.line)
    try:
        reading = await read_whole(reader, meter, clock)
    finally:
        reader.close()
    if reading.state in (State.TIMEOUT, State.DISCONNECTED):
        raise CheckFailed(
            f"{meter.line} unit {meter.unit}: no answer; check power, address, speed, parity, or use: coldseal agent scan"
        )
    verdict = judge(reading.values, meter.loaded.profile)
    return {
        "profile": meter.loaded.profile.name,
        "line": str(meter.line),
        "unit": meter.unit,
        "score": round(verdict.score, 3),
        "complaints": list(verdict.complaints),
        "breaks_physics": verdict.is_impossible,
        "reasons": [check.words for check in verdict.checks],
        "identity": probe.identity(reading.fingerprint or UNKNOWN),
        "quantities": probe.quantities(dict(reading.values)),
        "heard": msgspec.to_builtins(probe.heard(reader)),
    }


def text(document: dict[str, object]) -> str:
    """The same for people."""
    quantities, complaints = document["quantities"], document["complaints"]
    if not isinstance(quantities, dict) or not isinstance(complaints, list):
        raise TypeError("expected the document that try_profile() made")
    lines = [f"{document['profile']} at {document['line']} unit {document['unit']}, score {document['score']}"]
    lines += [f"  {name} = {_told(Quantity(name), value)}" for name, value in quantities.items()]
    lines += [f"  ! {words}" for words in complaints] or ["  no complaints"]
    lines += probe.heard_lines(msgspec.convert(document["heard"], probe.Heard))
    return "\n".join(lines)


def _told(quantity: Quantity, value: object) -> str:
    if isinstance(value, dict):
        return f"unreadable: {value['unreadable']}"
    if not isinstance(value, float | int):
        raise TypeError(f"expected a number or a reason, got {value!r}")
    return shown(quantity, value)
