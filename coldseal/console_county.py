"""What the console's bench looks at: many sealed furnaces with a year of minutes, and one day of signed seconds.

Minutes are packed as the server packs them; the day's envelopes are signed and go through the server's own ingest.
The rest of the year is written as rows: signing 500 years of minutes would take weeks and change nothing that a page reads.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import insert
from sqlmodel import Session, SQLModel

from server import minutes
from server.detect.finding import Coverage
from server.ingest import Ingest
from server.message import Message
from server.settings import Settings
from server.store import Store
from server.tables import Agent, CoverageSpan, Enterprise, Furnace, Meter, MeterDay, Pledge, Seal, Site
from wire import batch, chain, envelope, topics
from wire.batch import Batch, ClockQuality
from wire.clock import Clock
from wire.keys import PrivateKey, b64url
from wire.quantities import Quantity
from wire.reading import Reading, State

DAY_MS = 86_400_000
DAYS = 365
COUNTIES = (
    "350102",
    "350103",
    "350104",
    "350105",
    "350111",
    "350112",
    "350121",
    "350122",
    "350123",
    "350124",
    "350125",
    "350181",
    "350128",
)
"""Fuzhou's thirteen."""

PATTERNS = 24
"""Different days of noise; a furnace's year takes them in an order of its own."""

GAP_EACH_DAYS = 15
RATED_W = 350_000.0
MELTING = "BENCH-0001"
"""The seal whose last day is there second by second, and whose furnace melts at its end."""

PROFILE = "eastron_sdm630"
Say = Callable[[str], None]
Rows = list[dict[str, Any]]


class Written(msgspec.Struct, frozen=True):
    """How much was written."""

    seals: int
    meter_days: int
    envelopes: int


def write(store: Store, settings: Settings, clock: Clock, seals: int, say: Say) -> Written:
    """Fill an empty database.

    Args:
        store: the server's, while the server does not run.
        settings: the server's.
        clock: what now means; the year ends there.
        seals: how many furnaces.
        say: told how far it is.
    """
    now_ms = clock.wall_ms()
    today_ms = int(minutes.day_starts_ms(np.array([now_ms]))[0])
    signer = _Signer("bench-agent-0001", settings.deployment)
    with store.transaction() as session:
        _write_registry(session, seals, today_ms, now_ms, signer)
    days = _write_minutes(store, seals, today_ms, say)
    envelopes = _write_day(store, settings, clock, signer, now_ms, say)
    return Written(seals, days, envelopes)


def seal_id(number: int) -> str:
    """The number of a furnace's seal."""
    return f"BENCH-{number:04}"


def _write_registry(session: Session, seals: int, today_ms: int, now_ms: int, signer: "_Signer") -> None:
    from_ms = today_ms - DAYS * DAY_MS
    numbers = range(1, seals + 1)
    _insert(session, Enterprise, [{"id": n, "name": f"示例铸造 {n} 厂"} for n in numbers])
    sites = [
        {"id": n, "enterprise_id": n, "name": f"{n} 号车间", "county_code": COUNTIES[n % len(COUNTIES)]}
        for n in numbers
    ]
    _insert(session, Site, sites)
    furnace = {
        "kind": "mf_coreless",
        "shell": "aluminium",
        "yoke": False,
        "tonnes": 0.5,
        "rated_kw": 350.0,
        "melts_scrap": True,
    }
    _insert(session, Furnace, [{"id": n, "site_id": n, "name": "1 号炉", **furnace} for n in numbers])
    term = {
        "break_position": "downstream",
        "from_ms": from_ms,
        "dismantle_by_ms": today_ms + 90 * DAY_MS,
        "paper_seals": "",
    }
    _insert(session, Seal, [{"id": seal_id(n), "furnace_id": n, **term} for n in numbers])
    _insert(
        session,
        Pledge,
        [{"seal_id": seal_id(n), "allowed_kw": 0.0, "signatory": "张三", "signed_ms": from_ms} for n in numbers],
    )
    meter = {
        "name": "m1",
        "role": "furnace",
        "profile": PROFILE,
        "ct_ratio": 200.0,
        "aux_powered": False,
        "caught_up": True,
    }
    _insert(session, Meter, [{"seal_id": seal_id(n), "agent_id": _agent_id(n), **meter} for n in numbers])
    session.add(signer.registered(from_ms))
    other = {
        "added_ms": from_ms,
        "ack_seq": 500_000,
        "detected_seq": 500_000,
        "heard_ms": now_ms,
        "last_row_ms": now_ms,
    }
    _insert(
        session,
        Agent,
        [{"id": _agent_id(n), "kid": f"{_agent_id(n)}#1", "public_key": "", **other} for n in numbers if n > 1],
    )
    spans = [span for n in numbers for span in _spans(n, from_ms, now_ms if n > 1 else now_ms - DAY_MS)]
    _insert(session, CoverageSpan, spans)


def _agent_id(number: int) -> str:
    return f"bench-agent-{number:04}"


def _spans(number: int, from_ms: int, to_ms: int) -> Iterator[dict[str, Any]]:
    """Off by the meter, with a gap each fortnight: some closed by the register, some not."""
    at_ms, gap = from_ms, 0
    while at_ms < to_ms:
        end_ms = min(at_ms + GAP_EACH_DAYS * DAY_MS + number * 60_000, to_ms)
        yield {
            "seal_id": seal_id(number),
            "from_ms": at_ms,
            "to_ms": end_ms,
            "state": Coverage.OFF.value,
            "reason": "metered",
        }
        at_ms, gap = min(end_ms + (number % 7 + 1) * 600_000, to_ms), gap + 1
        if at_ms > end_ms:
            state, reason = (Coverage.OFF, "register") if gap % 3 else (Coverage.UNPROVED, "no_data")
            yield {
                "seal_id": seal_id(number),
                "from_ms": end_ms,
                "to_ms": at_ms,
                "state": state.value,
                "reason": reason,
            }


