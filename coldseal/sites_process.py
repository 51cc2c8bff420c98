"""Simulated sites as a process of their own: served until the process is ended."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

from wire.errors import ProgramError

Serve = Callable[[Path], Coroutine[None, None, None]]


def main(serve: Serve) -> int:
    """Serve what the folder given on the command line plans; returns the exit code."""
    try:
        asyncio.run(serve(Path(sys.argv[1])))
    except ProgramError as error:
        sys.stderr.write(f"sites: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 0
    return 0
