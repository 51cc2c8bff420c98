"""What led to a violation: what was proved right before it, and what the same seal had before."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict
from sqlmodel import Session, col, select

from server.detect.finding import Coverage
from server.tables import CoverageSpan, Violation
from server.views.seals import part
from server.views.today import NO_DATA, CoveragePart
from server.views.violations import ViolationDetail

EARLIER_MAX = 3
BACK_MAX = 200
"""Spans that are looked through for how long it had been so."""


class Earlier(BaseModel):
    """A violation of the same seal before this one."""

    model_config = ConfigDict(extra="forbid")

    id: str
    code: str
    state: str
    first_ms: int


class Lead(BaseModel):
    """What led to it.

    Attributes:
        before: the coverage that ended where the violation begins; null where nothing was proved or told before.
        earlier: the newest violations of this seal before it, newest first.
    """

    model_config = ConfigDict(extra="forbid")

    before: CoveragePart | None
    earlier: list[Earlier]


def lead(session: Session, detail: ViolationDetail) -> Lead:
    """What is stored of the time right before a violation."""
    spans = session.exec(
        select(CoverageSpan)
        .where(CoverageSpan.seal_id == detail.seal_id, col(CoverageSpan.from_ms) < detail.first_ms)
        .order_by(col(CoverageSpan.from_ms).desc())
        .limit(BACK_MAX)
    ).all()
    earlier = session.exec(
        select(Violation)
        .where(Violation.seal_id == detail.seal_id, Violation.id != detail.id)
        .where(col(Violation.first_ms) <= detail.first_ms)
        .order_by(col(Violation.first_ms).desc())
        .limit(EARLIER_MAX)
    ).all()
    return Lead(
        before=_right_before(spans, detail.first_ms),
        earlier=[Earlier(**v.model_dump(include=set(Earlier.model_fields))) for v in earlier],
    )


def _right_before(spans: Sequence[CoverageSpan], first_ms: int) -> CoveragePart | None:
    """The time of one state that ends where the violation begins, out of spans from the newest on.

    Proved off is proved off, whatever proves it; the reason is the newest one's.
    """
    if not spans:
        return None
    if spans[0].to_ms < first_ms:
        return CoveragePart(from_ms=spans[0].to_ms, to_ms=first_ms, state=Coverage.UNPROVED, reason=NO_DATA)
    before = part(spans[0])
    for span in spans[1:]:
        if span.to_ms < before.from_ms or span.state != before.state.value:
            break
        before = before.model_copy(update={"from_ms": span.from_ms})
    return before
