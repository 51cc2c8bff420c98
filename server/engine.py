"""From accepted rows to findings, violations and coverage, inside the transaction that stores the rows.

Rules run on event time and keep their state in the database, so that a server killed in the middle goes on as if it
had not been. Rows that come late, behind others that were judged already, are judged with their surroundings from
the store and a fresh state; the same finding is found again, not twice.
"""

from collections.abc import Iterable
from itertools import groupby

import msgspec
from sqlmodel import Session, col, select

from server import spans, violations
from server.detect.finding import Finding
from server.detect.rules import MeterState, advance
from server.facts import Watched, WatchedCache
from server.series import series
from server.tables import Agent, Envelope, RuleState
from wire import envelope as envelopes
from wire.batch import Batch, Row, rows

LATE_CONTEXT_MS = 600_000
"""Late rows are judged together with so much on either side."""


class Raised(msgspec.Struct, frozen=True):
    """A violation that changed, and how."""

    violation_id: str
    seal_id: str
    change: violations.Change


class Judged(msgspec.Struct, frozen=True):
    """What a transaction changed.

    Attributes:
        seals: seals with new rows, coverage or violations.
        raised: violations that opened, grew, ended.
    """

    seals: set[str]
    raised: list[Raised]


class Engine:
    """The rules at work on one transaction."""

    def __init__(self, session: Session, now_ms: int, watched: WatchedCache) -> None:
        self.now_ms = now_ms
        self._session, self._watched = session, watched
        self._states: dict[str, dict[str, MeterState]] = {}
        self.judged = Judged(set(), [])

    def take(self, agent_id: str, batch: Batch, taken: list[Row]) -> None:
        """Judge the rows of an envelope that follows the ones judged before."""
        for name, meter_rows in _by_meter(taken):
            place = self._places(agent_id).get(name)
            if place is None:
                continue
            states = self._states_of(place.seal_id)
            key = f"{agent_id}/{name}"
            s = series(meter_rows, [batch.seq] * len(meter_rows), batch.per)
            outcome = advance(states.get(key, MeterState()), place.seal, place.meter, s)
            states[key] = outcome.state
            spans.put(self._session, place.seal_id, outcome.spans)
            self.found(agent_id, place, outcome.findings)

    def take_late(self, agent_id: str, batch: Batch, taken: list[Row]) -> None:
        """Judge rows that came behind others, with what surrounds them."""
        if not taken:
            return
        first, last = min(r.wall_ms for r in taken), max(r.wall_ms for r in taken)
        gathered = self._stored(agent_id, first - LATE_CONTEXT_MS, last + LATE_CONTEXT_MS)
        for name, place in self._places(agent_id).items():
            mine = [(row, seq) for row, seq in gathered if row.meter == name]
            if not mine:
                continue
            s = series([row for row, _ in mine], [seq for _, seq in mine], batch.per)
            outcome = advance(MeterState(), place.seal, place.meter, s)
            spans.put(self._session, place.seal_id, outcome.spans)
            self.found(agent_id, place, outcome.findings)

    def found(self, agent_id: str, place: Watched, findings: Iterable[Finding]) -> None:
        """Turn findings into violations."""
        self.judged.seals.add(place.seal_id)
        for finding in findings:
            violation, change = violations.apply(self._session, place.subject, agent_id, finding, self.now_ms)
            self.judged.raised.append(Raised(violation.id, place.seal_id, change))

    def places(self, agent: Agent) -> list[Watched]:
        """The meters of an agent."""
        return list(self._places(agent.id).values())

    def save(self) -> None:
        """Write the rules' states, once a transaction."""
        for seal_id, states in self._states.items():
            data = msgspec.json.encode(states)
            row = self._session.get(RuleState, seal_id)
            if row is None:
                self._session.add(RuleState(seal_id=seal_id, state=data))
            else:
                row.state = data

    def _places(self, agent_id: str) -> dict[str, Watched]:
        return self._watched.of(self._session, agent_id)

    def _states_of(self, seal_id: str) -> dict[str, MeterState]:
        if seal_id not in self._states:
            row = self._session.get(RuleState, seal_id)
            self._states[seal_id] = {} if row is None else msgspec.json.decode(row.state, type=dict[str, MeterState])
        return self._states[seal_id]

    def _stored(self, agent_id: str, first_ms: int, last_ms: int) -> list[tuple[Row, int]]:
        """Stored rows of an agent in a time, in the order of their numbers."""
        found = self._session.exec(
            select(Envelope)
            .where(Envelope.agent_id == agent_id)
            .where(col(Envelope.first_ms) <= last_ms, col(Envelope.last_ms) >= first_ms)
            .order_by(col(Envelope.seq))
        ).all()
        return [(row, stored.seq) for stored in found for row in opened(stored)[1]]


def opened(stored: Envelope) -> tuple[Batch, list[Row]]:
    """The batch and its rows, of an envelope that was verified when it was stored."""
    batch = envelopes.parse(envelopes.take_apart(stored.raw).body, Batch)
    return batch, rows(batch)


def _by_meter(taken: list[Row]) -> list[tuple[str, list[Row]]]:
    return [(name, list(group)) for name, group in groupby(taken, key=lambda row: row.meter)]