def _write_minutes(store: Store, seals: int, today_ms: int, say: Say) -> int:
    """A year of minutes of each furnace: power, frequency and the energy register."""
    patterns = [(quantity, [_block(quantity, seed) for seed in range(PATTERNS)]) for quantity in _NOISE]
    for number in range(1, seals + 1):
        rows = [
            {"agent_id": _agent_id(number), "meter": "m1", "quantity": quantity.value,
             "day_ms": today_ms - day * DAY_MS, "block": blocks[(number * 7 + day) % PATTERNS]}
            for quantity, blocks in patterns
            for day in range(1, DAYS + 1)
            if number > 1 or day > 1  # the first one's last day is there second by second
        ]  # fmt: skip
        with store.transaction() as session:
            _insert(session, MeterDay, rows)
        if number % 50 == 0:
            say(f"minutes of {number} of {seals} furnaces written")
    return seals * DAYS * len(patterns)


_NOISE: dict[Quantity, Callable[[np.random.Generator], Any]] = {
    Quantity.ACTIVE_POWER_W: lambda dice: (dice.random((2, minutes.DAY_MINUTES)) < 0.02).cumsum(axis=0) * 20.0,
    Quantity.FREQUENCY_HZ: lambda dice: np.sort(
        np.round(50 + dice.normal(0, 0.02, (2, minutes.DAY_MINUTES)), 2), axis=0
    ),
    Quantity.IMPORT_ENERGY_WH: lambda dice: np.tile(
        np.full(minutes.DAY_MINUTES, 48_217_360.0) + dice.integers(0, 2), (3, 1)
    ),
}


def _block(quantity: Quantity, seed: int) -> bytes:
    planes = minutes.empty(quantity, minutes.DAY_MINUTES)
    noise = _NOISE[quantity](np.random.default_rng(seed))
    planes[: len(noise)] = noise
    if quantity is Quantity.ACTIVE_POWER_W:
        planes[minutes.WHY_PLANE] = np.nan
    if quantity is Quantity.IMPORT_ENERGY_WH:
        planes[minutes.LAST_AT] = np.arange(minutes.DAY_MINUTES) * minutes.MINUTE_MS
    return minutes.pack(planes)


def _write_day(store: Store, settings: Settings, clock: Clock, signer: "_Signer", now_ms: int, say: Say) -> int:
    """The first furnace's last day, a signed envelope a minute, through the ingest; in its last hour it melts."""
    ingest = Ingest(
        store, settings.deployment, PrivateKey.generate(), clock, silent_after_s=settings.silent_after_s, gap_wait_s=0.0
    )
    first_ms = (now_ms - DAY_MS) // 60_000 * 60_000
    count = 0
    for start_ms in range(first_ms, now_ms - 60_000, 60_000):
        ingest.take([signer.minute(start_ms, melting=start_ms > now_ms - 3_600_000)])
        count += 1
        if count % 360 == 0:
            say(f"{count} of 1439 minutes of seconds signed and stored")
    return count


class _Signer:
    """An agent's key and chain."""

    def __init__(self, name: str, deployment: str) -> None:
        self._name, self._deployment, self._kid = name, deployment, f"{name}#1"
        self._key = PrivateKey.generate()
        self._seq, self._energy_wh = 0, 48_217_360.0
        self._prev = chain.genesis(deployment, name, self._kid, self._key.public)

    def registered(self, added_ms: int) -> Agent:
        """Its row."""
        return Agent(
            id=self._name, kid=self._kid, public_key=str(self._key.public), added_ms=added_ms, ack_sha=self._prev
        )

    def minute(self, start_ms: int, *, melting: bool) -> Message:
        """Sixty readings as the broker would give them."""
        self._seq += 1
        rows = [self._row(start_ms + second * 1000, melting=melting) for second in range(60)]
        body = Batch(
            v=1, dep=self._deployment, agt=self._name, boot="00000000-0000-4000-8000-000000000001", bn=1, seq=self._seq,
            prev=b64url(self._prev), t0=start_ms, mono=0, clk=ClockQuality(st="S"), per=1000, sw="bench", cfg="bench",
            mtr=[batch.block(rows, t0_ms=start_ms, period_ms=1000, profile=PROFILE, profile_digest="", unit=1)], loss=[],
        )  # fmt: skip
        raw = envelope.sign(batch.encode(body), envelope.Kind.BATCH, self._kid, self._key)
        self._prev = envelope.digest(raw)
        return Message(topics.build(self._name, topics.Channel.UP), raw, start_ms + 60_000)

    def _row(self, at_ms: int, *, melting: bool) -> Reading:
        power = 320_000.0 + (at_ms // 1000 % 97) * 60.0 if melting else 0.0
        self._energy_wh += power / 3600
        voltages = dict.fromkeys(_VOLTAGES, 230.0 + (at_ms // 1000 % 13) / 10)
        values = voltages | {
            Quantity.ACTIVE_POWER_W: power,
            Quantity.FREQUENCY_HZ: 50.0 + (at_ms // 1000 % 5 - 2) / 100,
            Quantity.IMPORT_ENERGY_WH: round(self._energy_wh),
        }
        return Reading("m1", at_ms, at_ms, State.OK, {**values}, {})


_VOLTAGES = (Quantity.VOLTAGE_L1_V, Quantity.VOLTAGE_L2_V, Quantity.VOLTAGE_L3_V)


def _insert(session: Session, table: type[SQLModel], rows: Rows) -> None:
    if rows:
        session.execute(insert(table), rows)
