"""Coverage as it is stored: spans that do not overlap; a later one overrides."""

from sqlmodel import Session, col, select

from server.detect.finding import Span
from server.tables import CoverageSpan


def put(session: Session, seal_id: str, spans: list[Span]) -> None:
    """Store spans in order; each overrides what it overlaps."""
    for span in spans:
        if span.to_ms > span.from_ms:
            _put(session, seal_id, span)


def _put(session: Session, seal_id: str, span: Span) -> None:
    touching = session.exec(
        select(CoverageSpan)
        .where(CoverageSpan.seal_id == seal_id)
        .where(col(CoverageSpan.from_ms) <= span.to_ms, col(CoverageSpan.to_ms) >= span.from_ms)
        .order_by(col(CoverageSpan.from_ms))
    ).all()
    first, last = span.from_ms, span.to_ms
    if len(touching) == 1 and _continues(touching[0], span):
        touching[0].to_ms = max(touching[0].to_ms, last)
        return
    for old in touching:
        if (old.state, old.reason) == (span.state.value, span.reason):
            first, last = min(first, old.from_ms), max(last, old.to_ms)
            session.delete(old)
        elif old.from_ms < span.from_ms and old.to_ms > span.to_ms:
            session.add(_row(seal_id, span.to_ms, old.to_ms, old.state, old.reason))
            old.to_ms = span.from_ms
        elif old.from_ms < span.from_ms:
            old.to_ms = min(old.to_ms, span.from_ms)
        elif old.to_ms > span.to_ms:
            old.from_ms = max(old.from_ms, span.to_ms)
        else:
            session.delete(old)
    session.add(_row(seal_id, first, last, span.state.value, span.reason))
    session.flush()


def _continues(old: CoverageSpan, span: Span) -> bool:
    """Whether the span only makes the old one longer: the usual case, one update."""
    return (old.state, old.reason) == (span.state.value, span.reason) and old.from_ms <= span.from_ms


def _row(seal_id: str, from_ms: int, to_ms: int, state: str, reason: str) -> CoverageSpan:
    return CoverageSpan(seal_id=seal_id, from_ms=from_ms, to_ms=to_ms, state=state, reason=reason)
