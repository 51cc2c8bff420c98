"""The coverage of many seals since a midnight, read at once."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from server.detect.finding import Coverage
from server.tables import CoverageSpan, Seal
from server.views.today import CoveragePart


def spans_since(session: Session, seal_ids: Collection[str], day_ms: int) -> dict[str, list[CoveragePart]]:
    """Each seal's spans since a time, in order, with the one in which that time lies; of a seal without any the newest.

    Spans do not overlap, so that each seal's are found by one look into their index.

    Args:
        session: the transaction.
        seal_ids: which seals.
        day_ms: the time.
    """
    earlier = aliased(CoverageSpan)
    start = (
        select(func.max(earlier.from_ms))
        .where(col(earlier.seal_id) == col(Seal.id), col(earlier.from_ms) <= day_ms)
        .correlate(Seal)
        .scalar_subquery()
    )
    span = (col(CoverageSpan.seal_id), col(CoverageSpan.from_ms), col(CoverageSpan.to_ms))
    found = session.connection().execute(
        select(*span, col(CoverageSpan.state), col(CoverageSpan.reason))
        .join(Seal, (col(Seal.id) == span[0]) & (span[1] >= func.coalesce(start, 0)))
        .where(col(Seal.id).in_(seal_ids))
        .order_by(span[0], span[1])
    )
    spans: dict[str, list[CoveragePart]] = {seal_id: [] for seal_id in seal_ids}
    for seal_id, from_ms, to_ms, state, reason in found:
        spans[seal_id].append(CoveragePart(from_ms=from_ms, to_ms=to_ms, state=Coverage(state), reason=reason))
    return spans
