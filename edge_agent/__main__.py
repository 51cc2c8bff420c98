"""python -m edge_agent: the agent's commands without the other programs."""

import sys

from edge_agent.entry import app
from wire.errors import ProgramError

if __name__ == "__main__":
    try:
        app(sys.argv[1:], "python -m edge_agent")
    except ProgramError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
