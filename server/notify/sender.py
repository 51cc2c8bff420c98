"""What the post asks of whoever sends: one message to one address, and what the receiver said."""

from typing import Protocol

import msgspec


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One message on its way.

    Attributes:
        id: the same with every attempt.
        title, body: the text.
        document: the same for a program, as JSON.
        picture: a PNG for a mail, or None.
    """

    id: str
    title: str
    body: str
    document: dict[str, object]
    picture: bytes | None = None


class Answer(msgspec.Struct, frozen=True):
    """What the receiver said.

    Attributes:
        delivered: it has the message.
        reason: why not, in English, without address and secret; what it said where it has it.
        reached: it said something. What it refuses may be this one message, and the next is tried; where nobody
            answers, the messages wait in their order.
    """

    delivered: bool
    reason: str
    reached: bool = True


class Sender(Protocol):
    """One channel's way out."""

    @property
    def shown(self) -> str:
        """The address without its secrets."""
        ...

    def send(self, message: Outgoing) -> Answer:
        """Try once, within the timeout; what the network does is an answer, not an exception."""
        ...
