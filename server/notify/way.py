"""A channel's way out: when it may be used, and what came of each attempt until that is written down."""

import json
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import msgspec
from sqlmodel import Session

from server.notify import channels as settings_of_channels
from server.notify.channels import AlertsFile, Channel
from server.notify.sender import Answer, Sender, pause_ms
from server.notify.tables import TAKEN, AlertMessage


class Tried(msgspec.Struct, frozen=True):
    """One attempt, until what came of it is written down; writing it twice does no harm.

    Attributes:
        attempts: with this one.
        pause_ms: how long the message waits where it is not delivered; 0: its turn comes with its channel's.
    """

    message_id: str
    answer: Answer
    attempts: int
    pause_ms: int
    at_ms: int


class Way:
    """One channel's way out, and how it does.

    Attributes:
        unwritten: attempts of which nothing is in the database yet; nothing is sent until it is.
    """

    def __init__(self, channel: Channel, sender: Sender) -> None:
        self.channel, self.sender = channel, sender
        self.failures, self.rests_until_ms = 0, 0
        self.last_error: str | None = None
        self.under_way: Future[None] | None = None
        self.unwritten: list[Tried] = []

    def is_free(self, now_ms: int) -> bool:
        """Whether it may be used now."""
        return now_ms >= self.rests_until_ms and (self.under_way is None or self.under_way.done())

    def note(self, message: AlertMessage, answer: Answer, now_ms: int) -> None:
        """Keep what came of an attempt; rest longer after each failure, not at all after a delivery."""
        self.failures = 0 if answer.passes else self.failures + 1
        self.last_error = answer.trouble
        self.rests_until_ms = 0 if answer.passes else now_ms + pause_ms(self.failures)
        attempts = message.attempts + 1
        # twice as long as the channel rests: when it wakes, another message has its turn
        wait_ms = 2 * pause_ms(max(attempts, self.failures)) if answer.reached else 0
        self.unwritten.append(Tried(message.id, answer, attempts, wait_ms, now_ms))

    def stumble(self, error: Exception, now_ms: int) -> None:
        """Rest after a mistake of ours as after a failure."""
        self.failures += 1
        self.last_error = f"a mistake of ours: {type(error).__name__}; see the log"
        self.rests_until_ms = now_ms + pause_ms(self.failures)


def record(session: Session, tried: Tried) -> None:
    """Write down what came of an attempt."""
    message, answer = session.get_one(AlertMessage, tried.message_id), tried.answer
    message.attempts = tried.attempts
    message.last_error = answer.trouble
    if answer.delivered:
        message.sent_ms = tried.at_ms
    elif tried.pause_ms:
        message.next_try_ms = tried.at_ms + tried.pause_ms
    if answer.taken and not answer.delivered:
        document = json.loads(message.document)
        document[TAKEN] = sorted(answer.taken.union(document.get(TAKEN, ())))
        message.document = json.dumps(document, ensure_ascii=False)
    session.add(message)


def ways(alerts: AlertsFile, data: Path, make: Callable[[Channel, AlertsFile], Sender] | None = None) -> list[Way]:
    """A way out for each channel of the settings.

    Raises:
        SettingsError: a channel that cannot be meant.
        SurroundingsError: an address file that cannot be read.
    """
    found = settings_of_channels.load(alerts, data)
    if found and make is None:
        from server.notify.apprise_sender import sender as make  # noqa: PLC0415 - loads a hundred services
    return [Way(channel, make(channel, alerts)) for channel in found if make is not None]
