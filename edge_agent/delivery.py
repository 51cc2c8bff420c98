"""Which envelopes are on their way, and when one is sent again. Pure; the caller knows the time.

A broker's acknowledgement means that it is the broker's turn, never that the server has the envelope.
"""

import random
from collections.abc import Sequence
from enum import StrEnum

import msgspec

from wire.limits import IN_FLIGHT_MAX, RECEIPT_WAIT_S

RESEND_WAIT_MAX_S = 600.0
BACKLOG_IN_FLIGHT_MAX = IN_FLIGHT_MAX // 4
"""Of a backlog: what is on its way stands before a live envelope in the broker's and the server's queues."""
ASKED_AGAIN_MS = 1_000
"""A number that the server misses is sent again at once, unless it left so shortly ago that both can have crossed."""


class Lane(StrEnum):
    """Numbers above the backlog leave first."""

    LIVE = "live"
    BACKLOG = "backlog"


class Sent(msgspec.Struct):
    """An envelope that left and is not receipted.

    Attributes:
        taken: the broker has acknowledged (or refused) it; until then the MQTT client still holds it.
        tries: how often it left.
        sent_ms, due_ms: when it left last, and when it leaves again.
    """

    taken: bool
    tries: int
    sent_ms: int
    due_ms: int


class Delivery:
    """The window of envelopes between outbox and server.

    Attributes:
        after: of the backlog, everything above this number has not left yet.
        live: the same of what is newer than the backlog.
        resent: how often an envelope left again.
    """

    def __init__(self, receipt_wait_s: float = RECEIPT_WAIT_S, chance: random.Random | None = None) -> None:
        self.after = self.live = 0
        self.resent = 0
        self._wait_ms = receipt_wait_s * 1000
        self._chance = chance or random.SystemRandom()
        self._sent: dict[int, Sent] = {}
        self._backlog_to = 0
        self._unanswered_since_ms: int | None = None

    @property
    def room(self) -> int:
        """How many more may leave now."""
        return IN_FLIGHT_MAX - len(self._sent)

    def overtake(self, newest: int) -> None:
        """A session begins: what a full window cannot hold is backlog, and the newest envelope leaves before it."""
        if newest - self.after > IN_FLIGHT_MAX:
            self._backlog_to = newest - 1
            self.live = max(self.live, newest - 1)

    def cursor(self, lane: Lane) -> int:
        """The number after which a lane goes on."""
        return self.live if lane is Lane.LIVE else self.after

    def room_in(self, lane: Lane) -> int:
        """How many more of a lane may leave now."""
        if lane is Lane.LIVE or self.after >= self._backlog_to:
            return self.room
        old = sum(seq <= self._backlog_to for seq in self._sent)
        return min(self.room, BACKLOG_IN_FLIGHT_MAX - old)

    def passed(self, lane: Lane, seq: int) -> None:
        """A number of a lane has left."""
        if lane is Lane.LIVE:
            self.live = max(self.live, seq)
        else:
            self.after = max(self.after, seq)

    @property
    def in_flight(self) -> tuple[int, ...]:
        """Numbers that left and are not receipted."""
        return tuple(self._sent)

    def left(self, seq: int, now_ms: int) -> None:
        """An envelope was handed to the MQTT client."""
        tries = self._sent[seq].tries + 1 if seq in self._sent else 1
        self.resent += tries > 1
        wait = min(self._wait_ms * 2 ** (tries - 1), RESEND_WAIT_MAX_S * 1000)
        self._sent[seq] = Sent(
            taken=False, tries=tries, sent_ms=now_ms, due_ms=now_ms + round(wait * self._chance.uniform(1.0, 1.3))
        )

    def taken(self, seq: int, now_ms: int) -> None:
        """The broker answered for it, whatever it said."""
        if seq in self._sent:
            self._sent[seq].taken = True
            if self._unanswered_since_ms is None:
                self._unanswered_since_ms = now_ms

    def receipted(
        self, ack: int, have: Sequence[tuple[int, int]], miss: Sequence[tuple[int, int]], now_ms: int
    ) -> None:
        """The server's word arrived."""
        ranges = [(1, ack), *have]
        self._sent = {seq: sent for seq, sent in self._sent.items() if not _within(seq, ranges)}
        self._unanswered_since_ms = None
        for seq, sent in self._sent.items():
            if _within(seq, miss) and now_ms - sent.sent_ms >= ASKED_AGAIN_MS:
                sent.due_ms = now_ms
        if miss:
            self.after = min(self.after, min(first for first, _ in miss) - 1)

    def due(self, now_ms: int) -> list[int]:
        """Numbers to send again, lowest first."""
        return sorted(seq for seq, sent in self._sent.items() if sent.taken and sent.due_ms <= now_ms)

    def next_due_ms(self) -> int | None:
        """When the next one is due, or None."""
        return min((sent.due_ms for sent in self._sent.values() if sent.taken), default=None)

    def unanswered_ms(self, now_ms: int) -> int:
        """How long the broker has been taking envelopes without a receipt from the server."""
        return 0 if self._unanswered_since_ms is None else now_ms - self._unanswered_since_ms


def _within(seq: int, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(first <= seq <= last for first, last in ranges)
