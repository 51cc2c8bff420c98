"""The server's signed word to an agent: what is committed, and what is missing. Only this lets an agent delete."""

import msgspec


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt.

    Attributes:
        v: format version.
        dep: deployment.
        agt: the agent that it is for.
        ack: highest number up to which every envelope is committed.
        sha: SHA-256 (b64url) of the envelope `ack`; empty while ack is 0.
        have: committed envelopes above `ack`: first and last number of each range.
        miss: ranges that the server asks for again.
        now: the server's wall time in ms.
    """

    dep: str
    agt: str
    ack: int
    sha: str
    now: int
    v: int = 1
    have: list[tuple[int, int]] = []
    miss: list[tuple[int, int]] = []


def encode(receipt: Receipt) -> bytes:
    """The BODY's bytes."""
    return msgspec.json.encode(receipt)
