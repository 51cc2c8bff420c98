"""A seal's readings as a table for a spreadsheet: streamed, units in the head, what is missing empty with its reason."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from sqlmodel import col, select

from server import meter_rows, rollup
from server.curve import NO_DATA
from server.detect.energy_in_gap import is_gap
from server.minutes import DAY_MS, HIGH, LAST, LOW, MINUTE_MS, PLANES, WHY, WHY_PLANE, Minutes
from server.store import Store
from server.tables import Envelope, Meter
from wire.clock import beijing, iso
from wire.quantities import Quantity

RAW_MAX_MS = DAY_MS
"""Up to a day every poll is a line; beyond, every minute is."""

_AT_ONCE = 120
"""Envelopes that are decoded in one transaction."""

_BOM = "\ufeff"
"""Without it spreadsheets take UTF-8 for something else."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so would be run as a formula."""

_COLUMNS: Final = (
    (Quantity.ACTIVE_POWER_W, "power", "kW", 1000.0),
    (Quantity.FREQUENCY_HZ, "frequency", "Hz", 1.0),
    (Quantity.WATER_FLOW_M3_H, "water_flow", "m3_h", 1.0),
    (Quantity.IMPORT_ENERGY_WH, "import_energy", "kWh", 1000.0),
)


def file_name(seal_id: str, from_ms: int, to_ms: int) -> str:
    """What the file is called: letters and digits only, since a number may come from a table of somebody's."""
    name = re.sub(r"[^A-Za-z0-9-]+", "_", seal_id)
    return f"coldseal_{name}_{beijing(from_ms):%Y%m%dT%H%M%S}_{beijing(to_ms):%Y%m%dT%H%M%S}.csv"


def lines(store: Store, meters: Sequence[Meter], from_ms: int, to_ms: int) -> Iterator[str]:
    """The table, a part at a time, each read in a transaction of its own.

    Args:
        store: the database.
        meters: whose readings, one after the other.
        from_ms: first time.
        to_ms: last time.
    """
    if to_ms - from_ms <= RAW_MAX_MS:
        yield _BOM + _text([_raw_head()])
        for meter in meters:
            yield from _polls(store, meter, from_ms, to_ms)
        return
    yield _BOM + _text([_minute_head()])
    for meter in meters:
        yield from _minutes(store, meter, from_ms - from_ms % MINUTE_MS, to_ms)


def _raw_head() -> list[str]:
    return ["t", "meter", *(f"{name}_{unit}" for _, name, unit, _ in _COLUMNS), "reason", "agent", "envelope_seq"]


def _minute_head() -> list[str]:
    both = [f"{name}_{which}_{unit}" for _, name, unit, _ in _COLUMNS[:3] for which in ("min", "max")]
    return ["t", "meter", *both, "import_energy_last_kWh", "reason", "agent"]


def _polls(store: Store, meter: Meter, from_ms: int, to_ms: int) -> Iterator[str]:
    """Each poll; where nothing was observed, one line with the reason."""
    upto, last_ms, period_ms = -1, from_ms, 0
    while True:
        with store.transaction() as session:
            found = session.exec(
                select(Envelope.seq, Envelope.raw)
                .where(Envelope.agent_id == meter.agent_id, col(Envelope.seq) > upto)
                .where(col(Envelope.first_ms) <= to_ms, col(Envelope.last_ms) >= from_ms)
                .order_by(col(Envelope.seq))
                .limit(_AT_ONCE)
            ).all()
        if not found:
            break
        rows: list[list[str]] = []
        for seq, raw in found:
            for t_ms, period_ms, row in _rows(meter, seq, raw, from_ms, to_ms):
                if is_gap(last_ms, t_ms, period_ms):
                    rows.append(_nothing(meter, last_ms if last_ms == from_ms else last_ms + period_ms))
                rows.append(row)
                last_ms = t_ms
        upto = found[-1][0]
        yield _text(rows)
    if is_gap(last_ms, to_ms, period_ms):  # nothing at all where no period was ever told
        yield _text([_nothing(meter, last_ms if last_ms == from_ms else last_ms + period_ms)])


def _rows(meter: Meter, seq: int, raw: bytes, from_ms: int, to_ms: int) -> Iterator[tuple[int, int, list[str]]]:
    """Time, nominal period and line of each poll of one meter in an envelope."""
    found = [(meter_rows.decoded(raw, meter.name, quantity), factor) for quantity, _, _, factor in _COLUMNS]
    power = found[0][0]
    if power is None:
        return
    for i, t_ms in enumerate(power.t_ms.tolist()):
        if not from_ms <= t_ms <= to_ms:
            continue
        values = [_number(polls.values[i] / factor) for polls, factor in found if polls is not None]
        reasons = {str(polls.reasons[i]) for polls, _ in found if polls is not None} - {"", "not_asked"}
        row = [iso(t_ms), safe(meter.name), *values, ";".join(sorted(reasons)), safe(meter.agent_id), str(seq)]
        yield t_ms, int(power.period_ms[i]), row


def _minutes(store: Store, meter: Meter, from_ms: int, to_ms: int) -> Iterator[str]:
    """Each minute, a day at a time."""
    for start_ms in range(from_ms, to_ms, DAY_MS):
        end_ms = min(to_ms, start_ms + DAY_MS)
        with store.transaction() as session:
            wanted = {meter.name: list(PLANES)}
            stored = rollup.read(session, meter.agent_id, wanted, start_ms, end_ms, _TAIL_MAX)
        found = {quantity: stored.minutes(meter.name, quantity, start_ms, end_ms) for quantity in PLANES}
        yield _text(_minute_rows(meter, found))


_TAIL_MAX = 20_000
"""A day holds no more envelopes that are in no minutes yet; one of ten a minute would hold 14,400."""


def _minute_rows(meter: Meter, found: dict[Quantity, Minutes]) -> Iterator[list[str]]:
    energy, power = found[Quantity.IMPORT_ENERGY_WH], found[Quantity.ACTIVE_POWER_W]
    nothing = np.all([np.isnan(minutes.planes[LOW]) for minutes in found.values()], axis=0)
    for i, t_ms in enumerate(power.starts_ms.tolist()):
        both = [
            _number(found[quantity].planes[plane, i] / factor)
            for quantity, _, _, factor in _COLUMNS[:3]
            for plane in (LOW, HIGH)
        ]
        why = power.planes[WHY_PLANE, i]
        reason = WHY[int(why)].value if not np.isnan(why) else NO_DATA if nothing[i] else ""
        yield [
            iso(t_ms),
            safe(meter.name),
            *both,
            _number(energy.planes[LAST, i] / 1000.0),
            reason,
            safe(meter.agent_id),
        ]


def _nothing(meter: Meter, t_ms: int) -> list[str]:
    return [iso(t_ms), safe(meter.name), *[""] * len(_COLUMNS), NO_DATA, safe(meter.agent_id), ""]


def _number(value: float) -> str:
    """A number without needless digits; nothing for what was not read."""
    return "" if np.isnan(value) else f"{value:.6f}".rstrip("0").rstrip(".")


def safe(text: str) -> str:
    """A text that no spreadsheet runs."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _text(rows: Iterator[list[str]] | Sequence[list[str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerows(rows)
    return buffer.getvalue()
