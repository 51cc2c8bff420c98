"""Where the agent's commands begin: `run FILE...` goes past Typer, which is 2 MB, and 10 more once it parses a word."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path


def app(args: Sequence[str], prog_name: str) -> None:
    """Run a command.

    Args:
        args: its words.
        prog_name: how the program was called, for help.
    """
    if len(args) > 1 and args[0] == "run" and not any(word.startswith("-") for word in args):
        run([Path(word) for word in args[1:]])
        return
    from edge_agent import commands  # noqa: PLC0415 - an agent that runs does without

    commands.app(args=list(args), prog_name=prog_name)


def run(files: Sequence[Path]) -> None:
    """Run the agents of these settings until they are stopped."""
    from edge_agent import running  # noqa: PLC0415 - no other command needs it

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    running.run(files)
