"""From accepted rows to findings, violations and coverage, inside the transaction that stores the rows.

Rules run on event time and keep their state in the database, so that a server killed in the middle goes on as if it
had not been. Rows that come late, behind others that were judged already, are judged with their surroundings from
the store; what they show joins the finding that it overlaps.
"""

from collections.abc import Iterable
from itertools import groupby

import msgspec
from sqlmodel import Session, col, select

from server import notify, spans, violations
from server.detect import resumed_power
from server.detect.finding import Finding
from server.detect.rules import MeterState, Outcome, advance
from server.facts import Watched, WatchedCache, watched
from server.series import Taken, series
from server.tables import Agent, Envelope, Meter, RuleState, Violation
from wire import envelope as envelopes
from wire.batch import Batch, Row, rows

AT_ONCE = 200
"""Envelopes that are in memory together while a long time is judged again."""

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

    def take(self, agent_id: str, batch: Batch, taken: list[Row], received_ms: int) -> None:
        """Judge the rows of an envelope that follows the ones judged before."""
        for name, meter_rows in _by_meter(taken):
            place = self._places(agent_id).get(name)
            if place is None:
                continue
            s = series(meter_rows, [batch.seq] * len(meter_rows), _how(batch, received_ms))
            outcome = advance(self._state(place, agent_id), place.seal, place.meter, s)
            self._states_of(place.seal_id)[f"{agent_id}/{name}"] = outcome.state
            self._keep(agent_id, place, outcome)

    def take_late(self, agent_id: str, taken: list[Row]) -> None:
        """Judge rows that came behind others, with what surrounds them; the state of the live rules stays."""
        if not taken:
            return
        first, last = min(r.wall_ms for r in taken), max(r.wall_ms for r in taken)
        for place in self._places(agent_id).values():
            live = self._state(place, agent_id)
            start = MeterState(resumed=resumed_power.State(live.resumed.baseline))
            outcome, seen = self._judge_stored(agent_id, place, start, first - LATE_CONTEXT_MS, last + LATE_CONTEXT_MS)
            moved_on = live.covered.last_ms is not None and seen < live.covered.last_ms
            findings = [_ended(f) if moved_on else f for f in outcome.findings]
            self._keep(agent_id, place, msgspec.structs.replace(outcome, findings=findings))

    def catch_up_new_meters(self) -> None:
        """Judge what was stored under a seal before its meter was registered."""
        for meter in self._session.exec(select(Meter).where(col(Meter.caught_up).is_(False))).all():
            place = watched(self._session, meter.agent_id)[meter.name]
            outcome, _ = self._judge_stored(meter.agent_id, place, MeterState(), place.seal.from_ms, self.now_ms)
            self._states_of(place.seal_id)[f"{meter.agent_id}/{meter.name}"] = outcome.state
            self._keep(meter.agent_id, place, outcome)
            meter.caught_up = True
            self._session.add(meter)

    def _judge_stored(
        self, agent_id: str, place: Watched, start: MeterState, first_ms: int, last_ms: int
    ) -> tuple[Outcome, int]:
        """Stored rows of one meter in a time, judged from a state, and the newest row's time."""
        found = self._session.exec(
            select(Envelope)
            .where(Envelope.agent_id == agent_id)
            .where(col(Envelope.first_ms) <= last_ms, col(Envelope.last_ms) >= first_ms)
            .order_by(col(Envelope.seq))
            .execution_options(yield_per=AT_ONCE)
        )
        whole, seen = Outcome(start, [], []), first_ms
        for stored in found:
            batch, all_rows = opened(stored)
            mine = [row for row in all_rows if row.meter == place.meter.name]
            if not mine:
                continue
            seen = max(seen, *(row.wall_ms for row in mine))
            s = series(mine, [stored.seq] * len(mine), _how(batch, stored.received_ms))
            one = advance(whole.state, place.seal, place.meter, s)
            whole = Outcome(one.state, [*whole.findings, *one.findings], [*whole.spans, *one.spans])
        return whole, seen

    def _keep(self, agent_id: str, place: Watched, outcome: Outcome) -> None:
        spans.put(self._session, place.seal_id, outcome.spans)
        self.found(agent_id, place, outcome.findings)

    def _state(self, place: Watched, agent_id: str) -> MeterState:
        return self._states_of(place.seal_id).get(f"{agent_id}/{place.meter.name}", MeterState())

    def found(self, agent_id: str, place: Watched, findings: Iterable[Finding]) -> None:
        """Turn findings into violations."""
        self.judged.seals.add(place.seal_id)
        for finding in findings:
            violation, change = violations.apply(self._session, place.subject, agent_id, finding, self.now_ms)
            notify.note(self._session, violation, change, self.now_ms)
            self.judged.raised.append(Raised(violation.id, place.seal_id, change))

    def ended(self, over: Iterable[Violation]) -> None:
        """Tell of violations that ended without a finding."""
        for violation in over:
            notify.note(self._session, violation, violations.Change.ENDED, self.now_ms)
            self.judged.raised.append(Raised(violation.id, violation.seal_id, violations.Change.ENDED))

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


def opened(stored: Envelope) -> tuple[Batch, list[Row]]:
    """The batch and its rows, of an envelope that was verified when it was stored."""
    batch = envelopes.parse(envelopes.take_apart(stored.raw).body, Batch)
    return batch, rows(batch)


def _how(batch: Batch, received_ms: int) -> Taken:
    return Taken(batch.per, received_ms, batch.boot, clock_stepped=batch.clk.step != 0)


def _ended(finding: Finding) -> Finding:
    """A finding that live rows have left behind."""
    return finding if finding.ended_ms is not None else msgspec.structs.replace(finding, ended_ms=finding.last_ms)


def _by_meter(taken: list[Row]) -> list[tuple[str, list[Row]]]:
    return [(name, list(group)) for name, group in groupby(taken, key=lambda row: row.meter)]
