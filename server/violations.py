"""Joining what the rules found to violations: one event becomes one violation that grows stronger.

A finding of the same seal and family joins a violation that was never dismissed or closed. The id comes from the seal,
the family and the first sample, so that a replay after a crash finds the same one. What people do to a violation is in
`life.py`.
"""

import base64
import hashlib
from enum import StrEnum

import msgspec
from sqlmodel import Session, col, func, or_, select

from server import findings
from server.detect.finding import POWER, SEVERITY, Code, Finding, Severity
from server.sentences import Subject, sentence
from server.standing import SETTLED, SYSTEM, transitions, unseen_since_ms
from server.tables import Agent, StoredFinding, Transition, Violation

AGAIN = "again"
"""Stands before the code where something came back after it had ended and was seen."""


class Change(StrEnum):
    """What a finding did to the violations, and so why someone is told."""

    OPENED = "opened"
    STRONGER = "stronger"
    GREW = "grew"
    ENDED = "ended"
    SAME = "same"


def apply(session: Session, subject: Subject, agent_id: str, finding: Finding, now_ms: int) -> tuple[Violation, Change]:
    """Join a finding to the violation that it belongs to, or open one.

    Args:
        session: the transaction.
        subject: whose furnace, for the sentence.
        agent_id: whose envelopes hold the evidence.
        finding: what a rule saw.
        now_ms: server time.
    """
    stored = _known(session, subject.seal_id, agent_id, finding)
    if stored is None:
        violation, change = _violation_for(session, subject, agent_id, finding, now_ms)
        session.add_all([violation, findings.stored(violation.id, subject.seal_id, agent_id, finding)])
        violation.ended_ms = findings.ended_ms(session, violation.id)
        return violation, change
    violation = session.get_one(Violation, stored.violation_id, with_for_update=True)
    cut_ms = _cut_ms(session, violation)
    if cut_ms is not None and finding.last_ms > cut_ms:  # settling it does not end the draw
        going_on = msgspec.structs.replace(finding, first_ms=cut_ms + 1, raised_ms=finding.last_ms)
        if finding.ended_ms is None or _known(session, subject.seal_id, agent_id, going_on) is not None:
            return apply(session, subject, agent_id, going_on, now_ms)
    return violation, _grow(session, violation, stored, subject, finding, joins=cut_ms is None)


def called_silent(session: Session) -> list[tuple[str, Agent]]:
    """Seals and agents of which a finding says that they are silent now."""
    found = session.exec(
        select(StoredFinding.seal_id, Agent)
        .join(Agent, col(StoredFinding.agent_id) == col(Agent.id))
        .where(StoredFinding.code == Code.SILENT.value, col(StoredFinding.ended_ms).is_(None))
    ).all()
    return [(seal_id, agent) for seal_id, agent in found]


def end(session: Session, seal_id: str, code: Code, agent_id: str, ended_ms: int) -> list[Violation]:
    """Mark findings of an agent that go on as ended.

    Returns:
        The violations that ended with them, but for those that are dismissed or closed, and those of which another
        finding goes on.
    """
    going_on = select(StoredFinding).where(
        StoredFinding.seal_id == seal_id,
        StoredFinding.code == code.value,
        StoredFinding.agent_id == agent_id,
        col(StoredFinding.ended_ms).is_(None),
    )
    over = dict[str, Violation]()
    for stored in session.exec(going_on).all():
        stored.ended_ms = ended_ms
        over[stored.violation_id] = session.get_one(Violation, stored.violation_id, with_for_update=True)
    for violation in over.values():
        violation.ended_ms = findings.ended_ms(session, violation.id)
    return [one for one in over.values() if one.ended_ms is not None and one.state not in SETTLED]


def _known(session: Session, seal_id: str, agent_id: str, finding: Finding) -> StoredFinding | None:
    """The same finding as it was stored: the same first sample, or (of late rows) a time that overlaps."""
    same = session.exec(
        select(StoredFinding)
        .where(StoredFinding.seal_id == seal_id, StoredFinding.code == finding.code.value)
        .where(StoredFinding.agent_id == agent_id, StoredFinding.meter == finding.meter)
        .where(StoredFinding.note == finding.note)
        .where(
            col(StoredFinding.first_ms) <= finding.last_ms,
            or_(col(StoredFinding.last_ms) >= finding.first_ms, StoredFinding.first_ms == finding.first_ms),
        )
        .order_by(col(StoredFinding.first_ms))
    ).all()
    exact = [stored for stored in same if stored.first_ms == finding.first_ms]
    return next((one for one in [*exact, *same] if not _is_cut_off(session, one, finding)), None)


def _is_cut_off(session: Session, stored: StoredFinding, finding: Finding) -> bool:
    """Whether a finding begins after the violation of a stored one takes in no more."""
    cut_ms = _cut_ms(session, session.get_one(Violation, stored.violation_id))
    return cut_ms is not None and cut_ms < finding.first_ms


def _cut_ms(session: Session, violation: Violation) -> int | None:
    """Up to which event time a violation takes in findings, from when it was dismissed or closed for the first time.

    An agent's clock may be ahead of the server's: what was seen before that step belongs to it whatever its time says.
    """
    settled_ms: int | None = session.exec(
        select(func.min(Transition.at_ms)).where(
            Transition.violation_id == violation.id, Transition.kind == "step", col(Transition.to_state).in_(SETTLED)
        )
    ).one()
    return None if settled_ms is None else max(settled_ms, violation.last_ms)


