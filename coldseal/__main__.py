"""`python -m coldseal`."""

import sys

from coldseal.cli import main

if __name__ == "__main__":
    sys.exit(main())
