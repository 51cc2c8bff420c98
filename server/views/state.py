"""What a seal is now, in one word and its reason: what needs a person comes first (console.md §1)."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from server.detect.finding import Code, Coverage, Severity
from server.views.today import NO_DATA, REGISTER, CoveragePart

FRESH_MS = 180_000
"""A state without news for so long is no longer one (three batches of a minute, design.md §9)."""

NEVER_REPORTED = "never_reported"
NOT_IN_FORCE = "not_in_force"


class SealState(StrEnum):
    """One word for a seal."""

    RESTARTED = "restarted"
    ENDED_UNSEEN = "ended_unseen"
    UNPROVED = "unproved"
    OFF = "off"
    OFF_BY_REGISTER = "off_by_register"


class Ongoing(Protocol):
    """What the state must know of a violation that is not closed."""

    code: str
    severity: str
    state: str
    ended_ms: int | None


def in_force(from_ms: int, until_ms: int | None, now_ms: int) -> bool:
    """Whether a seal holds now."""
    return from_ms <= now_ms and (until_ms is None or now_ms < until_ms)


def seal_state(
    violations: Sequence[Ongoing], latest: CoveragePart | None, now_ms: int, *, sealed: bool
) -> tuple[SealState, str]:
    """A seal's state and its reason.

    Args:
        violations: those that are not closed.
        latest: the newest span of coverage.
        now_ms: server time.
        sealed: whether the seal is in force.

    Returns:
        The state, and its reason: a finding's code, or the span's reason.
    """
    red = [v for v in violations if v.severity == Severity.RED.value]
    for violation in red:
        if violation.ended_ms is None:
            return SealState.RESTARTED, violation.code
    for violation in red:
        if violation.state == "open":
            return SealState.ENDED_UNSEEN, violation.code
    if not sealed:
        return SealState.UNPROVED, NOT_IN_FORCE
    if any(v.code == Code.SILENT.value and v.ended_ms is None for v in violations):
        return SealState.UNPROVED, Code.SILENT.value
    return _by_coverage(latest, now_ms)


def _by_coverage(latest: CoveragePart | None, now_ms: int) -> tuple[SealState, str]:
    if latest is None:
        return SealState.UNPROVED, NEVER_REPORTED
    if now_ms - latest.to_ms > FRESH_MS:
        return SealState.UNPROVED, NO_DATA
    if latest.state is Coverage.ON:
        return SealState.RESTARTED, latest.reason
    if latest.state is Coverage.UNPROVED:
        return SealState.UNPROVED, latest.reason
    return (SealState.OFF_BY_REGISTER if latest.reason == REGISTER else SealState.OFF), latest.reason
