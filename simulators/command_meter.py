"""The work of `coldseal simulate meter`: from its options to a served meter."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import msgspec

from simulators.furnace_class import FurnaceClass
from simulators.meter import ServedMeter
from simulators.modbus_server import serve
from simulators.paced_line import paced_line
from simulators.place import Place, SerialPlace, TcpPlace
from simulators.trace import Trace
from simulators.trace_file import load, save
from wire.clock import SystemClock
from wire.errors import ProfileError, SettingsError
from wire.profile import Profile, SerialLine
from wire.profile_files import find
from wire.quantities import Quantity
from wire.registers import decode, encode

_PTY = "pty"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The options as they were given; None where an option was left out."""

    profile: str
    trace: Path | None
    furnace: FurnaceClass | None
    tonnes: float
    sealed_s: int
    seed: int
    tcp: str | None
    serial: str | None
    unit: int
    speed: float
    baud: int | None
    parity: str | None
    stopbits: int | None
    ct_ratio: float | None
    serial_number: int | None
    export: Path | None


def run(request: Request) -> None:
    """Serve (or write) what the options ask for, until SIGINT or SIGTERM.

    Raises:
        SettingsError: options, trace or profile that do not fit together.
        SurroundingsError: a port, device or file that cannot be opened.
    """
    profile = _profile(request.profile)
    source = _source(request)
    _check_common(profile, source, request.profile)
    if request.export is not None:
        save(source, request.export)
        return
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_serve(request, profile, source))


def _profile(name: str) -> Profile:
    try:
        return find(name).profile
    except ProfileError as error:
        raise SettingsError(f"--profile: {error}") from error


def _source(request: Request) -> Trace:
    if (request.trace is None) == (request.furnace is None):
        raise SettingsError("expected one of --trace FILE.csv and --furnace CLASS")
    if request.trace is not None:
        return load(request.trace)
    from simulators.story import one_heat  # noqa: PLC0415 - a served file needs no numpy

    assert request.furnace is not None  # noqa: S101 - one of the two is given
    return one_heat(request.furnace, request.tonnes, request.sealed_s, request.seed, ct_ratio=request.ct_ratio)


def _check_common(profile: Profile, source: Trace, name: str) -> None:
    if not set(profile.quantities) & source.quantities:
        raise SettingsError(
            f"profile {name} can tell nothing of what is to be served; "
            f"expected a column such as {profile.quantities[0].value}"
        )


async def _serve(request: Request, profile: Profile, source: Trace) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - asyncio.run made one
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    place = _place(request, profile)
    fixed = _fixed(request, profile)
    meter = ServedMeter(profile, source, place, request.unit, fixed=fixed, speed=request.speed)
    if isinstance(place, SerialPlace) and place.device == _PTY:
        await _serve_paced(request, meter, place.line)
    else:
        await serve([meter], SystemClock(), lambda places: _say_ready(request, str(places[0])))


async def _serve_paced(request: Request, meter: ServedMeter, line: SerialLine) -> None:
    """A pseudo-terminal at the pace of its speed, which the master must have set."""
    async with paced_line({request.unit: meter}, line.baud, line.parity, line.stopbits) as paced:
        sys.stdout.write(f"{paced.device}\n")
        sys.stdout.flush()
        _say_ready(request, paced.device)
        await asyncio.Event().wait()


def _say_ready(request: Request, address: str) -> None:
    sys.stderr.write(f"ready {request.profile} on {address} unit {request.unit}\n")
    sys.stderr.flush()


def _fixed(request: Request, profile: Profile) -> dict[Quantity, float]:
    """The options' ratio and number, if the profile's registers can hold them."""
    options = {Quantity.CT_RATIO: request.ct_ratio, Quantity.DEVICE_SERIAL: request.serial_number}
    fixed = {quantity: float(value) for quantity, value in options.items() if value is not None}
    told = decode(encode(fixed, profile), profile)
    for quantity, value in fixed.items():
        if quantity in told and told[quantity] != value:
            register = profile.register_of(quantity)
            assert register is not None  # noqa: S101 - it was told
            raise SettingsError(
                f"--{quantity.value.replace('device_serial', 'serial_number').replace('_', '-')} {value:.15g}: "
                f"{profile.name} keeps it in a {register.type.value} register of steps of {register.scale:g}; "
                "give a number that fits"
            )
    return fixed


def _place(request: Request, profile: Profile) -> Place:
    if (request.tcp is None) == (request.serial is None):
        raise SettingsError("expected one of --tcp HOST:PORT (such as 127.0.0.1:5020) and --serial DEV")
    if request.tcp is not None:
        return _tcp_place(request.tcp)
    factory = profile.serial_line
    assert request.serial is not None  # noqa: S101 - one of the two is given
    line = SerialLine(
        baud=request.baud or factory.baud,
        parity=request.parity or factory.parity,
        stopbits=request.stopbits or factory.stopbits,
        unit=request.unit,
    )
    return SerialPlace(request.serial, line)


def _tcp_place(text: str) -> TcpPlace:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise SettingsError(f"--tcp: expected HOST:PORT such as 127.0.0.1:5020, got {text!r}")
    return TcpPlace(host.strip("[]"), int(port))
