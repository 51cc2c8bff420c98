"""`coldseal demo`: three simulated sites on this machine, real Modbus, real MQTT; a furnace resumes.

Everything it starts is a process of its own, as it would be on three machines, and ends with it.
"""

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from wire.clock import SystemClock

EXIT_CODES = (
    "Exit codes: 0 ended by Ctrl-C, or --until was reached; 1 --until was not reached in time; "
    "2 wrong use; 3 port, folder or a program that ended."
)

app = typer.Typer(help=f"Three simulated sites on this machine. {EXIT_CODES}", add_completion=False)


class Until(StrEnum):
    """What the demo waits for."""

    VIOLATION = "violation"


@app.command()
def demo(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="port of the page; 8080, with --headless any free one")
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="no page to look at: do not print a sign-in link")
    ] = False,
    until: Annotated[
        Until | None, typer.Option(help="violation: end with exit code 0 at the first resumed_power, and print it")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="stdout is that one object; the story goes to stderr")
    ] = False,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="keep database, keys and logs here: a new or an empty folder")
    ] = None,
) -> None:
    """Three sealed furnaces: one resumes, one has its seal opened, one goes silent.

    Nothing leaves this machine. Ctrl-C ends every process and removes everything but --keep's folder.

    Example: coldseal demo --headless --until violation --json --keep demo-data

    Exit codes: 0 ended by Ctrl-C, or --until was reached; 1 --until was not reached in time; 2 wrong use;
    3 a port, a folder, or a program that ended.
    """
    from coldseal.demo_run import run  # noqa: PLC0415 - the programs load when it runs

    story = sys.stderr if as_json else sys.stdout
    clock = SystemClock()
    with _folder(keep) as folder, contextlib.suppress(KeyboardInterrupt):
        reached = run(folder, clock, story, port=port, headless=headless, end_at_violation=until is not None)
        if until is not None and reached is None:
            raise typer.Exit(1)
        if reached is not None and as_json:
            typer.echo(reached)


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """The folder that everything lives in: kept, or gone at the end."""
    if keep is not None:
        from coldseal.local_plant import check_folder  # noqa: PLC0415 - with the programs

        check_folder(keep)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory(prefix="coldseal-demo-") as folder:
        yield Path(folder)
