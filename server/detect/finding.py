"""What a rule saw: a closed list of codes, with the numbers behind each."""

from enum import StrEnum

import msgspec


class Code(StrEnum):
    """Why a finding is raised (design.md §9, as far as these rules go)."""

    RESUMED_POWER = "resumed_power"
    ENERGISED = "energised"
    ENERGY_IN_GAP = "energy_in_gap"
    SEAL_OPENED = "seal_opened"
    SILENT = "silent"


class Severity(StrEnum):
    """Red: the pledge is broken or the proof tampered with. Amber: unproved time or a precursor."""

    RED = "red"
    AMBER = "amber"


SEVERITY = {
    Code.RESUMED_POWER: Severity.RED,
    Code.ENERGISED: Severity.RED,
    Code.ENERGY_IN_GAP: Severity.RED,
    Code.SEAL_OPENED: Severity.RED,
    Code.SILENT: Severity.AMBER,
}

POWER = (Code.ENERGISED, Code.ENERGY_IN_GAP, Code.RESUMED_POWER)
"""Findings of one event, weakest first: a stronger one upgrades the same violation."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule saw, or how it goes on: the same code, meter and first_ms are the same finding, grown.

    Attributes:
        code: why.
        meter: the meter's id at its agent; empty where none is meant.
        first_ms, raised_ms, last_ms: event times of the first sample that shows it, of the sample that satisfied the
            rule, and of the last sample that shows it.
        ended_ms: event time at which it stopped, or None while it goes on.
        statistic, threshold, unit: the number that was compared, with what.
        peak: the largest statistic so far.
        energy_wh: energy drawn since first_ms by the register, where it was read.
        false_alarms_per_year: expected of this threshold on one idle seal.
        first_seq, last_seq: the agent's envelopes that hold it.
        note: what else the sentence needs, e.g. "voltage" or "excess".
    """

    code: Code
    meter: str
    first_ms: int
    raised_ms: int
    last_ms: int
    ended_ms: int | None = None
    statistic: float
    threshold: float
    unit: str
    peak: float
    energy_wh: float | None = None
    false_alarms_per_year: float
    first_seq: int
    last_seq: int
    note: str = ""

    @property
    def severity(self) -> Severity:
        """How grave the code is."""
        return SEVERITY[self.code]


class Coverage(StrEnum):
    """What a second of a seal is proved to be."""

    OFF = "proved_off"
    ON = "proved_on"
    UNPROVED = "unproved"


class Span(msgspec.Struct, frozen=True):
    """A time with one state: from_ms inclusive, to_ms exclusive.

    Attributes:
        reason: for unproved, why (a wire.reading.Reason, "no_data", "meter_dead", "undecided"); for proved_off,
            "metered", "allowed" (draw within the pledge or a window), "dead_feeder" or "register" (a gap that the
            energy register closed); for proved_on the finding's code.
    """

    from_ms: int
    to_ms: int
    state: Coverage
    reason: str
