"""A message as the broker gave it."""

import msgspec


class Message(msgspec.Struct, frozen=True):
    """Topic, payload and when it arrived, in ms of the server's wall clock."""

    topic: str
    payload: bytes
    received_ms: int
