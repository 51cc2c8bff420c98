"""Readings to signed bytes: one envelope with its place in the agent's chain."""

from collections.abc import Mapping, Sequence

import msgspec

from edge_agent.identity import Boot
from edge_agent.local_alarm import Event
from wire.batch import VERSION, Batch, Block, ClockQuality, block, encode
from wire.envelope import Kind, sign
from wire.keys import Signer, b64url
from wire.reading import Reading

Loss = tuple[int | None, int | None, int, str]
"""First and last number of dropped envelopes, rows dropped, reason."""


class Row(msgspec.Struct, frozen=True):
    """A reading that waits to be signed.

    Attributes:
        reading: as it came off the wire; raw words only where they travel; with the fingerprint in force.
        event: a Change that this reading shows, or empty.
        more: further events of it.
    """

    reading: Reading
    event: str = ""
    more: tuple[Event, ...] = ()

    @property
    def events(self) -> list[Event]:
        """All that it shows."""
        return [*([(self.event, ())] if self.event else []), *self.more]


class Draft(msgspec.Struct, frozen=True):
    """What one envelope will say, and its place.

    Attributes:
        boot: the run that took the rows.
        seq, prev: number, and SHA-256 of the previous envelope.
        rows: in the order taken.
        loss: what was dropped since the last envelope that told it.
        fin: the last envelope of a clean stop.
    """

    boot: Boot
    seq: int
    prev: bytes
    rows: Sequence[Row]
    loss: Sequence[Loss]
    fin: bool = False


class Author:
    """Signs for one agent of one deployment."""

    def __init__(self, deployment: str, agent: str, kid: str, signer: Signer) -> None:
        self._deployment, self._agent, self._kid, self._signer = deployment, agent, kid, signer

    def envelope(self, draft: Draft, clock: ClockQuality, health: Mapping[str, int]) -> bytes:
        """The signed bytes of a draft.

        Args:
            draft: what to say.
            clock: how far the rows' wall times can be trusted.
            health: counters by name.

        Raises:
            Malformed: the envelope would be too long; draft fewer rows.
        """
        return sign(encode(self._batch(draft, clock, health)), Kind.BATCH, self._kid, self._signer)

    def _batch(self, draft: Draft, clock: ClockQuality, health: Mapping[str, int]) -> Batch:
        first = draft.rows[0].reading if draft.rows else None
        t0_ms = first.wall_ms if first else 0
        return Batch(
            v=VERSION,
            dep=self._deployment,
            agt=self._agent,
            boot=draft.boot.id,
            bn=draft.boot.number,
            seq=draft.seq,
            prev=b64url(draft.prev),
            t0=first.wall_ms if first else None,
            mono=first.monotonic_ms if first else None,
            clk=clock,
            per=draft.boot.period_ms,
            mtr=_blocks(draft, t0_ms),
            sw=draft.boot.software,
            cfg=draft.boot.settings_digest,
            ev=[
                (row.reading.wall_ms - t0_ms, code, [row.reading.meter, *details])
                for row in draft.rows
                for code, details in row.events
            ],
            loss=list(draft.loss),
            hlt=dict(health),
            fin=draft.fin,
        )


def _blocks(draft: Draft, t0_ms: int) -> list[Block]:
    by_meter: dict[str, list[Reading]] = {}
    for row in draft.rows:
        by_meter.setdefault(row.reading.meter, []).append(row.reading)
    return [_block(readings, draft.boot, t0_ms) for readings in by_meter.values()]


def _block(readings: Sequence[Reading], boot: Boot, t0_ms: int) -> Block:
    facts = boot.meters[readings[0].meter]
    return block(
        readings,
        t0_ms=t0_ms,
        period_ms=boot.period_ms,
        profile=facts.profile,
        profile_digest=facts.digest,
        unit=facts.unit,
        keep_raw=True,
    )
