"""Who is told of what: settle, mute, group, de-duplicate, and hand over to the post. One transaction, no network.

Each step takes parcels, gives the ones that go on, and writes down what became of the rest. What a step holds back (an
event that settles, a group that still collects) is not written down: it stays undecided in the database and comes again
with the next turn, so that a restart in the middle changes nothing.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence

from sqlmodel import Session, col, func, insert, select

from server import mutes
from server.notify.channels import AlertsFile, Channel
from server.notify.events import Kind
from server.notify.log import Outcome, all_told
from server.notify.story import Fact, Parcel, Story, stories
from server.notify.tables import AlertEvent, AlertLog, AlertMessage
from server.notify.texts import why, write
from server.tables import Mute
from wire.clock import iso

EVENTS_AT_ONCE = 500
"""Undecided events that one turn looks at: our own troubles and red before amber, then the oldest."""

SINGLES = 3
"""So many messages of a code and kind go out by themselves; more within STORM_MS are grouped."""

STORM_MS = 600_000
COLLECT_LONGEST = 4
"""A storm that lasts makes groups wait longer, up to so many times group_s."""


class Desk:
    """One turn: what the steps share, and the log that they write."""

    def __init__(self, session: Session, alerts: AlertsFile, channels: Sequence[Channel], now_ms: int) -> None:
        self.session, self.alerts, self.channels, self.now_ms = session, alerts, channels, now_ms
        undecided = session.exec(
            select(AlertEvent)
            .where(col(AlertEvent.decided_ms).is_(None))
            .order_by(col(AlertEvent.severity).desc(), col(AlertEvent.id))
            .limit(EVENTS_AT_ONCE)
        ).all()
        self.waiting = sorted(undecided, key=_number)
        decided = select(AlertLog.event_id, AlertLog.channel).where(
            col(AlertLog.event_id).in_([_number(event) for event in self.waiting])
        )
        self.done: set[tuple[int, str]] = set(session.exec(decided).all())
        self._rows: list[dict[str, object]] = []
        self._history = self._read_history()
        self._mutes: dict[tuple[str, str], Mute | None] = {}
        self._anything_muted = session.exec(select(Mute.id).where(Mute.until_ms > now_ms).limit(1)).first() is not None

    def log(
        self,
        channel: Channel,
        events: Iterable[AlertEvent],
        outcome: Outcome,
        reason: str,
        message_id: str | None = None,
    ) -> None:
        """Write down what became of events for a channel."""
        for event in events:
            self.done.add((_number(event), channel.name))
            self._rows.append(
                {
                    "event_id": _number(event),
                    "channel": channel.name,
                    "outcome": outcome.value,
                    "why": reason,
                    "message_id": message_id,
                    "at_ms": self.now_ms,
                }
            )
            if outcome in (Outcome.TOLD, Outcome.GROUPED):
                self.heard(channel, event).append(event)

    def heard(self, channel: Channel, event: AlertEvent) -> list[AlertEvent]:
        """What the receiver behind a channel was told of the same violation or topic, oldest first."""
        return self._history.setdefault((receiver(channel), event.violation_id or f"own:{event.topic}"), [])

    def muted(self, fact: Fact) -> Mute | None:
        """The mute that holds for a violation's seal."""
        place = fact.seal_id, fact.county_code
        if self._anything_muted and place not in self._mutes:
            self._mutes[place] = mutes.of(self.session, *place, self.now_ms)
        return self._mutes.get(place)

    def close(self) -> None:
        """Write the log; events of which every channel's part is written down are decided."""
        if self._rows:
            self.session.connection().execute(insert(AlertLog), self._rows)
        for event in self.waiting:
            if all((_number(event), channel.name) in self.done for channel in self.channels):
                event.decided_ms = self.now_ms
                self.session.add(event)

    def _read_history(self) -> dict[tuple[str, str], list[AlertEvent]]:
        by_name = {channel.name: receiver(channel) for channel in self.channels}
        found: dict[tuple[str, str], list[AlertEvent]] = {}
        violations = {event.violation_id for event in self.waiting if event.violation_id is not None}
        topics = {event.topic for event in self.waiting if event.violation_id is None}
        for name, event in all_told(self.session, by_name, violations, topics):
            mine = found.setdefault((by_name[name], event.violation_id or f"own:{event.topic}"), [])
            if event not in mine:
                mine.append(event)
        return found


