"""The shares of a seal's day add up to its time, and what nothing covers is unproved."""

import pytest

from server.detect.finding import Coverage
from server.views.today import CoveragePart, CoverageToday, day_start_ms, filled, today
from tests.server.ingest.plant import START_MS

H = 3_600_000


def part(from_h: float, to_h: float, state: Coverage = Coverage.OFF, reason: str = "metered") -> CoveragePart:
    """A span by hours of the day."""
    return CoveragePart(
        from_ms=round(START_MS + from_h * H), to_ms=round(START_MS + to_h * H), state=state, reason=reason
    )


TABLE = {
    "all covered": ([part(-5, 6)], -48, None, 6, (6, 0, 0, 0)),
    "each kind": (
        [part(0, 1), part(1, 2, reason="register"), part(2, 3, Coverage.ON, "resumed_power"),
         part(3, 4, Coverage.UNPROVED, "timeout"), part(4, 5, reason="allowed")],
        -48, None, 5, (2, 1, 1, 1),
    ),
    "holes before, between and after": ([part(1, 2), part(3, 4)], -48, None, 6, (2, 0, 0, 4)),
    "sealed this morning": ([part(2, 6)], 2, None, 6, (4, 0, 0, 0)),
    "unsealed at five": ([part(0, 6)], -48, 5, 6, (5, 0, 0, 0)),
    "ended yesterday": ([part(-9, -3)], -48, -3, 6, (0, 0, 0, 0)),
    "begins tomorrow": ([], 30, None, 6, (0, 0, 0, 0)),
    "a span into the future does not count yet": ([part(0, 9)], -48, None, 6, (6, 0, 0, 0)),
    "nothing known": ([], -48, None, 6, (0, 0, 0, 6)),
}  # fmt: skip


@pytest.mark.parametrize(("spans", "from_h", "until_h", "now_h", "hours"), TABLE.values(), ids=TABLE.keys())
def test_shares(
    spans: list[CoveragePart], from_h: float, until_h: float | None, now_h: float, hours: tuple[int, int, int, int]
) -> None:
    """Off, off by the register, on, unproved: each in its share."""
    until_ms = None if until_h is None else round(START_MS + until_h * H)
    shares = today(spans, round(START_MS + from_h * H), until_ms, round(START_MS + now_h * H))
    off, register, on, unproved = (h * H for h in hours)
    assert shares == CoverageToday(off_ms=off, off_by_register_ms=register, on_ms=on, unproved_ms=unproved)


def test_filled_names_what_is_missing() -> None:
    """Spans are cut to the time, and what lies between them is unproved for want of data."""
    parts = filled([part(1, 2), part(3, 9)], START_MS, START_MS + 4 * H)
    assert [(p.from_ms, p.to_ms, p.state.value, p.reason) for p in parts] == [
        (START_MS, START_MS + H, "unproved", "no_data"),
        (START_MS + H, START_MS + 2 * H, "proved_off", "metered"),
        (START_MS + 2 * H, START_MS + 3 * H, "unproved", "no_data"),
        (START_MS + 3 * H, START_MS + 4 * H, "proved_off", "metered"),
    ]
    assert filled([part(0, 1)], START_MS, START_MS) == []


@pytest.mark.parametrize("after_ms", [0, 1, 23 * H, 24 * H - 1])
def test_the_day_is_beijings(after_ms: int) -> None:
    """The day begins at midnight in Beijing, wherever the server stands."""
    assert day_start_ms(START_MS + after_ms) == START_MS
