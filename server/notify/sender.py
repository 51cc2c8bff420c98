"""What the post asks of whoever sends: one message to one address, and what the receiver said."""

from typing import Protocol

import msgspec

FIRST_S, MOST_S = 5.0, 300.0
"""The wait after the first failed attempt, doubled with each, and the longest one."""


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One message on its way.

    Attributes:
        id: the same with every attempt.
        title, body: the text.
        document: the same for a program, as JSON.
        picture: a PNG for a mail, or None.
        taken: of several recipients, which have it from an earlier attempt; see Answer.
    """

    id: str
    title: str
    body: str
    document: dict[str, object]
    picture: bytes | None = None
    taken: frozenset[str] = frozenset()


class Answer(msgspec.Struct, frozen=True):
    """What the receiver said.

    Attributes:
        delivered: it has the message.
        reason: why not, in English, without address and secret; what it said where it has it.
        reached: it said something. What it refuses may be this one message, and the next is tried; where nobody
            answers, the messages wait in their order.
        taken: of several recipients, which have it by now, as the sender names them: never an address. Where others
            are refused for now, it is not delivered, and the next attempt leaves these out.
        lacking: delivered, but to some never will be: the reason says to whom and why.
    """

    delivered: bool
    reason: str
    reached: bool = True
    taken: frozenset[str] = frozenset()
    lacking: bool = False

    @property
    def trouble(self) -> str | None:
        """What is to be known of it; None where everybody has it."""
        return None if self.delivered and not self.lacking else self.reason

    @property
    def passes(self) -> bool:
        """Whether the channel works: what some of its recipients are refused holds up no other message."""
        return self.delivered or bool(self.taken)


class Sender(Protocol):
    """One channel's way out."""

    @property
    def shown(self) -> str:
        """The address without its secrets."""
        ...

    def send(self, message: Outgoing) -> Answer:
        """Try once, within the timeout; what the network does is an answer, not an exception."""
        ...


def pause_ms(failures: int) -> int:
    """How long to wait after so many failures in a row."""
    return round(min(MOST_S, FIRST_S * 2.0 ** min(failures - 1, 16)) * 1000)
