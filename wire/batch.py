"""The BODY of a batch: what one agent read of its meters, in columns of scaled integers. FORMAT.md has each field."""

from collections.abc import Sequence

import msgspec

from wire.columns import Cell, Column, pack, unpack
from wire.errors import Malformed, UnknownVersion
from wire.fingerprint import UNKNOWN, Fingerprint, merged
from wire.limits import (
    CELLS_MAX,
    EXPONENT_MAX,
    LOSSES_MAX,
    METERS_MAX,
    PERIOD_MS_MAX,
    ROWS_MAX,
    WALL_MS_MAX,
)
from wire.quantities import Quantity, exponent, largest
from wire.reading import Reading, Reason, State, Unreadable, Value

VERSION = 1

_NAMES = frozenset(Quantity)


class ClockQuality(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the agent's wall clock can be trusted (OCMF's U, I, S, R)."""

    st: str
    src: str = ""
    off: int | None = None
    err: int | None = None
    step: int = 0


class Block(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rows of one meter.

    Attributes:
        id: the meter in the agent's settings.
        prof, map: profile name and the SHA-256 of its text (base64url).
        ser, fw, ct, pt, mdl, hw, wir: what the meter itself told of its identity, ratios and wiring, or null.
        chg: what the meter counts of changes made to it, restarts and power losses, by name.
        uid: Modbus unit.
        n: number of rows.
        dt: milliseconds of each row after t0, less its index times `per`.
        q: one state letter a row; one letter alone stands for every row.
        cols: name, decimal exponent and column of each quantity.
        why: for cells that are null: reason, column index, first row, number of rows.
        raw: for rows of an event: row index, block ("FC:ADDRESS"), hex words.
    """

    id: str
    prof: str
    map: str
    uid: int
    n: int
    dt: Column
    q: str
    cols: list[tuple[str, int, Column]]
    ser: str | None = None
    fw: str | None = None
    ct: int | None = None
    pt: int | None = None
    mdl: str | None = None
    hw: str | None = None
    wir: str | None = None
    chg: dict[str, int] = {}
    why: list[tuple[str, int, int, int]] = []
    raw: list[tuple[int, str, str]] = []


class Batch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One agent's readings between two envelopes.

    Attributes:
        v: format version.
        dep: deployment; an envelope of another one is refused.
        agt: agent.
        boot, bn: boot id and boot counter of the program run that took the rows.
        seq: lifetime counter, never reset.
        prev: SHA-256 (b64url) of the previous whole envelope; of the key's registration for the first.
        t0: wall time of row 0 in ms; null in an envelope without rows.
        mono: monotonic time at t0 in ms.
        clk: clock quality.
        per: nominal poll period in ms.
        mtr: rows by meter.
        ev: events: ms after t0, code, details.
        loss: what the agent had to drop: first and last seq of dropped envelopes, rows dropped, reason.
        hlt: the agent's health, counters by name.
        sw, cfg: release, and SHA-256 (base64url) of the settings in force.
        after: newest log checkpoint seen: size and root, or null.
        fin: the last envelope of a clean stop.
    """

    v: int
    dep: str
    agt: str
    boot: str
    bn: int
    seq: int
    prev: str
    t0: int | None
    mono: int | None
    clk: ClockQuality
    per: int
    mtr: list[Block]
    sw: str
    cfg: str
    ev: list[tuple[int, str, list[int | str]]] = []
    loss: list[tuple[int | None, int | None, int, str]] = []
    hlt: dict[str, int] = {}
    after: tuple[int, str] | None = None
    fin: bool = False


class Row(msgspec.Struct, frozen=True):
    """One poll of one meter as it came off the wire."""

    meter: str
    index: int
    wall_ms: int
    state: State
    values: dict[Quantity, Value]


def encode(batch: Batch) -> bytes:
    """The BODY's bytes; what is signed and sent is exactly this."""
    return msgspec.json.encode(batch)