def run(desk: Desk) -> int:
    """The pipeline, on one line; says how many messages it handed over to be sent and recorded."""
    return post(desk, deduplicate(desk, group(desk, mute(desk, address(desk, settle(desk))))))


def settle(desk: Desk) -> Iterator[Story]:
    """Stories whose first event is old enough; what is over by then, or goes on after all, is not told."""
    settled_ms = desk.now_ms - round(desk.alerts.settle_s * 1000)
    for story in stories(desk.session, desk.waiting):
        if story.events[0].at_ms > settled_ms:
            continue
        began = story.kinds & {Kind.NEW, Kind.TROUBLE}
        over = story.kinds & {Kind.ENDED, Kind.MENDED}
        red = story.fact is not None and story.fact.severity == "red"
        if began and over and not red:
            _drop(desk, story, "over before it settled")
            yield story  # a channel that was told of the beginning is told of the end
        elif over and story.fact is not None and story.fact.ended_ms is None:
            ends = [event for event in story.events if event.kind == Kind.ENDED.value]
            _drop(desk, story.only(ends), "it went on before its end settled")
            yield story
        else:
            yield story


def address(desk: Desk, settled: Iterable[Story]) -> Iterator[Parcel]:
    """A parcel for each channel that a story is for."""
    for story in settled:
        for channel in desk.channels:
            mine = [event for event in story.events if (_number(event), channel.name) not in desk.done]
            for event in list(mine):
                against = _against(channel, story, event, desk.heard(channel, event))
                if against is not None:
                    desk.log(channel, [event], Outcome.NOT_FOR_CHANNEL, against)
                    mine.remove(event)
            if mine:
                yield Parcel(channel, (story.only(mine),))


def mute(desk: Desk, parcels: Iterable[Parcel]) -> Iterator[Parcel]:
    """What nobody muted; the server's own troubles cannot be."""
    for parcel in parcels:
        fact = parcel.stories[0].fact
        muted = None if fact is None else desk.muted(fact)
        if muted is None:
            yield parcel
        else:
            reason = f"{muted.author}: {muted.reason} (until {iso(muted.until_ms)})"
            desk.log(parcel.channel, parcel.stories[0].events, Outcome.MUTED, reason)


def group(desk: Desk, parcels: Iterable[Parcel]) -> Iterator[Parcel]:
    """The first few by themselves; in a storm the rest together, when it has collected for a while."""
    for mine in _by_bucket(parcels):
        channel, bucket = mine[0].channel, mine[0].bucket
        recent = _recent(desk, channel, bucket)
        room = max(0, SINGLES - recent)
        yield from mine[:room]
        rest = mine[room:]
        collect_ms = desk.alerts.group_s * 1000 * min(COLLECT_LONGEST, 1 << max(0, recent - SINGLES))
        if rest and desk.now_ms - rest[0].stories[0].events[0].at_ms >= collect_ms:
            yield Parcel(channel, tuple(story for one in rest for story in one.stories))


def deduplicate(desk: Desk, parcels: Iterable[Parcel]) -> Iterator[Parcel]:
    """What the receiver does not know yet: two channels with one address are one receiver."""
    for parcel in parcels:
        fresh = list[Story]()
        for story in parcel.stories:
            known = desk.heard(parcel.channel, story.events[0])
            stale = [event for event in story.events if _is_known(event, story, known)]
            for event in stale:
                never = Kind(event.kind) is Kind.ENDED and not known
                outcome = Outcome.OVER if never else Outcome.REPEATED
                desk.log(
                    parcel.channel, [event], outcome, "its beginning was not told here" if never else "told before"
                )
            if len(stale) < len(story.events):
                fresh.append(story.only(event for event in story.events if event not in stale))
        if fresh:
            yield Parcel(parcel.channel, tuple(fresh))


