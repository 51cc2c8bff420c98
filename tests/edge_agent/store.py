"""An outbox with a fixed key, its rows and its own check: what a stranger would find in the file."""

from collections.abc import Sequence
from pathlib import Path

from edge_agent.identity import Boot, MeterFacts
from edge_agent.outbox import Build, Outbox
from edge_agent.signer import Author, Draft, Row
from wire.batch import Batch, ClockQuality
from wire.chain import Link, Linked, check, genesis
from wire.envelope import check_signature, digest, parse, take_apart
from wire.keys import PrivateKey
from wire.quantities import Quantity
from wire.reading import Reading, State, Value

DEPLOYMENT, AGENT, KID = "test.coldseal/2026", "a1", "a1#1"
KEY = PrivateKey.generate()
GENESIS = genesis(DEPLOYMENT, AGENT, KID, KEY.public)
AUTHOR = Author(DEPLOYMENT, AGENT, KID, KEY)
BYTES_MAX = 200_000_000


def boot(name: str = "run-1", *meters: str) -> Boot:
    """A run with these meters."""
    return Boot(name, 0, "1.0", "cfg", 1000, {m: MeterFacts("eastron_sdm630", "map", 1) for m in meters or ("m1",)})


def row(number: int, power_w: Value = 0.0, meter: str = "m1", event: str = "", wall_ms: int | None = None) -> Row:
    """A reading whose energy register tells its number."""
    values: dict[Quantity, Value] = {Quantity.ACTIVE_POWER_W: power_w, Quantity.IMPORT_ENERGY_WH: float(number)}
    at = 1_700_000_000_000 + number * 1000 if wall_ms is None else wall_ms
    return Row(Reading(meter, at, number * 1000, State.OK, values, {}), event)


def build(draft: Draft) -> bytes:
    """Sign a draft."""
    return AUTHOR.envelope(draft, ClockQuality(st="U"), {})


def opened(folder: Path, bytes_max: int = BYTES_MAX, *, make: bool = False, **sizes: int) -> Outbox:
    """The outbox of a folder; `make` makes the folder."""
    if make:
        folder.mkdir()
    return Outbox(folder, GENESIS, bytes_max, **sizes)


def fill(outbox: Outbox, boot_id: str, numbers: Sequence[int], sign: Build = build) -> None:
    """One row, one envelope, for each number."""
    for number in numbers:
        outbox.add(boot_id, [row(number)])
        outbox.seal(sign, number)


def waiting(outbox: Outbox) -> list[bytes]:
    """Every envelope that waits."""
    return [raw for _, raw in outbox.peek(0, 1_000_000)]


def batches(raws: Sequence[bytes]) -> list[Batch]:
    """Their bodies; each signature is checked."""
    result = []
    for raw in raws:
        sealed = take_apart(raw)
        check_signature(sealed, KEY.public)
        result.append(parse(sealed.body, Batch))
    return result


def check_chain(raws: Sequence[bytes], start: Link | None = None) -> None:
    """Each envelope is the one after the last: no number twice, none missing, every hash right."""
    last = start or Link(0, GENESIS)
    for raw, batch in zip(raws, batches(raws), strict=True):
        assert check(last, batch.seq, batch.prev, digest(raw), None) == Linked()
        last = Link(batch.seq, digest(raw))
