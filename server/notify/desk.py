"""One turn's desk: what waits to be decided, what is known of it, and the log in which every decision is written."""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

from sqlmodel import Session, col, insert, select

from server import mutes
from server.notify.aside import Aside
from server.notify.channels import AlertsFile, Channel
from server.notify.log import Outcome, all_told
from server.notify.story import Fact, Story
from server.notify.tables import AlertEvent, AlertLog
from server.tables import Mute

EVENTS_AT_ONCE = 500
"""Undecided events that one turn looks at: our own troubles and red before amber, then the oldest."""


class Desk:
    """One turn: what the steps share, and the log that they write."""

    def __init__(
        self, session: Session, alerts: AlertsFile, channels: Sequence[Channel], now_ms: int, aside: Aside
    ) -> None:
        self.session, self.alerts, self.channels, self.now_ms = session, alerts, channels, now_ms
        self._aside = aside
        undecided = session.exec(
            select(AlertEvent)
            .where(col(AlertEvent.decided_ms).is_(None))
            .order_by(col(AlertEvent.severity).desc(), col(AlertEvent.id))
            .limit(EVENTS_AT_ONCE + aside.events)
        ).all()
        self.waiting = sorted(undecided, key=number)
        decided = select(AlertLog.event_id, AlertLog.channel).where(
            col(AlertLog.event_id).in_([number(event) for event in self.waiting])
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
            self.done.add((number(event), channel.name))
            self._rows.append(
                {
                    "event_id": number(event),
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

    def holds(self, key: str, channel: str = "") -> bool:
        """Whether a story is set aside, for a channel or for all."""
        return self._aside.holds(key, channel, self.now_ms)

    def minding(self, stories: Iterable[Story], channel: Channel) -> AbstractContextManager[None]:
        """Set stories aside for a channel if what is done with them makes a mistake."""
        about = {story.key: [number(event) for event in story.events] for story in stories}
        return self._aside.minding(about, channel.name, self.now_ms)

    def reading(self, key: str, events: Iterable[AlertEvent]) -> AbstractContextManager[None]:
        """Set a story aside for every channel if it cannot even be read."""
        return self._aside.minding({key: [number(event) for event in events]}, "", self.now_ms)

    def close(self) -> None:
        """Write the log; events of which every channel's part is written down are decided."""
        if self._rows:
            self.session.connection().execute(insert(AlertLog), self._rows)
        for event in self.waiting:
            if all((number(event), channel.name) in self.done for channel in self.channels):
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


def receiver(channel: Channel) -> str:
    """Who gets what goes to an address, as a hash: the same for two channels with one address."""
    return hashlib.sha256(channel.url.encode()).hexdigest()


def number(event: AlertEvent) -> int:
    """The event's id in the database."""
    return event.id or 0
