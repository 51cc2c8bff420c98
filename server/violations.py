"""The life of a violation: open, acknowledged, closed. Every step has an author and a reason.

A finding of the same seal and family joins a violation that is not closed yet: one event becomes one violation that
grows stronger. The id comes from the seal, the family and the first sample, so that a replay after a crash finds the
same one.
"""

import base64
import hashlib
from enum import StrEnum

import msgspec
from sqlmodel import Session, col, func, or_, select

from server.detect.finding import POWER, SEVERITY, Code, Finding
from server.sentences import Subject, sentence
from server.tables import Agent, StoredFinding, Transition, Violation

STATES = ("open", "acknowledged", "closed")
SYSTEM = "ColdSeal"


class ViolationError(Exception):
    """A violation cannot do what was asked of it."""


class UnknownViolation(ViolationError):
    """No violation has this id."""


class WrongState(ViolationError):
    """The step does not lead on from where the violation stands."""


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
    stored = _known(session, subject.seal_id, finding)
    if stored is None:
        violation, change = _violation_for(session, subject, finding, now_ms)
        session.add(violation)
        session.flush()
        session.add(_stored(violation.id, subject.seal_id, agent_id, finding))
        return violation, change
    violation = session.get_one(Violation, stored.violation_id)
    closed_ms = _closed_ms(session, violation)
    if closed_ms is not None and finding.ended_ms is None and finding.last_ms > closed_ms >= finding.first_ms:
        going_on = msgspec.structs.replace(finding, first_ms=closed_ms + 1, raised_ms=finding.last_ms)
        return apply(session, subject, agent_id, going_on, now_ms)  # closing it does not end the draw
    return violation, _grow(session, violation, stored, subject, finding)


def acknowledge(session: Session, violation_id: str, *, author: str, reason: str, now_ms: int) -> Violation:
    """Someone saw it.

    Raises:
        UnknownViolation: no such id.
        WrongState: it is not open.
    """
    return _move(session, violation_id, ("open",), "acknowledged", author, reason or "已看到 seen", now_ms)


def close(session: Session, violation_id: str, *, author: str, reason: str, now_ms: int) -> Violation:
    """It is dealt with.

    Raises:
        UnknownViolation: no such id.
        WrongState: it is closed already, or no reason is given.
    """
    if not reason.strip():
        raise WrongState(f"violation {violation_id}: expected a reason for closing it, got none")
    return _move(session, violation_id, ("open", "acknowledged"), "closed", author, reason, now_ms)


def called_silent(session: Session) -> list[tuple[str, Agent]]:
    """Seals and agents of which a finding says that they are silent now."""
    found = session.exec(
        select(StoredFinding.seal_id, Agent)
        .join(Agent, col(StoredFinding.agent_id) == col(Agent.id))
        .where(StoredFinding.code == Code.SILENT.value, col(StoredFinding.ended_ms).is_(None))
    ).all()
    return [(seal_id, agent) for seal_id, agent in found]


def end(session: Session, seal_id: str, code: Code, agent_id: str, ended_ms: int) -> None:
    """Mark findings that go on as ended."""
    going_on = select(StoredFinding).where(
        StoredFinding.seal_id == seal_id,
        StoredFinding.code == code.value,
        StoredFinding.agent_id == agent_id,
        col(StoredFinding.ended_ms).is_(None),
    )
    for stored in session.exec(going_on).all():
        stored.ended_ms = ended_ms
        violation = session.get_one(Violation, stored.violation_id)
        violation.ended_ms = ended_ms
        session.add_all([stored, violation])


def _known(session: Session, seal_id: str, finding: Finding) -> StoredFinding | None:
    """The same finding as it was stored: the same first sample, or (of late rows) a time that overlaps."""
    same = session.exec(
        select(StoredFinding)
        .where(StoredFinding.seal_id == seal_id, StoredFinding.code == finding.code.value)
        .where(StoredFinding.meter == finding.meter, StoredFinding.note == finding.note)
        .where(
            col(StoredFinding.first_ms) <= finding.last_ms,
            or_(col(StoredFinding.last_ms) >= finding.first_ms, StoredFinding.first_ms == finding.first_ms),
        )
        .order_by(col(StoredFinding.first_ms))
    ).all()
    exact = [stored for stored in same if stored.first_ms == finding.first_ms]
    return next(iter([*exact, *same]), None)


def _closed_ms(session: Session, violation: Violation) -> int | None:
    """When a closed violation was closed."""
    if violation.state != "closed":
        return None
    return session.exec(
        select(func.max(Transition.at_ms)).where(
            Transition.violation_id == violation.id, Transition.to_state == "closed"
        )
    ).one()


