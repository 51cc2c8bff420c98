"""What there is to tell: the events of one violation (or of one trouble of the server's own), with what is stored."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from sqlmodel import Session, col, select

from server.notify.channels import Channel
from server.notify.events import Kind
from server.notify.tables import AlertEvent
from server.standing import SYSTEM, transitions
from server.tables import Enterprise, Furnace, Seal, Site, StoredFinding, Violation

AT_ONCE = 500
"""Ids in one query."""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """All that a message may say of a violation; nothing here is computed, all of it is stored.

    Attributes:
        waits_since_ms: since when it waits for a person; where somebody has seen it, since when it did before that.
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
    waits_since_ms: int
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
        """Why somebody is told, of several the most urgent; a beginning that is told late says that it ended.

        The server's own troubles are told as they stand now.
        """
        if self.fact is None:
            return Kind(self.events[-1].kind)
        order = (Kind.ESCALATED, Kind.NEW, Kind.STRONGER, Kind.ENDED)
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


class Stored(msgspec.Struct, frozen=True):
    """What is in the database of some violations.

    Attributes:
        places: each with furnace, enterprise and county code.
        findings: the newest of each violation and code.
        waits_since_ms: since when each waits, or last waited, for a person.
    """

    places: dict[str, tuple[Violation, str, str, str]]
    findings: dict[tuple[str, str], StoredFinding]
    waits_since_ms: dict[str, int]


def by_subject(events: Iterable[AlertEvent]) -> dict[str, list[AlertEvent]]:
    """Events sorted by what they are about (a violation's id, or a topic), in the order in which each began."""
    found: dict[str, list[AlertEvent]] = {}
    for event in events:
        found.setdefault(event.violation_id or f"own:{event.topic}", []).append(event)
    return found


def story_of(events: Sequence[AlertEvent], found: Stored) -> Story:
    """The story of events that are about the same."""
    violation_id = events[0].violation_id
    return Story(tuple(events), None if violation_id is None else _fact(violation_id, found))


def stored(session: Session, events: Iterable[AlertEvent]) -> Stored:
    """What the database has of the violations of events."""
    found = Stored({}, {}, {})
    for some in _slices(sorted({event.violation_id for event in events if event.violation_id is not None})):
        query = (
            select(Violation, Furnace.name, Enterprise.name, Site.county_code)
            .join(Seal, col(Seal.id) == col(Violation.seal_id))
            .join(Furnace, col(Furnace.id) == col(Seal.furnace_id))
            .join(Site, col(Site.id) == col(Furnace.site_id))
            .join(Enterprise, col(Enterprise.id) == col(Site.enterprise_id))
            .where(col(Violation.id).in_(some))
        )
        found.places.update({row[0].id: row for row in session.exec(query).all()})
        found.findings.update(_newest_findings(session, some))
        found.waits_since_ms.update(_waits_since_ms(session, some))
    return found


def _fact(violation_id: str, found: Stored) -> Fact:
    violation, furnace, enterprise, county_code = found.places[violation_id]
    finding = found.findings[violation_id, violation.code]
    return Fact(
        violation_id=violation_id,
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
        waits_since_ms=found.waits_since_ms[violation_id],
        reason_zh=violation.reason_zh,
        reason_en=violation.reason_en,
        peak=finding.peak,
        unit=finding.unit,
        note=finding.note,
        false_alarms_per_year=finding.false_alarms_per_year,
    )


def _waits_since_ms(session: Session, violation_ids: Sequence[str]) -> dict[str, int]:
    """The beginning of each violation's newest time in which nobody had seen it: what follows a person's step."""
    since, seen = dict[str, int](), dict[str, bool]()
    for step in transitions(session, violation_ids):
        if step.kind == "comment":
            continue
        own = step.author == SYSTEM
        if own and seen.get(step.violation_id, True):
            since[step.violation_id] = step.at_ms
        seen[step.violation_id] = not own
    return since


def _newest_findings(session: Session, violation_ids: Sequence[str]) -> dict[tuple[str, str], StoredFinding]:
    """The newest finding of each violation and code."""
    mine = select(StoredFinding).where(col(StoredFinding.violation_id).in_(violation_ids))
    return {(f.violation_id, f.code): f for f in session.exec(mine.order_by(col(StoredFinding.first_ms))).all()}


def _slices(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]
