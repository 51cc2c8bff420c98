"""The life of a violation: open, acknowledged, closed. Every step has an author and a reason.

A finding of the same seal and family joins a violation that is not closed yet: one event becomes one violation that
grows stronger. The id comes from the seal, the family and the first sample, so that a replay after a crash finds the
same one.
"""

import base64
import hashlib
from enum import StrEnum

from sqlmodel import Session, col, select

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
    stored = session.exec(
        select(StoredFinding).where(
            StoredFinding.seal_id == subject.seal_id,
            StoredFinding.code == finding.code.value,
            StoredFinding.meter == finding.meter,
            StoredFinding.first_ms == finding.first_ms,
        )
    ).first()
    if stored is not None:
        violation = session.get_one(Violation, stored.violation_id)
        return violation, _grow(session, violation, stored, subject, finding)
    violation, change = _violation_for(session, subject, finding, now_ms)
    session.add(violation)
    session.flush()
    session.add(_stored(violation.id, subject.seal_id, agent_id, finding))
    return violation, change


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
    ended = finding.ended_ms is not None and stored.ended_ms is None
    if finding.last_ms <= stored.last_ms and not ended:
        return Change.SAME
    stored.last_ms, stored.ended_ms = max(stored.last_ms, finding.last_ms), finding.ended_ms
    stored.peak = max(stored.peak, finding.peak)
    stored.energy_wh = finding.energy_wh
    stored.last_seq = max(stored.last_seq, finding.last_seq)
    session.add(stored)
    if violation.state != "closed":
        _stretch(violation, finding)
        if violation.code == finding.code:
            _say(violation, subject, finding)
        session.add(violation)
    return Change.ENDED if ended else Change.GREW


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
