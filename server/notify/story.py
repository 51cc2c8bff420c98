"""What there is to tell: the events of one violation (or of one trouble of the server's own), with what is stored."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from sqlmodel import Session, col, select

from server.notify.channels import Channel
from server.notify.events import Kind
from server.notify.tables import AlertEvent
from server.tables import Enterprise, Furnace, Seal, Site, StoredFinding, Violation

AT_ONCE = 500
"""Ids in one query."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """All that a message may say of a violation; nothing here is computed, all of it is stored.

    Attributes:
        peak, unit, note: of the newest finding with the violation's code.
        false_alarms_per_year: expected of that finding's threshold on one idle seal.
    """

    violation_id: str
    seal_id: str
    code: str
    severity: str
    state: str
    enterprise: str
    furnace: str
    county_code: str
    first_ms: int
    ended_ms: int | None
    detected_ms: int
    reason_zh: str
    reason_en: str
    peak: float
    unit: str
    note: str
    false_alarms_per_year: float


class Story(msgspec.Struct, frozen=True):
    """Events that one message would tell together.

    Attributes:
        events: not decided yet, oldest first.
        fact: of the violation as it stands; None for the server's own troubles.
    """

    events: tuple[AlertEvent, ...]
    fact: Fact | None

    @property
    def key(self) -> str:
        """What it is about: the violation's id, or the topic."""
        return self.fact.violation_id if self.fact is not None else f"own:{self.events[0].topic}"

    @property
    def kinds(self) -> frozenset[Kind]:
        """Of its events."""
        return frozenset(Kind(event.kind) for event in self.events)

    @property
    def kind(self) -> Kind:
        """Why somebody is told, of several the most urgent; a beginning that is told late says that it ended."""
        order = (Kind.ESCALATED, Kind.NEW, Kind.STRONGER, Kind.ENDED, Kind.TROUBLE, Kind.MENDED)
        return next(kind for kind in order if kind in self.kinds)

    def only(self, events: Iterable[AlertEvent]) -> "Story":
        """The same with some of its events."""
        return Story(tuple(events), self.fact)


class Parcel(msgspec.Struct, frozen=True):
    """Stories that go to one channel in one message."""

    channel: Channel
    stories: tuple[Story, ...]

    @property
    def bucket(self) -> str:
        """Which messages count together in a storm: the same code and reason; a blackout knows no county line."""
        story = self.stories[0]
        return f"own/{story.events[0].topic}" if story.fact is None else f"{story.fact.code}/{story.kind.value}"


def stories(session: Session, events: Sequence[AlertEvent]) -> list[Story]:
    """Events sorted by what they are about, in the order in which each began."""
    facts = facts_of(session, [event.violation_id for event in events if event.violation_id is not None])
    by_key: dict[str, list[AlertEvent]] = {}
    for event in events:
        by_key.setdefault(event.violation_id or f"own:{event.topic}", []).append(event)
    return [Story(tuple(mine), facts.get(key)) for key, mine in by_key.items()]


def facts_of(session: Session, violation_ids: Sequence[str]) -> dict[str, Fact]:
    """What is stored of violations, by id."""
    found: dict[str, Fact] = {}
    for some in _slices(sorted(set(violation_ids))):
        newest = _newest_findings(session, some)
        query = (
            select(Violation, Furnace.name, Enterprise.name, Site.county_code)
            .join(Seal, col(Seal.id) == col(Violation.seal_id))
            .join(Furnace, col(Furnace.id) == col(Seal.furnace_id))
            .join(Site, col(Site.id) == col(Furnace.site_id))
            .join(Enterprise, col(Enterprise.id) == col(Site.enterprise_id))
            .where(col(Violation.id).in_(some))
        )
        for violation, furnace, enterprise, county_code in session.exec(query).all():
            finding = newest[violation.id, violation.code]
            found[violation.id] = Fact(
                violation_id=violation.id,
                seal_id=violation.seal_id,
                code=violation.code,
                severity=violation.severity,
                state=violation.state,
                enterprise=enterprise,
                furnace=furnace,
                county_code=county_code,
                first_ms=violation.first_ms,
                ended_ms=violation.ended_ms,
                detected_ms=violation.detected_ms,
                reason_zh=violation.reason_zh,
                reason_en=violation.reason_en,
                peak=finding.peak,
                unit=finding.unit,
                note=finding.note,
                false_alarms_per_year=finding.false_alarms_per_year,
            )
    return found


def _newest_findings(session: Session, violation_ids: Sequence[str]) -> dict[tuple[str, str], StoredFinding]:
    """The newest finding of each violation and code."""
    mine = select(StoredFinding).where(col(StoredFinding.violation_id).in_(violation_ids))
    return {(f.violation_id, f.code): f for f in session.exec(mine.order_by(col(StoredFinding.first_ms))).all()}


def _slices(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
