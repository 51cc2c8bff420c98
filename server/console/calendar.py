"""The coverage of each day of a seal as a calendar: a cell a day, split by shares from the bottom up (console.md §1).

On, unproved and closed by the register have a pattern each and are never thinner than 3 px; each day says itself in
words when it is pointed at, and the sums stand beside it.
"""

from collections.abc import Iterator, Sequence

import msgspec

from server.console import figures
from server.console.html import render
from server.console.words import Words
from server.views.coverage import CoverageCalendar, CoverageDay
from wire.clock import beijing

CELL_PX, PITCH_PX, LEAST_PX = 16, 20, 3
LEFT_PX, TOP_PX = 34, 20
WEEKS = 53
"""Columns of one block: a year and a day at most; what is longer has several."""

_DAY_MS, _WEEK_DAYS = 86_400_000, 7
_STACK = ("on", "unproved", "register")
"""From the bottom up; what is left above is proved off."""


class Cell(msgspec.Struct, frozen=True):
    """One day.

    Attributes:
        x, y: px.
        told: in words.
        parts: class, distance from the top and height in px of each share.
        is_last: whether it is the last day of the calendar.
    """

    x: int
    y: int
    told: str
    parts: list[tuple[str, float, float]]
    is_last: bool


class Month(msgspec.Struct, frozen=True):
    """A month's name over the week in which it begins.

    Attributes:
        x, end_x: where it begins, and where the next may, px.
    """

    x: int
    end_x: int
    name: str


class Block(msgspec.Struct, frozen=True):
    """Up to a year.

    Attributes:
        width: px; wider than its weeks where the name of the last month is.
    """

    cells: list[Cell]
    months: list[Month]
    width: int


def calendar_html(calendar: CoverageCalendar, words: Words) -> str:
    """The calendar and its sums, as HTML without a script."""
    days = _from_a_monday(calendar.days)
    size = WEEKS * _WEEK_DAYS
    blocks = [_block(days[at : at + size], words, calendar) for at in range(0, len(days), size)]
    rows = [(at, name) for at, name in enumerate(words("weekdays").split()) if at % 2 == 0]
    return render(
        "calendar", words, blocks=blocks, total=calendar.total, longest=calendar.longest_unproved, rows=rows,
        cell=CELL_PX, pitch=PITCH_PX, left=LEFT_PX, top=TOP_PX,
    )  # fmt: skip


def shares(day: CoverageDay) -> list[tuple[str, float, float]]:
    """The parts of a cell from the bottom up: class, distance from its top and height in px."""
    whole = max(_DAY_MS, day.outside_ms + day.off_ms + day.off_by_register_ms + day.on_ms + day.unproved_ms)
    lasting = {"on": day.on_ms, "unproved": day.unproved_ms, "register": day.off_by_register_ms}
    wanted = {name: max(LEAST_PX, lasting[name] / whole * CELL_PX) for name in _STACK if lasting[name]}
    if day.off_ms:
        wanted["off"] = max(0.0, min(day.off_ms / whole * CELL_PX, CELL_PX - sum(wanted.values())))
    excess = max(1.0, sum(wanted.values()) / CELL_PX)
    parts, bottom = list[tuple[str, float, float]](), float(CELL_PX)
    for name, height in wanted.items():
        bottom -= height / excess
        if height:
            parts.append((name, round(bottom, 2), round(height / excess, 2)))
    return parts


def _from_a_monday(days: Sequence[CoverageDay]) -> list[CoverageDay | None]:
    """The days with nothing before them, back to a Monday."""
    if not days:
        return []
    return [*[None] * beijing(days[0].day_ms).weekday(), *days]


def _block(days: Sequence[CoverageDay | None], words: Words, calendar: CoverageCalendar) -> Block:
    cells = [
        Cell(
            x=LEFT_PX + at // _WEEK_DAYS * PITCH_PX,
            y=TOP_PX + at % _WEEK_DAYS * PITCH_PX,
            told=_told(day, words),
            parts=shares(day),
            is_last=day is calendar.days[-1],
        )
        for at, day in enumerate(days)
        if day is not None
    ]
    months = list(_months(days, words))
    weeks_px = LEFT_PX + -(-len(days) // _WEEK_DAYS) * PITCH_PX
    return Block(cells=cells, months=months, width=max([weeks_px, *(month.end_x for month in months)]))


def _months(days: Sequence[CoverageDay | None], words: Words) -> Iterator[Month]:
    """The names of months, where there is room between them."""
    free_x, year = 0, None
    for at, day in enumerate(days):
        if day is None or (beijing(day.day_ms).day != 1 and at >= _WEEK_DAYS):
            continue
        date, x = beijing(day.day_ms), LEFT_PX + at // _WEEK_DAYS * PITCH_PX
        if x < free_x:
            continue
        month = f"{date.month}" if words.language == "zh" else f"{date:%b}"
        key = "month" if date.year == year else "month_year"
        year = date.year
        name = words(key, year=date.year, month=month)
        free_x = x + 8 + 7 * len(name)
        yield Month(x, free_x, name)


def _told(day: CoverageDay, words: Words) -> str:
    date = figures.date(day.day_ms)
    if not day.off_ms + day.off_by_register_ms + day.on_ms + day.unproved_ms:
        return words("day_outside", date=date)
    return words(
        "day_told",
        date=date,
        off=figures.briefly(day.off_ms + day.off_by_register_ms),
        register=figures.briefly(day.off_by_register_ms),
        unproved=figures.briefly(day.unproved_ms),
        on=figures.briefly(day.on_ms),
    )