def block(  # noqa: PLR0913 - the parts of one block, each once
    readings: Sequence[Reading],
    *,
    t0_ms: int,
    period_ms: int,
    profile: str,
    profile_digest: str,
    unit: int,
    serial: str | None = None,
    firmware: str | None = None,
    keep_raw: bool = False,
) -> Block:
    """The block of one meter's readings (at least one, all of the same meter, in the order taken).

    Identity and ratios are the newest that the readings' fingerprints and values tell; `serial` and `firmware` come
    before them. A quantity that none of them asked for has no column: that is the most of an envelope's bytes saved.
    """
    not_asked = Unreadable(Reason.NOT_ASKED)
    quantities = [q for q in Quantity if any(r.values.get(q, not_asked) != not_asked for r in readings)]
    cols: list[tuple[str, int, Column]] = []
    why: list[tuple[str, int, int, int]] = []
    for index, quantity in enumerate(quantities):
        values = [_sendable(r.values.get(quantity, not_asked), quantity) for r in readings]
        cols.append((quantity.value, exponent(quantity), pack([_scaled(v, exponent(quantity)) for v in values])))
        why += _reasons(index, values)
    states = "".join(r.state.value for r in readings)
    told = _fingerprint(readings)
    ct, pt = _latest(readings, Quantity.CT_RATIO), _latest(readings, Quantity.PT_RATIO)
    return Block(
        id=readings[0].meter,
        prof=profile,
        map=profile_digest,
        uid=unit,
        n=len(readings),
        dt=pack([r.wall_ms - t0_ms - i * period_ms for i, r in enumerate(readings)]),
        q=states[0] if len(set(states)) == 1 else states,
        cols=cols,
        ser=serial or told.serial,
        fw=firmware or told.firmware,
        ct=told.ct if ct is None else ct,
        pt=told.pt if pt is None else pt,
        mdl=told.model,
        hw=told.hardware,
        wir=told.wiring,
        chg=dict(told.counts),
        why=why,
        raw=[(i, at, words) for i, r in enumerate(readings) for at, words in r.raw.items()] if keep_raw else [],
    )


def rows(batch: Batch) -> list[Row]:
    """Every row of a batch, meter by meter, in the order taken.

    Raises:
        UnknownVersion: a version that this release does not read.
        Malformed: counts, letters, names or reasons that the format does not know.
    """
    if batch.v != VERSION:
        raise UnknownVersion(f"body: expected version {VERSION}, got {batch.v}; update the server")
    if len(batch.mtr) > METERS_MAX or (batch.mtr and batch.t0 is None):
        raise Malformed(f"body: expected at most {METERS_MAX} meters and a t0 with them, got {len(batch.mtr)}")
    if sum(abs(b.n) * (len(b.cols) + 1) for b in batch.mtr) > CELLS_MAX or not 1 <= batch.per <= PERIOD_MS_MAX:
        raise Malformed(f"body: expected at most {CELLS_MAX} values and a period of 1 to {PERIOD_MS_MAX} ms")
    _check_loss(batch)
    return [row for b in batch.mtr for row in _block_rows(b, batch.t0 or 0, batch.per)]


def _check_loss(batch: Batch) -> None:
    """A loss names numbers before its own envelope's, or none."""
    if len(batch.loss) > LOSSES_MAX:
        raise Malformed(f"loss: expected at most {LOSSES_MAX} entries, got {len(batch.loss)}")
    for first, last, count, _ in batch.loss:
        numbered = first is not None and last is not None and 1 <= first <= last < batch.seq
        if count < 0 or not (numbered or (first is None and last is None)):
            raise Malformed(
                f"loss: expected numbers below {batch.seq} in order and rows, got {first} to {last}, {count}"
            )


def _block_rows(b: Block, t0_ms: int, period_ms: int) -> list[Row]:
    if not 1 <= b.n <= ROWS_MAX or len(b.q) not in (1, b.n):
        raise Malformed(f"meter {b.id}: expected 1 to {ROWS_MAX} rows with a letter each, got {b.n} and {len(b.q)}")
    offsets, columns, reasons = unpack(b.dt, b.n), _known_columns(b), _reason_map(b)
    result = []
    for i in range(b.n):
        offset = offsets[i]
        wall_ms = -1 if offset is None else t0_ms + i * period_ms + offset
        if not 0 <= wall_ms <= WALL_MS_MAX:
            raise Malformed(f"meter {b.id}: row {i} has no time between 1970 and 9999")
        values: dict[Quantity, Value] = {
            q: reasons.get((c, i), Unreadable(Reason.NOT_ASKED)) if cells[i] is None else unscale(cells[i], power)
            for c, q, power, cells in columns
        }
        letter = b.q if len(b.q) == 1 else b.q[i]
        if letter not in tuple(State):
            raise Malformed(f"meter {b.id}: row {i}: expected a state of {', '.join(State)}, got {letter!r}")
        result.append(Row(b.id, i, wall_ms, State(letter), values))
    return result


