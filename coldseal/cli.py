"""The one console script: finds the program that a command belongs to, and imports only that one."""

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from wire.errors import ProgramError, WireError
from wire.release import RELEASE

EXIT_WRONG_USE = 2
EXIT_SURROUNDINGS = 3
EXIT_INTERRUPTED = 130


class Group(NamedTuple):
    """Commands of one program."""

    module: str
    app: str
    extra: str
    help: str


GROUPS = {
    "demo": Group("coldseal.demo", "app", "demo", "three simulated sites on this machine; one furnace resumes"),
    "server": Group("server.commands", "server_app", "server", "run the server; add, list and revoke agents"),
    "seal": Group("server.commands", "seal_app", "server", "add, list and show seals"),
    "agent": Group("edge_agent.entry", "app", "edge", "run an edge agent; look into its outbox"),
    "profiles": Group("edge_agent.profile_commands", "app", "edge", "list, check and try register maps of meters"),
    "simulate": Group("simulators.commands", "app", "sim", "serve simulated meters"),
    "bench": Group("coldseal.bench", "app", "demo", "measure this machine"),
}

USAGE = """usage: coldseal COMMAND …      (coldseal COMMAND --help tells more)

ColdSeal proves, from signed meter readings, whether a furnace that was ordered off stayed off.

{commands}

example: coldseal demo
options: --version, --help; --debug after a command shows where an error came from
exit codes: 0 done, 1 the answer is no, 2 wrong use or settings, 3 the environment (port, file, broker, meter)
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: its words; those of the process when left out.

    Returns:
        The exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("--help", "-h"):
        sys.stdout.write(_usage())
        return 0 if words else EXIT_WRONG_USE
    if words[0] == "--version":
        sys.stdout.write(f"coldseal {RELEASE}\n")
        return 0
    group = GROUPS.get(words[0])
    if group is None:
        return _fail(f"{words[0]!r} is no command: expected one of {', '.join(GROUPS)}; see coldseal --help", 2)
    debug = "--debug" in words
    if debug:
        words.remove("--debug")
    try:
        return _run(group, words)
    except (ProgramError, WireError) as error:
        if debug:
            raise
        return _fail(str(error), error.exit_code if isinstance(error, ProgramError) else EXIT_WRONG_USE)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _run(group: Group, words: list[str]) -> int:
    """Import the program and give it its words."""
    try:
        app = getattr(importlib.import_module(group.module), group.app)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] in ("coldseal", "server", "edge_agent", "simulators"):
            raise
        return _fail(
            f"{words[0]} needs the package {error.name!r}, which is not installed; "
            f"install it with: pip install 'coldseal[{group.extra}]'",
            EXIT_SURROUNDINGS,
        )
    run = cast("Callable[..., object]", app)
    try:
        run(args=words[1:], prog_name=f"coldseal {words[0]}")
    except SystemExit as leaving:  # how Typer ends a command, its own usage errors included
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    return 0


def _usage() -> str:
    width = max(map(len, GROUPS))
    return USAGE.format(commands="\n".join(f"  {name:<{width}}  {group.help}" for name, group in GROUPS.items()))


def _fail(message: str, code: int) -> int:
    for line in message.splitlines():
        sys.stderr.write(f"coldseal: error: {line}\n")
    return code
