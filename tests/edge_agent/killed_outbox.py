"""A process that fills an outbox as fast as it can and says what it was promised; a test kills it at any moment.

`python -m tests.edge_agent.killed_outbox FOLDER PEM FIRST`: prints "row N" when row N is promised to be on disk,
"sealed SEQ" when an envelope is, "gone SEQ" when a receipt up to SEQ was booked.
"""

import sys
from pathlib import Path

from edge_agent.outbox import Outbox
from edge_agent.signer import Author
from tests.edge_agent.store import AGENT, DEPLOYMENT, KID, boot, row
from wire.batch import ClockQuality
from wire.chain import genesis
from wire.keys import PrivateKey


def say(word: str, number: int) -> None:
    """Promise something."""
    sys.stdout.write(f"{word} {number}\n")
    sys.stdout.flush()


def main() -> None:
    """Fill until killed."""
    folder, pem, first = Path(sys.argv[1]), Path(sys.argv[2]).read_bytes(), int(sys.argv[3])
    key = PrivateKey.from_pem(pem)
    author = Author(DEPLOYMENT, AGENT, KID, key)
    outbox = Outbox(folder, genesis(DEPLOYMENT, AGENT, KID, key.public), 10**8)
    run = outbox.begin(boot(f"run-{first}"))
    number = first
    while True:
        outbox.add(run.id, [row(number)])
        say("row", number)
        if number % 3 == 0:
            outbox.seal(lambda draft: author.envelope(draft, ClockQuality(st="U"), {}), number)
            say("sealed", outbox.last.seq)
        if number % 30 == 0:
            outbox.receipt(outbox.last.seq - 20, [], [], number)
            say("gone", outbox.last.seq - 20)
        number += 1


if __name__ == "__main__":
    main()
