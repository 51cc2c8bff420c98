"""How much of each day of a seal is proved: the basis of the calendar."""

from collections.abc import Iterator, Sequence

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from server.tables import CoverageSpan
from server.views.seals import part
from server.views.seen import seen_seal
from server.views.today import CoveragePart, CoverageToday, day_start_ms, filled, longest_unproved, share

DAY_MS = 86_400_000


class CoverageDay(CoverageToday):
    """One Beijing day; the five add up to its length up to the end of what was asked.

    Attributes:
        day_ms: the midnight at which it begins.
        outside_ms: before the seal began, or after its end.
    """

    day_ms: int
    outside_ms: int


class UnprovedTime(BaseModel):
    """An unproved time, with the reason of its longest part."""

    model_config = ConfigDict(extra="forbid")

    from_ms: int
    to_ms: int
    reason: str


class CoverageCalendar(BaseModel):
    """Every day of a time.

    Attributes:
        days: in order; the first and the last may be parts of days.
        total: their sums.
        longest_unproved: the longest; null where nothing is unproved.
    """

    model_config = ConfigDict(extra="forbid")

    seal_id: str
    from_ms: int
    to_ms: int
    days: list[CoverageDay]
    total: CoverageToday
    longest_unproved: UnprovedTime | None


def coverage_calendar(
    session: Session, seal_id: str, from_ms: int, to_ms: int, counties: frozenset[str] = frozenset()
) -> CoverageCalendar | None:
    """What is proved of each day between two times; None where no such seal is seen.

    Args:
        session: the transaction.
        seal_id: the seal.
        from_ms: the time.
        to_ms: its end, which is not in the future: what has not come yet is not unproved.
        counties: the codes of those that are seen; none is every county.
    """
    seal = seen_seal(session, seal_id, counties)
    if seal is None:
        return None
    start, end = max(from_ms, seal.from_ms), to_ms if seal.until_ms is None else min(to_ms, seal.until_ms)
    parts = filled(stored_parts(session, seal_id, start, end), start, end)
    days = list(_days(parts, from_ms, to_ms))
    total = {name: sum(getattr(day, name) for day in days) for name in CoverageToday.model_fields}
    longest = longest_unproved(parts)
    return CoverageCalendar(
        seal_id=seal_id,
        from_ms=from_ms,
        to_ms=to_ms,
        days=days,
        total=CoverageToday(**total),
        longest_unproved=None if longest is None else UnprovedTime(**longest.model_dump(exclude={"state"})),
    )


def stored_parts(session: Session, seal_id: str, from_ms: int, to_ms: int) -> list[CoveragePart]:
    """The spans of coverage that touch a time, in order."""
    found = session.exec(
        select(CoverageSpan)
        .where(CoverageSpan.seal_id == seal_id)
        .where(col(CoverageSpan.from_ms) < to_ms, col(CoverageSpan.to_ms) > from_ms)
        .order_by(col(CoverageSpan.from_ms))
    ).all()
    return [part(span) for span in found]


def _days(parts: Sequence[CoveragePart], from_ms: int, to_ms: int) -> Iterator[CoverageDay]:
    """The shares of each day that a time touches."""
    at, start_ms = 0, from_ms
    while start_ms < to_ms:
        day_ms = day_start_ms(start_ms)
        end_ms = min(to_ms, day_ms + DAY_MS)
        sums = dict.fromkeys(CoverageToday.model_fields, 0)
        while at < len(parts) and parts[at].from_ms < end_ms:
            one = parts[at]
            sums[share(one)] += max(0, min(one.to_ms, end_ms) - max(one.from_ms, start_ms))
            if one.to_ms > end_ms:
                break
            at += 1
        yield CoverageDay(day_ms=day_ms, outside_ms=end_ms - start_ms - sum(sums.values()), **sums)
        start_ms = end_ms