def _move(
    session: Session, violation_id: str, allowed: tuple[str, ...], to: str, author: str, reason: str, now_ms: int
) -> Violation:
    violation = session.get(Violation, violation_id)
    if violation is None:
        raise UnknownViolation(f"violation {violation_id!r}: no such id; list them with /api/v1/violations")
    if violation.state not in allowed:
        raise WrongState(f"violation {violation_id}: expected state {' or '.join(allowed)}, got {violation.state}")
    session.add(_transition(violation_id, violation.state, to, author, reason, now_ms))
    violation.state = to
    session.add(violation)
    session.flush()
    return violation


def _violation_for(session: Session, subject: Subject, finding: Finding, now_ms: int) -> tuple[Violation, Change]:
    family = POWER if finding.code in POWER else (finding.code,)
    present = session.exec(
        select(Violation)
        .where(Violation.seal_id == subject.seal_id, Violation.state != "closed")
        .where(col(Violation.code).in_([code.value for code in family]))
    ).first()
    if present is None:
        return _opened(session, subject, finding, now_ms), Change.OPENED
    stronger = _rank(finding.code) > _rank(Code(present.code))
    if stronger:
        _say(present, subject, finding)
        text = f"{present.code} → {finding.code.value}"
        session.add(_transition(present.id, present.state, present.state, SYSTEM, text, now_ms))
        present.code, present.severity = finding.code.value, finding.severity.value
    elif finding.code == present.code:
        _say(present, subject, finding)
    _stretch(present, finding)
    return present, Change.STRONGER if stronger else Change.GREW


def _opened(session: Session, subject: Subject, finding: Finding, now_ms: int) -> Violation:
    zh, en = sentence(subject, finding)
    violation = Violation(
        id=_id(subject.seal_id, finding),
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
    session.add(_transition(violation.id, None, "open", SYSTEM, finding.code.value, now_ms))
    return violation


def _grow(session: Session, violation: Violation, stored: StoredFinding, subject: Subject, finding: Finding) -> Change:
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
    if violation.state != "closed":
        grown = _as_finding(stored)
        _stretch(violation, grown)
        if violation.code == finding.code:
            _say(violation, subject, grown)
        session.add(violation)
    return Change.ENDED if before[2] is None and stored.ended_ms is not None else Change.GREW


def _as_finding(stored: StoredFinding) -> Finding:
    return Finding(
        code=Code(stored.code),
        meter=stored.meter,
        first_ms=stored.first_ms,
        raised_ms=stored.raised_ms,
        last_ms=stored.last_ms,
        ended_ms=stored.ended_ms,
        statistic=stored.statistic,
        threshold=stored.threshold,
        unit=stored.unit,
        peak=stored.peak,
        energy_wh=stored.energy_wh,
        false_alarms_per_year=stored.false_alarms_per_year,
        first_seq=stored.first_seq,
        last_seq=stored.last_seq,
        note=stored.note,
    )


def _stretch(violation: Violation, finding: Finding) -> None:
    violation.first_ms = min(violation.first_ms, finding.first_ms)
    if finding.last_ms >= violation.last_ms:
        violation.last_ms, violation.ended_ms = finding.last_ms, finding.ended_ms


def _say(violation: Violation, subject: Subject, finding: Finding) -> None:
    violation.reason_zh, violation.reason_en = sentence(subject, finding)


def _rank(code: Code) -> int:
    return POWER.index(code) if code in POWER else 0


def _id(seal_id: str, finding: Finding) -> str:
    family = "power" if finding.code in POWER else finding.code.value
    name = f"{seal_id}\n{family}\n{finding.meter}\n{finding.first_ms}".encode()
    return "V-" + base64.b32encode(hashlib.sha256(name).digest())[:10].decode()


def _stored(violation_id: str, seal_id: str, agent_id: str, finding: Finding) -> StoredFinding:
    return StoredFinding(
        violation_id=violation_id,
        seal_id=seal_id,
        code=finding.code.value,
        severity=finding.severity.value,
        meter=finding.meter,
        note=finding.note,
        first_ms=finding.first_ms,
        raised_ms=finding.raised_ms,
        last_ms=finding.last_ms,
        ended_ms=finding.ended_ms,
        statistic=finding.statistic,
        threshold=finding.threshold,
        unit=finding.unit,
        false_alarms_per_year=finding.false_alarms_per_year,
        peak=finding.peak,
        energy_wh=finding.energy_wh,
        agent_id=agent_id,
        first_seq=finding.first_seq,
        last_seq=finding.last_seq,
    )


def _transition(
    violation_id: str, from_state: str | None, to_state: str, author: str, reason: str, now_ms: int
) -> Transition:
    return Transition(
        violation_id=violation_id, at_ms=now_ms, from_state=from_state, to_state=to_state, author=author, reason=reason
    )