def _violation_for(
    session: Session, subject: Subject, agent_id: str, finding: Finding, now_ms: int
) -> tuple[Violation, Change]:
    family = POWER if finding.code in POWER else (finding.code,)
    settled = select(Transition.violation_id).where(
        Transition.kind == "step", col(Transition.to_state).in_(SETTLED), Transition.violation_id == Violation.id
    )
    present = session.exec(
        select(Violation)
        .where(Violation.seal_id == subject.seal_id, ~settled.exists())
        .where(col(Violation.code).in_([code.value for code in family]))
        .order_by(col(Violation.first_ms).desc())
        .with_for_update()
    ).first()
    if present is None:
        return _opened(session, subject, agent_id, finding, now_ms), Change.OPENED
    return present, _join(session, present, subject, finding, now_ms)


def _join(session: Session, present: Violation, subject: Subject, finding: Finding, now_ms: int) -> Change:
    """Let a violation grow by a finding that it did not have yet."""
    stronger = _rank(finding.code) > _rank(Code(present.code))
    again = present.ended_ms is not None and finding.first_ms > present.ended_ms
    if stronger or finding.code == present.code:
        _say(present, subject, finding)
    if stronger:
        worse = present.severity == Severity.AMBER.value and finding.severity is Severity.RED
        _needs_a_person(session, present, f"{present.code} → {finding.code.value}", now_ms, reopened=worse)
        present.code, present.severity = finding.code.value, finding.severity.value
    elif again and unseen_since_ms(transitions(session, [present.id])) is None:
        _needs_a_person(session, present, f"{AGAIN} → {finding.code.value}", now_ms, reopened=False)
        stronger = True
    _stretch(present, finding)
    return Change.STRONGER if stronger else Change.GREW


def _needs_a_person(session: Session, present: Violation, reason: str, now_ms: int, *, reopened: bool) -> None:
    """Write down that what people saw of it is no longer all; amber that turned red begins its life anew."""
    was = present.state
    if reopened:
        present.state, present.verdict = "open", None
    session.add(_own(present.id, was, present.state, reason, now_ms, kind="stronger"))


def _opened(session: Session, subject: Subject, agent_id: str, finding: Finding, now_ms: int) -> Violation:
    zh, en = sentence(subject, finding)
    violation = Violation(
        id=_free_id(session, subject.seal_id, agent_id, finding),
        seal_id=subject.seal_id,
        code=finding.code.value,
        severity=SEVERITY[finding.code].value,
        state="open",
        first_ms=finding.first_ms,
        raised_ms=finding.raised_ms,
        last_ms=finding.last_ms,
        ended_ms=finding.ended_ms,
        detected_ms=now_ms,
        reason_zh=zh,
        reason_en=en,
    )
    session.add(violation)
    session.flush()
    session.add(_own(violation.id, None, "open", finding.code.value, now_ms))
    return violation


def _grow(
    session: Session, violation: Violation, stored: StoredFinding, subject: Subject, finding: Finding, *, joins: bool
) -> Change:
    """Let a stored finding grow, and its violation with it where that still takes it in."""
    before = (stored.first_ms, stored.last_ms, stored.ended_ms)
    if finding.last_ms >= stored.last_ms:
        stored.last_ms, stored.ended_ms, stored.last_seq = finding.last_ms, finding.ended_ms, finding.last_seq
    if finding.first_ms < stored.first_ms:
        stored.first_ms, stored.first_seq = finding.first_ms, finding.first_seq
    stored.peak = max(stored.peak, finding.peak)
    if finding.energy_wh is not None:
        stored.energy_wh = max(stored.energy_wh or 0.0, finding.energy_wh)
    if before == (stored.first_ms, stored.last_ms, stored.ended_ms):
        return Change.SAME
    session.add(stored)
    session.flush()
    if joins:
        grown = findings.opened(stored)
        _stretch(violation, grown)
        violation.ended_ms = findings.ended_ms(session, violation.id)
        if violation.code == finding.code and (grown.ended_ms is None or violation.ended_ms is not None):
            _say(violation, subject, grown)
        session.add(violation)
    return Change.ENDED if before[2] is None and stored.ended_ms is not None else Change.GREW


def _stretch(violation: Violation, finding: Finding) -> None:
    violation.first_ms = min(violation.first_ms, finding.first_ms)
    violation.last_ms = max(violation.last_ms, finding.last_ms)


def _say(violation: Violation, subject: Subject, finding: Finding) -> None:
    violation.reason_zh, violation.reason_en = sentence(subject, finding)


def _rank(code: Code) -> int:
    return POWER.index(code) if code in POWER else 0


def _free_id(session: Session, seal_id: str, agent_id: str, finding: Finding) -> str:
    """The id by its family; by code or agent where settled violations of the family began at the very same moment."""
    family = "power" if finding.code in POWER else finding.code.value
    names = (family, finding.code.value, f"{finding.code.value}/{agent_id}/{finding.note}")
    ids = (_id(seal_id, name, finding) for name in names)
    return next(id_ for id_ in ids if session.get(Violation, id_) is None)


def _id(seal_id: str, family: str, finding: Finding) -> str:
    name = f"{seal_id}\n{family}\n{finding.meter}\n{finding.first_ms}".encode()
    return "V-" + base64.b32encode(hashlib.sha256(name).digest())[:10].decode()


def _own(
    violation_id: str, from_state: str | None, to_state: str, reason: str, now_ms: int, *, kind: str = "step"
) -> Transition:
    return Transition(
        violation_id=violation_id,
        at_ms=now_ms,
        from_state=from_state,
        to_state=to_state,
        author=SYSTEM,
        reason=reason,
        kind=kind,
    )