def post(desk: Desk, parcels: Iterable[Parcel]) -> int:
    """Write the messages into the post, where they stay until the receiver has them."""
    count = 0
    for parcel in parcels:
        count += 1
        story, grouped = parcel.stories[0], len(parcel.stories) > 1
        known = desk.heard(parcel.channel, story.events[0])
        events = [event for one in parcel.stories for event in one.events]
        message_id = _message_id(parcel.channel, events)
        text = write(
            parcel,
            message_id,
            desk.alerts.page_url,
            again=any(event.code == story.events[-1].code for event in known),
            now_ms=desk.now_ms,
        )
        desk.session.add(
            AlertMessage(
                id=message_id,
                channel=parcel.channel.name,
                bucket=parcel.bucket,
                title=text.title,
                body=text.body,
                document=json.dumps(text.document, ensure_ascii=False),
                violation_id=None if grouped or story.fact is None else story.fact.violation_id,
                created_ms=desk.now_ms,
                next_try_ms=desk.now_ms,
            )
        )
        desk.session.flush()
        outcome = Outcome.GROUPED if grouped else Outcome.TOLD
        desk.log(parcel.channel, events, outcome, why(parcel), message_id)
    return count


def receiver(channel: Channel) -> str:
    """Who gets what goes to an address, as a hash: the same for two channels with one address."""
    return hashlib.sha256(channel.url.encode()).hexdigest()


def _against(channel: Channel, story: Story, event: AlertEvent, known: Sequence[AlertEvent]) -> str | None:
    """Why an event is not for a channel; None where it is."""
    kind = Kind(event.kind)
    if story.fact is None:
        return None if channel.own else "the server's own troubles are told to channels with own: true"
    if channel.counties and event.county_code not in channel.counties:
        return f"county {event.county_code}"
    if story.fact.severity not in channel.severities:
        return f"severity {story.fact.severity}"
    if channel.escalation and kind is not Kind.ESCALATED and not known:
        return "told of escalations only"
    if kind is Kind.ESCALATED and not channel.escalation:
        return "escalations are told to channels with escalation: true"
    return None


def _is_known(event: AlertEvent, story: Story, known: Sequence[AlertEvent]) -> bool:
    """Whether telling an event would repeat what the receiver knows."""
    last = Kind(known[-1].kind) if known else None
    if any(event.id == one.id for one in known):
        return True  # another channel has the same address
    match Kind(event.kind):
        case Kind.NEW:
            return last not in (None, Kind.ENDED)
        case Kind.ENDED:  # together with its beginning it is one message
            return last is Kind.ENDED if known else story.kinds == {Kind.ENDED}
        case Kind.MENDED:
            return last is not Kind.TROUBLE
        case Kind.TROUBLE:
            return last is Kind.TROUBLE
        case _:
            return False


def _by_bucket(parcels: Iterable[Parcel]) -> Iterator[list[Parcel]]:
    found: dict[tuple[str, str], list[Parcel]] = {}
    for parcel in parcels:
        found.setdefault((parcel.channel.name, parcel.bucket), []).append(parcel)
    yield from found.values()


def _recent(desk: Desk, channel: Channel, bucket: str) -> int:
    """Messages of a bucket that were made within STORM_MS."""
    return desk.session.exec(
        select(func.count())
        .select_from(AlertMessage)
        .where(AlertMessage.channel == channel.name, AlertMessage.bucket == bucket)
        .where(col(AlertMessage.created_ms) > desk.now_ms - STORM_MS)
    ).one()


def _message_id(channel: Channel, events: Sequence[AlertEvent]) -> str:
    """The same for the same events to the same channel, whenever it is made."""
    name = "\n".join([channel.name, *(str(event.id) for event in events)])
    return "M-" + base64.b32encode(hashlib.sha256(name.encode()).digest())[:12].decode()


def _drop(desk: Desk, story: Story, reason: str) -> None:
    """Write down as over what is told to no channel that was not told of its beginning already."""
    for channel in desk.channels:
        open_ = [event for event in story.events if (_number(event), channel.name) not in desk.done]
        if len(open_) == len(story.events):
            desk.log(channel, open_, Outcome.OVER, reason)


def _number(event: AlertEvent) -> int:
    return event.id or 0