def _known_columns(b: Block) -> list[tuple[int, Quantity, int, list[Cell]]]:
    """Index, quantity, exponent and cells; what only a newer agent knows is left to the verbatim bytes."""
    columns: list[tuple[int, Quantity, int, list[Cell]]] = []
    names = [name for name, _, _ in b.cols]
    if len(set(names)) != len(names):
        raise Malformed(f"meter {b.id}: cols: a quantity is given twice")
    for index, (name, power, column) in enumerate(b.cols):
        if abs(power) > EXPONENT_MAX:
            raise Malformed(f"meter {b.id}: {name[:40]}: expected an exponent of at most {EXPONENT_MAX}, got {power}")
        if name in _NAMES:
            columns.append((index, Quantity(name), power, unpack(column, b.n)))
    return columns


def _reason_map(b: Block) -> dict[tuple[int, int], Unreadable]:
    reasons: dict[tuple[int, int], Unreadable] = {}
    if sum(abs(count) for _, _, _, count in b.why) > b.n * len(b.cols):
        raise Malformed(f"meter {b.id}: why: expected at most one reason a cell, {b.n * len(b.cols)} in all")
    for text, column, first, count in b.why:
        if not 0 <= column < len(b.cols):
            raise Malformed(f"meter {b.id}: why: expected a column of 0 to {len(b.cols) - 1}, got {column}")
        if text not in tuple(Reason) or first < 0 or count < 1 or first + count > b.n:
            raise Malformed(f"meter {b.id}: why: unknown reason {text[:30]!r} or rows outside 0 to {b.n}")
        reasons.update(((column, i), Unreadable(Reason(text))) for i in range(first, first + count))
    return reasons


def unscale(cell: int | None, power: int) -> float:
    """The value of a cell; division keeps decimal fractions as near as a float can."""
    if cell is None:
        raise Malformed("cell: null has no value")
    return cell / 10**-power if power < 0 else float(cell * 10**power)


def _sendable(value: Value, quantity: Quantity) -> Value:
    """The value, unless its integer would be one that no reader keeps exactly: then nobody could read the envelope."""
    if isinstance(value, Unreadable) or abs(value) <= largest(quantity):
        return value
    return Unreadable(Reason.OUT_OF_RANGE)


def _scaled(value: Value, power: int) -> Cell:
    return None if isinstance(value, Unreadable) else round(value * 10**-power if power < 0 else value / 10**power)


def _reasons(column: int, values: Sequence[Value]) -> list[tuple[str, int, int, int]]:
    runs: list[tuple[str, int, int, int]] = []
    for i, value in enumerate(values):
        if not isinstance(value, Unreadable) or value.reason is Reason.NOT_ASKED:
            continue
        if runs and runs[-1][0] == value.reason.value and runs[-1][2] + runs[-1][3] == i:
            runs[-1] = (*runs[-1][:3], runs[-1][3] + 1)
        else:
            runs.append((value.reason.value, column, i, 1))
    return runs


def _fingerprint(readings: Sequence[Reading]) -> Fingerprint:
    """The newest of each fact."""
    known = UNKNOWN
    for reading in readings:
        if reading.fingerprint is not None and reading.fingerprint is not known:
            known = merged(known, reading.fingerprint)
    return known


def _latest(readings: Sequence[Reading], quantity: Quantity) -> Cell:
    """The last value that was read, scaled as the quantity travels."""
    for reading in reversed(readings):
        value = _sendable(reading.values.get(quantity, Unreadable(Reason.NOT_ASKED)), quantity)
        if not isinstance(value, Unreadable):
            return _scaled(value, exponent(quantity))
    return None
