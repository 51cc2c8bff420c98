"""The figures under a violation's sentence: what the draw is and was, how it was found, each from a stored row."""

import msgspec

from server.console import figures
from server.console.figures import NOTHING
from server.console.phrases import moment
from server.console.words import Words
from server.detect.finding import Code
from server.sentences import THIN
from server.views import SealRow, ViolationDetail
from server.views.state import SealState
from server.views.violations import FindingNumbers

PEAKED = ("W", "V", "σ")
"""Units of statistics whose largest value says something by itself."""


class Figure(msgspec.Struct, frozen=True):
    """One number with its unit.

    Attributes:
        label: what it is.
        note: what it is measured by.
        read_ms: when it was read, where its age counts.
        red: whether it shows that the pledge is broken.
    """

    label: str
    value: str
    note: str = ""
    read_ms: int | None = None
    red: bool = False


def cells(detail: ViolationDetail, seal: SealRow, words: Words, now_ms: int) -> list[Figure]:
    """At most six, the first one that which matters now.

    Args:
        detail: the violation.
        seal: its seal as it is now.
        words: the language.
        now_ms: server time.
    """
    finding = strongest(detail)
    made = [] if detail.code == Code.SEAL_OPENED.value else [now(seal, words)]
    if finding is not None:
        made += _of_finding(finding, words)
    lasting = figures.lasted(words, (detail.ended_ms or now_ms) - detail.first_ms)
    since = words("goes_on" if detail.ended_ms is None else "ended_after", span=lasting)
    made.append(Figure(words("since"), moment(detail.first_ms, now_ms), since))
    stored = words("stored_at", time=moment(detail.detected_ms, now_ms))
    made.append(Figure(words("detected"), figures.delay(words, detail.raised_ms - detail.first_ms), stored))
    if finding is not None:
        rare = f"{figures.rarely(finding.false_alarms_per_year)}{THIN}{words('per_seal_year')}"
        by_baseline = finding.unit in ("W", "σ")
        made.append(Figure(words("false_alarms"), rare, words("of_test_line" if by_baseline else "of_threshold")))
    return made


def now(seal: SealRow, words: Words) -> Figure:
    """The furnace's draw as last read, with its age."""
    if seal.last_power_ms is None or seal.last_power_w is None:
        return Figure(words("now"), NOTHING, words("no_value"))
    red = seal.state is SealState.RESTARTED
    return Figure(words("now"), figures.power(seal.last_power_w), read_ms=seal.last_power_ms, red=red)


def strongest(detail: ViolationDetail) -> FindingNumbers | None:
    """The newest finding of the violation's own code."""
    return next((f for f in reversed(detail.findings) if f.code == detail.code), None)


def peak_unit(finding: FindingNumbers) -> str:
    """The unit of a finding's peak: a cumulative statistic has none of its own, its peak is the draw."""
    return "W" if finding.unit == "σ" else finding.unit


def _of_finding(finding: FindingNumbers, words: Words) -> list[Figure]:
    value, limit = (figures.measured(number, finding.unit) for number in (finding.statistic, finding.threshold))
    made: list[Figure] = []
    if finding.unit in PEAKED:
        peak = figures.measured(finding.peak, peak_unit(finding))
        made.append(Figure(words("peak"), peak, words("test_line_at", limit=limit)))
    else:
        made.append(Figure(words("statistic"), f"{figures.split(value)[0]} / {limit}", words(f"code.{finding.code}")))
    if finding.energy_wh is not None:
        made.append(Figure(words("energy"), figures.measured(finding.energy_wh, "Wh"), words("by_register")))
    return made
