"""kill -9 at any moment, then a check of everything that was promised."""

import random
import subprocess
import sys
import time
from pathlib import Path

from edge_agent.outbox import Outbox
from edge_agent.signer import Author
from tests.edge_agent.store import AGENT, DEPLOYMENT, KID
from wire.batch import Batch, ClockQuality, rows
from wire.chain import Link, Linked, check, genesis
from wire.envelope import check_signature, digest, parse, take_apart
from wire.keys import PrivateKey
from wire.quantities import Quantity

KILLS = 8


def run_and_kill(folder: Path, pem: Path, first: int, after_s: float) -> list[str]:
    """What one run promised before it was killed."""
    command = [sys.executable, "-m", "tests.edge_agent.killed_outbox", str(folder), str(pem), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline()]
        time.sleep(after_s)
        process.kill()
        lines += process.stdout.read().splitlines()
    return [line.strip() for line in lines if line.count(" ") == 1]


def test_nothing_promised_is_ever_lost(tmp_path: Path) -> None:
    """Killed at random moments, the outbox keeps every promised row and number once, in one unbroken signed chain."""
    key, chance = PrivateKey.generate(), random.Random(7)
    pem = tmp_path / "key.pem"
    pem.write_bytes(key.to_pem())
    promised_rows, sealed, gone = [], 0, 0
    for kill in range(KILLS):
        for line in run_and_kill(tmp_path, pem, kill * 1_000_000 + 1, chance.uniform(0.0, 0.25)):
            word, number = line.split()
            if word == "row":
                promised_rows.append(int(number))
            elif word == "sealed":
                assert int(number) > sealed
                sealed = int(number)
            else:
                gone = int(number)

    outbox = Outbox(tmp_path, genesis(DEPLOYMENT, AGENT, KID, key.public), 10**8)
    author = Author(DEPLOYMENT, AGENT, KID, key)
    outbox.seal(lambda draft: author.envelope(draft, ClockQuality(st="U"), {}), 0)
    found = outbox.peek(0, 10**6)
    outbox.close()
    assert len(promised_rows) > 100

    last, kept, boots = None, [], []
    for seq, raw in found:
        sealed_envelope = take_apart(raw)
        check_signature(sealed_envelope, key.public)
        batch = parse(sealed_envelope.body, Batch)
        assert batch.seq == seq
        assert last is None or check(last, seq, batch.prev, digest(raw), None) == Linked()
        last = Link(seq, digest(raw))
        values = [r.values[Quantity.IMPORT_ENERGY_WH] for r in rows(batch)]
        kept += [int(v) for v in values if isinstance(v, float)]
        boots.append((batch.bn, batch.boot))
        assert {int(v) // 1_000_000 for v in values if isinstance(v, float)} == {batch.bn - 1}
    assert last is not None
    assert last.seq >= sealed
    assert found[0][0] >= gone
    assert boots == sorted(boots)
    assert kept == sorted(set(kept))
    assert set(kept) >= {n for n in promised_rows if n >= kept[0]}
