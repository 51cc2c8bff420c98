import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import TopicError
from wire.topics import Channel, Topic, build, every, is_agent_id, parse, shard

AGENTS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True)


@given(AGENTS, st.sampled_from(Channel))
def test_pair(agent: str, channel: Channel) -> None:
    """A topic taken apart is what it was built from."""
    assert parse(build(agent, channel)) == Topic(agent, channel)


@given(AGENTS, st.sampled_from(Channel))
def test_the_filter_matches(agent: str, channel: Channel) -> None:
    """The filter for every agent matches each agent's topic level by level, with no '#'."""
    levels = zip(build(agent, channel).split("/"), every(channel).split("/"), strict=True)
    assert all(wanted in ("+", level) for level, wanted in levels)


def test_spelling() -> None:
    """The topic that brokers' access lists are written for."""
    assert build("mf-7", Channel.UP) == f"coldseal/v1/{hashlib.sha256(b'mf-7').hexdigest()[:2]}/mf-7/up"
    assert [channel.value for channel in Channel] == ["up", "status", "down", "hwm"]
    assert every(Channel.STATUS) == "coldseal/v1/+/+/status"


def test_shards_spread() -> None:
    """A thousand agents reach nearly all of the 256 shards."""
    assert len({shard(f"mf-{i}") for i in range(1000)}) > 240


BAD_IDS = ["", "-mf", "MF-7", "mf_7", "mf/7", "mf+7", "mf#7", "mf 7", "mf-7\n", "炉-7", "a" * 33]


@pytest.mark.parametrize("agent", BAD_IDS)
def test_an_id_that_no_topic_may_carry(agent: str) -> None:
    """Wildcards, separators, capitals and overlong names cannot become a topic."""
    assert not is_agent_id(agent)
    with pytest.raises(TopicError, match=re.escape(f"agent id {agent!r}: expected a-z, 0-9, '-' and at most 32")):
        build(agent, Channel.UP)


GOOD = build("mf-7", Channel.UP)


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        ("", "expected coldseal/v1/<shard>/<agent>/<channel>"),
        (GOOD + "/x", "expected coldseal/v1/<shard>/<agent>/<channel>"),
        (GOOD.replace("v1", "v2"), "expected coldseal/v1/<shard>/<agent>/<channel>"),
        (GOOD.replace("mf-7", "MF-7"), "expected coldseal/v1/<shard>/<agent>/<channel>"),
        (GOOD.replace("mf-7", "mf-8"), f"expected shard {shard('mf-8')} for agent mf-8, got {shard('mf-7')}"),
        (GOOD.replace("/up", "/sideways"), "expected a channel of up, status, down, hwm, got 'sideways'"),
    ],
)
def test_a_foreign_topic(topic: str, words: str) -> None:
    """A topic of another root, version, agent, shard or channel is refused with what was expected."""
    with pytest.raises(TopicError, match=re.escape(words)):
        parse(topic)
