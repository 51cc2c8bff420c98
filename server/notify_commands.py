"""`coldseal server notify …`. What a command needs is imported inside it: --help must be quick."""

from pathlib import Path
from typing import Annotated

import typer

notify_app = typer.Typer(help="Messages: who is told of what, and whether the way there works.", no_args_is_help=True)


@notify_app.command("test")
def try_channels(
    channel: Annotated[str | None, typer.Option(metavar="NAME", help="Only this channel; every one otherwise.")] = None,
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder of database, keys and server.yaml.")] = Path("data"),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Send a test message through each channel of server.yaml, and say what each receiver answered.

    Example: coldseal server notify test --channel duty-dingtalk

    The server may run meanwhile; nothing is written into the log of what was told.

    Exit codes: 0 every channel took it; 1 one did not; 2 settings, or no such channel; 3 a file that cannot be read.
    """
    from server.notify.command_work import send_tests  # noqa: PLC0415 - Apprise loads when it is needed

    send_tests(data, channel, as_json=as_json)
