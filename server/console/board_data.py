"""What the duty board shows, read once for all boards that see the same counties, as long as nothing changes."""

from collections.abc import Sequence

import msgspec
from sqlmodel import Session, col, select

from server import views
from server.tables import Seal, StoredFinding
from server.views import ViolationRow
from server.views.counties import CountyRow, county_shares
from server.views.log import LogLine, log

LOG_MS = 12 * 3_600_000
"""A shift."""

LOG_LINES = 40
OLD_AFTER_MS = 4_000


class Drawn(msgspec.Struct, frozen=True):
    """The number that says most of a violation: of the newest finding of its own code.

    Attributes:
        unit: of statistic, threshold and peak.
        energy_wh: by the meter's register, where it was read.
    """

    statistic: float
    unit: str
    peak: float
    energy_wh: float | None


class Snapshot(msgspec.Struct, frozen=True):
    """The board without what is selected.

    Attributes:
        now_ms: server time of the reading.
        violations: those that are not closed, most urgent first.
        drawn: a number of each, by its id.
        log: what happened in the last shift, the newest first.
        counties: shares of each county.
        has_seals: whether any seal is registered at all.
    """

    now_ms: int
    violations: Sequence[ViolationRow]
    drawn: dict[str, Drawn]
    log: Sequence[LogLine]
    counties: Sequence[CountyRow]
    has_seals: bool


class Snapshots:
    """The newest snapshot of each set of counties that somebody sees; used inside of transactions, which take turns."""

    def __init__(self) -> None:
        self._kept: dict[frozenset[str], tuple[int, Snapshot]] = {}

    def of(self, session: Session, counties: frozenset[str], version: int, now_ms: int) -> Snapshot:
        """A snapshot.

        Args:
            session: the transaction.
            counties: which to show; empty is every county.
            version: of the feed, before this transaction began.
            now_ms: server time.
        """
        kept = self._kept.get(counties)
        if kept is not None and kept[0] == version and 0 <= now_ms - kept[1].now_ms < OLD_AFTER_MS:
            return kept[1]
        snapshot = read(session, counties, now_ms)
        self._kept[counties] = (version, snapshot)
        return snapshot


def read(session: Session, counties: frozenset[str], now_ms: int) -> Snapshot:
    """Read it anew."""
    violations = views.violation_rows(session, pending=True, counties=counties)
    return Snapshot(
        now_ms=now_ms,
        violations=violations,
        drawn=_drawn(session, violations),
        log=log(session, since_ms=now_ms - LOG_MS, limit=LOG_LINES, counties=counties),
        counties=county_shares(session, now_ms, counties),
        has_seals=session.exec(select(Seal.id).limit(1)).first() is not None,
    )


def _drawn(session: Session, violations: Sequence[ViolationRow]) -> dict[str, Drawn]:
    codes = {row.id: row.code for row in violations}
    found = session.exec(
        select(StoredFinding).where(col(StoredFinding.violation_id).in_(codes)).order_by(col(StoredFinding.first_ms))
    ).all()
    return {
        f.violation_id: Drawn(statistic=f.statistic, unit=f.unit, peak=f.peak, energy_wh=f.energy_wh)
        for f in found
        if f.code == codes[f.violation_id]
    }
