"""Whether the broker delivers what it granted.

Mosquitto answers "granted" to a subscription whose messages its access list then keeps back, in silence. So the server
says a word under its own name, as an agent would, and must hear it by the same subscription that brings the agents'
envelopes. That needs no right beyond those of the shipped lists: everybody may write under their own name, and the
server reads all.
"""

from wire import topics

WORD = b'{"probe":"ingest"}'
AGAIN_MS = 5_000
COMPLAIN_AFTER_MS = 15_000


class OwnVoice:
    """One connection's check.

    Args:
        name: who we are at the broker; where that cannot stand in a topic, `otherwise` does.
    """

    def __init__(self, name: str, otherwise: str) -> None:
        self.topic = topics.build(name if topics.is_agent_id(name) else otherwise, topics.Channel.UP)
        self._heard = True
        self._since_ms = self._next_ms = 0

    def begin(self, now_ms: int) -> None:
        """The broker has granted the subscription."""
        self._heard = False
        self._since_ms = self._next_ms = now_ms

    def is_due(self, now_ms: int) -> bool:
        """Whether the word is to be said now."""
        if self._heard or now_ms < self._next_ms:
            return False
        self._next_ms = now_ms + AGAIN_MS
        return True

    def hears(self, topic: str, payload: bytes) -> bool:
        """Whether a message is our own word; everything that is not proves as much."""
        if not topic.endswith(f"/{topics.Channel.UP.value}"):
            return False
        self._heard = True
        return topic == self.topic and payload == WORD

    def complaint(self, now_ms: int) -> str:
        """What is wrong, or nothing."""
        if self._heard or now_ms - self._since_ms < COMPLAIN_AFTER_MS:
            return ""
        return (
            f"the broker granted {topics.every(topics.Channel.UP)} but delivers nothing of it, not even our own word on "
            f"{self.topic}: no envelope can arrive; correct the broker's access list (docs/brokers.md)"
        )
