"""Who is told of what: settle, mute, group, de-duplicate, and hand over to the post. One transaction, no network.

Each step takes parcels, gives the ones that go on, and writes down what became of the rest. What a step holds back (an
event that settles, a group that still collects) is not written down: it stays undecided in the database and comes again
with the next turn, so that a restart in the middle changes nothing. So does what a mistake of ours keeps back: it is set
aside (aside.py), story by story and channel by channel, and the rest goes on.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence

from sqlmodel import col, func, select

from server.notify.channels import Channel
from server.notify.desk import Desk, number
from server.notify.events import Kind
from server.notify.log import Outcome
from server.notify.story import Parcel, Story, by_subject, stored, story_of
from server.notify.tables import AlertEvent, AlertMessage
from server.notify.texts import why, write
from wire.clock import iso

SINGLES = 3
"""So many messages of a code and kind go out by themselves; more within STORM_MS are grouped."""

STORM_MS = 600_000
COLLECT_LONGEST = 4
"""A storm that lasts makes groups wait longer, up to so many times group_s."""


def run(desk: Desk) -> int:
    """The pipeline, on one line; says how many messages it handed over to be sent and recorded."""
    return post(desk, deduplicate(desk, group(desk, mute(desk, address(desk, settle(desk))))))


def settle(desk: Desk) -> Iterator[Story]:
    """Stories whose first event is old enough; what is over by then, or goes on after all, is not told."""
    found = stored(desk.session, desk.waiting)
    for key, events in by_subject(desk.waiting).items():
        story = None
        if not desk.holds(key):
            with desk.reading(key, events):
                story = _settled(desk, story_of(events, found))
        if story is not None:
            yield story


def address(desk: Desk, settled: Iterable[Story]) -> Iterator[Parcel]:
    """A parcel for each channel that a story is for."""
    for story in settled:
        for channel in desk.channels:
            parcel = None
            if not desk.holds(story.key, channel.name):
                with desk.minding([story], channel):
                    parcel = _addressed(desk, story, channel)
            if parcel is not None:
                yield parcel


def mute(desk: Desk, parcels: Iterable[Parcel]) -> Iterator[Parcel]:
    """What nobody muted; the server's own troubles cannot be."""
    for parcel in parcels:
        unmuted = False
        with desk.minding(parcel.stories, parcel.channel):
            unmuted = not _muted(desk, parcel)
        if unmuted:
            yield parcel


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
            with desk.minding([story], parcel.channel):
                left = _unknown(desk, parcel.channel, story)
                if left:
                    fresh.append(story.only(left))
        if fresh:
            yield Parcel(parcel.channel, tuple(fresh))


def post(desk: Desk, parcels: Iterable[Parcel]) -> int:
    """Write the messages into the post, where they stay until the receiver has them."""
    count = 0
    for parcel in parcels:
        stories = parcel.stories if len(parcel.stories) == 1 else _writable(desk, parcel)
        if stories:
            with desk.minding(stories, parcel.channel):
                _post(desk, Parcel(parcel.channel, stories))
                count += 1
    return count


def _settled(desk: Desk, story: Story) -> Story | None:
    """A story that is to be told by now, to whom it may be; None while it settles."""
    if story.events[0].at_ms > desk.now_ms - round(desk.alerts.settle_s * 1000):
        return None
    red = story.fact is not None and story.fact.severity == "red"
    over = Kind.ENDED in story.kinds  # the server's own trouble is told though it is over: nobody else saw it
    if over and Kind.NEW in story.kinds and not red:
        _drop(desk, story, "over before it settled")  # a channel that was told of the beginning is told of the end
    elif over and story.fact is not None and story.fact.ended_ms is None:
        ends = [event for event in story.events if event.kind == Kind.ENDED.value]
        _drop(desk, story.only(ends), "it went on before its end settled")
    return story


def _addressed(desk: Desk, story: Story, channel: Channel) -> Parcel | None:
    """What of a story is for a channel and not decided yet."""
    mine = [event for event in story.events if (number(event), channel.name) not in desk.done]
    for event in list(mine):
        against = _against(channel, story, event, desk.heard(channel, event))
        if against is not None:
            desk.log(channel, [event], Outcome.NOT_FOR_CHANNEL, against)
            mine.remove(event)
    return Parcel(channel, (story.only(mine),)) if mine else None


def _muted(desk: Desk, parcel: Parcel) -> bool:
    """Whether somebody muted it; then it is written down."""
    fact = parcel.stories[0].fact
    muted = None if fact is None else desk.muted(fact)
    if muted is not None:
        reason = f"{muted.author}: {muted.reason} (until {iso(muted.until_ms)})"
        desk.log(parcel.channel, parcel.stories[0].events, Outcome.MUTED, reason)
    return muted is not None


def _unknown(desk: Desk, channel: Channel, story: Story) -> list[AlertEvent]:
    """What of a story the receiver does not know yet; the rest is written down as known."""
    known = desk.heard(channel, story.events[0])
    stale = _stale(story, known)
    for event in stale:
        never = Kind(event.kind) is Kind.ENDED and not known
        outcome = Outcome.OVER if never else Outcome.REPEATED
        desk.log(channel, [event], outcome, "its beginning was not told here" if never else "told before")
    return [event for event in story.events if event not in stale]


def _stale(story: Story, known: Sequence[AlertEvent]) -> list[AlertEvent]:
    if story.fact is not None:
        return [event for event in story.events if _is_known(event, story, known)]
    stale, last = list[AlertEvent](), known[-1].kind if known else Kind.MENDED.value
    told_ids = {event.id for event in known}
    for event in story.events:  # one after the other: a trouble that is over again is two pieces of news
        if event.kind == last or event.id in told_ids:
            stale.append(event)
        last = event.kind
    return stale


def _writable(desk: Desk, parcel: Parcel) -> tuple[Story, ...]:
    """The members of a group, but for those of which no message could be written: they must not cost the others theirs."""
    found = list[Story]()
    for story in parcel.stories:
        with desk.minding([story], parcel.channel):
            write(Parcel(parcel.channel, (story,)), "", desk.alerts.page_url, again=False, now_ms=desk.now_ms)
            found.append(story)
    return tuple(found)


def _post(desk: Desk, parcel: Parcel) -> None:
    story, grouped = parcel.stories[0], len(parcel.stories) > 1
    known = desk.heard(parcel.channel, story.events[0])
    events = [event for one in parcel.stories for event in one.events]
    message_id = _message_id(parcel.channel, events)
    again, reason = any(event.code == story.events[-1].code for event in known), why(parcel)
    text = write(parcel, message_id, desk.alerts.page_url, again=again, now_ms=desk.now_ms)
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
    desk.log(parcel.channel, events, Outcome.GROUPED if grouped else Outcome.TOLD, reason, message_id)


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
    """Whether telling an event of a violation would repeat what the receiver knows."""
    last = Kind(known[-1].kind) if known else None
    if any(event.id == one.id for one in known):
        return True  # another channel has the same address
    match Kind(event.kind):
        case Kind.NEW:
            return last not in (None, Kind.ENDED)
        case Kind.ENDED:  # together with its beginning it is one message
            return last is Kind.ENDED if known else story.kinds == {Kind.ENDED}
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
        open_ = [event for event in story.events if (number(event), channel.name) not in desk.done]
        if len(open_) == len(story.events):
            desk.log(channel, open_, Outcome.OVER, reason)
