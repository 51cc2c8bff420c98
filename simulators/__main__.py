"""`python -m simulators`: the simulators' commands without the rest of ColdSeal."""

import sys

from simulators.commands import app
from wire.errors import ProgramError


def main() -> None:
    """Run a command; what a user can mend is one line on stderr."""
    try:
        app()
    except ProgramError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
