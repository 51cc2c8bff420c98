"""The only place where an MQTT topic is written."""

import hashlib
import re
from enum import StrEnum

import msgspec

from wire.errors import TopicError
from wire.limits import AGENT_ID_CHARS_MAX

ROOT = "coldseal/v1"
_AGENT = re.compile(rf"[a-z0-9][a-z0-9-]{{0,{AGENT_ID_CHARS_MAX - 1}}}")


class Channel(StrEnum):
    """What travels under an agent's name."""

    UP = "up"
    STATUS = "status"
    DOWN = "down"
    HIGH_WATER_MARK = "hwm"


class Topic(msgspec.Struct, frozen=True):
    """A topic, taken apart."""

    agent: str
    channel: Channel


def is_agent_id(text: str) -> bool:
    """Whether a text can name an agent: a-z, 0-9 and '-', at most 32 characters."""
    return _AGENT.fullmatch(text) is not None


def shard(agent: str) -> str:
    """Two hex digits that spread agents over ingest workers: the first byte of SHA-256 of the id."""
    return hashlib.sha256(agent.encode()).hexdigest()[:2]


def build(agent: str, channel: Channel) -> str:
    """The topic of one agent's channel.

    Raises:
        TopicError: the id cannot name an agent.
    """
    if not is_agent_id(agent):
        raise TopicError(f"agent id {agent!r}: expected a-z, 0-9, '-' and at most {AGENT_ID_CHARS_MAX} characters")
    return f"{ROOT}/{shard(agent)}/{agent}/{channel.value}"


def every(channel: Channel) -> str:
    """The filter that subscribes to one channel of every agent."""
    return f"{ROOT}/+/+/{channel.value}"


def parse(topic: str) -> Topic:
    """The parts of a topic.

    Raises:
        TopicError: not ours, or the shard is not the agent's.
    """
    parts = topic.split("/")
    if len(parts) != 5 or f"{parts[0]}/{parts[1]}" != ROOT or not is_agent_id(parts[3]):
        raise TopicError(f"topic {topic!r}: expected {ROOT}/<shard>/<agent>/<channel>")
    if parts[2] != shard(parts[3]):
        raise TopicError(f"topic {topic!r}: expected shard {shard(parts[3])} for agent {parts[3]}, got {parts[2]}")
    try:
        return Topic(parts[3], Channel(parts[4]))
    except ValueError:
        raise TopicError(f"topic {topic!r}: expected a channel of {', '.join(Channel)}, got {parts[4]!r}") from None
