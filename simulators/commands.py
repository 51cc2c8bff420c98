"""`coldseal simulate …`: a simulated meter on a port or a serial line."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from simulators.furnace_class import FurnaceClass

app = typer.Typer(help="Simulated meters, for trying things out without a furnace.", no_args_is_help=True)


class Parity(StrEnum):
    """Parity of a serial line."""

    NONE = "N"
    EVEN = "E"
    ODD = "O"


@app.callback()
def simulate() -> None:
    """Simulated meters, for trying things out without a furnace."""


@app.command()
def meter(  # noqa: PLR0913, PLR0917 - each parameter is one option of the command line
    profile: Annotated[
        str, typer.Option(help="Register map: the name of one in firmware_configs/meters, or a .yaml file.")
    ],
    trace: Annotated[Path | None, typer.Option(help="CSV to serve: t_s, then quantities by their names.")] = None,
    furnace: Annotated[FurnaceClass | None, typer.Option(help="Serve sealed time, one heat and sealed time.")] = None,
    tonnes: Annotated[float, typer.Option(help="The furnace's nominal capacity, t.", min=0.1, max=40)] = 0.5,
    sealed_s: Annotated[int, typer.Option(help="Sealed seconds before the heat.", min=0, max=604_800)] = 60,
    seed: Annotated[int, typer.Option(help="The same seed gives the same story.", min=0)] = 1,
    tcp: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Serve Modbus TCP here.")] = None,
    serial: Annotated[
        str | None, typer.Option(metavar="DEV", help="Serve Modbus RTU here; pty makes a pseudo-terminal.")
    ] = None,
    unit: Annotated[int, typer.Option(help="Modbus unit.", min=1, max=247)] = 1,
    speed: Annotated[float, typer.Option(help="Seconds of the trace a second.", min=0.001, max=100_000)] = 1.0,
    baud: Annotated[int | None, typer.Option(help="Serial speed; the profile's otherwise.", min=300)] = None,
    parity: Annotated[Parity | None, typer.Option(help="Serial parity; the profile's otherwise.")] = None,
    stopbits: Annotated[
        int | None, typer.Option(help="Serial stop bits; the profile's otherwise.", min=1, max=2)
    ] = None,
    ct_ratio: Annotated[
        float | None, typer.Option(help="CT ratio where the trace has none: 1000/5 is 200; else 1.", min=1)
    ] = None,
    serial_number: Annotated[
        int | None, typer.Option(help="The meter's number where the trace has none.", min=1)
    ] = None,
    export: Annotated[Path | None, typer.Option(help="Write what would be served as CSV, and serve nothing.")] = None,
) -> None:
    """Serve a recording or a furnace's story as a real meter of a model.

    Example: coldseal simulate meter --profile eastron_sdm630 --trace heat.csv --tcp 127.0.0.1:5020

    One line `ready PROFILE on ADDRESS unit N` goes to stderr when the port is open; t_s 0 is that moment. Values of
    the trace are primary. Ctrl-C ends it.

    Exit codes: 0 ended by Ctrl-C or written; 2 wrong use, trace or profile; 3 port, device or file.
    """
    from simulators.command_meter import Request, run  # noqa: PLC0415 - numpy and pymodbus load when they are needed

    run(
        Request(
            profile=profile, trace=trace, furnace=furnace, tonnes=tonnes, sealed_s=sealed_s, seed=seed, tcp=tcp,
            serial=serial, unit=unit, speed=speed, baud=baud, parity=parity, stopbits=stopbits, ct_ratio=ct_ratio,
            serial_number=serial_number, export=export,
        )
    )  # fmt: skip
