"""One word for a seal: what needs a person comes first, and what nobody measured is never off."""

import pytest

from server.detect.finding import Coverage
from server.views.seals import OpenViolation
from server.views.state import FRESH_MS, SealState, in_force, seal_state
from server.views.today import CoveragePart

NOW_MS = 10_000_000
OFF, ON, UNPROVED = Coverage.OFF, Coverage.ON, Coverage.UNPROVED


def violation(code: str, state: str, *, ended: bool, severity: str = "red") -> OpenViolation:
    """One that is not closed."""
    return OpenViolation(id="V", code=code, severity=severity, state=state, ended_ms=NOW_MS if ended else None)


def span(state: Coverage, reason: str, age_ms: int = 0) -> CoveragePart:
    """The newest span, ended so long ago."""
    return CoveragePart(from_ms=0, to_ms=NOW_MS - age_ms, state=state, reason=reason)


RESUMED = violation("resumed_power", "open", ended=False)
SEEN = violation("resumed_power", "acknowledged", ended=False)
ENDED = violation("energy_in_gap", "open", ended=True)
ENDED_SEEN = violation("energy_in_gap", "acknowledged", ended=True)
SILENT = violation("silent", "open", ended=False, severity="amber")
SPOKE_AGAIN = violation("silent", "open", ended=True, severity="amber")

TABLE = [
    ([RESUMED], span(ON, "resumed_power"), SealState.RESTARTED, "resumed_power"),
    ([SEEN], span(ON, "resumed_power"), SealState.RESTARTED, "resumed_power"),
    ([SILENT, RESUMED], None, SealState.RESTARTED, "resumed_power"),
    ([ENDED, violation("seal_opened", "open", ended=False)], None, SealState.RESTARTED, "seal_opened"),
    ([ENDED], span(OFF, "metered"), SealState.ENDED_UNSEEN, "energy_in_gap"),
    ([ENDED_SEEN], span(OFF, "metered"), SealState.OFF, "metered"),
    ([SILENT], span(OFF, "metered"), SealState.UNPROVED, "silent"),
    ([SPOKE_AGAIN], span(OFF, "metered"), SealState.OFF, "metered"),
    ([], span(OFF, "allowed"), SealState.OFF, "allowed"),
    ([], span(OFF, "register"), SealState.OFF_BY_REGISTER, "register"),
    ([], span(UNPROVED, "meter_dead"), SealState.UNPROVED, "meter_dead"),
    ([], span(ON, "resumed_power"), SealState.RESTARTED, "resumed_power"),
    ([], span(OFF, "metered", FRESH_MS), SealState.OFF, "metered"),
    ([], span(OFF, "metered", FRESH_MS + 1), SealState.UNPROVED, "no_data"),
    ([], None, SealState.UNPROVED, "never_reported"),
]


@pytest.mark.parametrize(("violations", "latest", "state", "reason"), TABLE)
def test_state(violations: list[OpenViolation], latest: CoveragePart | None, state: SealState, reason: str) -> None:
    """Red that goes on, red that ended unseen, silence, old news, then what coverage says."""
    assert seal_state(violations, latest, NOW_MS, sealed=True) == (state, reason)


def test_outside_its_time_a_seal_is_neither() -> None:
    """Before it begins and after it ends a seal is unproved by itself, but red that goes on is told."""
    assert seal_state([], span(OFF, "metered"), NOW_MS, sealed=False) == (SealState.UNPROVED, "not_in_force")
    assert seal_state([RESUMED], None, NOW_MS, sealed=False)[0] is SealState.RESTARTED
    assert [in_force(10, 20, now) for now in (9, 10, 19, 20)] == [False, True, True, False]
    assert in_force(10, None, 10**15)
