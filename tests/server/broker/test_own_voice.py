"""The server's own word: when it is said, what counts as heard, and what is told when it is not."""

import pytest

from server.own_voice import AGAIN_MS, COMPLAIN_AFTER_MS, WORD, OwnVoice
from wire import topics


def test_said_again_until_heard() -> None:
    """Nothing before the broker has granted; then at once and at intervals; never again once heard."""
    voice = OwnVoice("ingest", "ingest")
    assert not voice.is_due(0)
    voice.begin(1000)
    assert [voice.is_due(at) for at in (1000, 1001, 1000 + AGAIN_MS)] == [True, False, True]
    assert voice.hears(voice.topic, WORD)
    assert not voice.is_due(10**9)


@pytest.mark.parametrize(
    ("channel", "payload", "own", "proof"),
    [
        (topics.Channel.UP, WORD, False, True),
        (topics.Channel.UP, b"an envelope", False, True),
        (topics.Channel.STATUS, b"online", False, False),
    ],
)
def test_an_agents_envelope_proves_as_much(channel: topics.Channel, payload: bytes, own: bool, proof: bool) -> None:
    """Whatever comes on `up` shows that we may read; only our own word on our own topic is kept from the worker."""
    voice = OwnVoice("ingest", "ingest")
    voice.begin(0)
    assert voice.hears(topics.build("a1", channel), payload) == own
    assert (voice.complaint(COMPLAIN_AFTER_MS) == "") == proof


def test_a_complaint_ends_when_it_is_heard() -> None:
    """It names the topic and what to do, and is over with the first message."""
    voice = OwnVoice("ingest", "ingest")
    voice.begin(0)
    assert voice.complaint(COMPLAIN_AFTER_MS - 1) == ""
    assert voice.topic in voice.complaint(COMPLAIN_AFTER_MS)
    voice.hears(voice.topic, WORD)
    assert voice.complaint(COMPLAIN_AFTER_MS) == ""


def test_a_user_name_that_cannot_stand_in_a_topic() -> None:
    """Then the client id does."""
    assert OwnVoice("Ingest 1", "ingest").topic == topics.build("ingest", topics.Channel.UP)
