"""Which envelopes are on their way, and when one is sent again. Pure; the caller knows the time.

A broker's acknowledgement means that it is the broker's turn, never that the server has the envelope.
"""

import random
from collections.abc import Sequence

import msgspec

from wire.limits import IN_FLIGHT_MAX, RECEIPT_WAIT_S

RESEND_WAIT_MAX_S = 600.0
ASKED_AGAIN_MS = 1_000
"""A number that the server misses is sent again at once, unless it left so shortly ago that both can have crossed."""


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
        after: everything above this number has not left yet.
        resent: how often an envelope left again.
    """

    def __init__(self, receipt_wait_s: float = RECEIPT_WAIT_S, chance: random.Random | None = None) -> None:
        self.after = 0
        self.resent = 0
        self._wait_ms = receipt_wait_s * 1000
        self._chance = chance or random.SystemRandom()
        self._sent: dict[int, Sent] = {}
        self._unanswered_since_ms: int | None = None

    @property
    def room(self) -> int:
        """How many more may leave now."""
        return IN_FLIGHT_MAX - len(self._sent)

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
        self.after = max(self.after, seq)

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
