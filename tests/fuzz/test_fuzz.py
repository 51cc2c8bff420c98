"""Decoders against hostile bytes: they refuse, they never crash, and they believe nothing that was changed."""

import os
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.verify import Accepted, Registered, Rejected, verify
from simulators import trace_file
from tests.server.ingest.plant import DEPLOYMENT, SigningAgent, reading
from wire.errors import ProfileError, ProgramError
from wire.profile import load
from wire.profile_files import find, names
from wire.quantities import Quantity
from wire.reading import Unreadable
from wire.registers import decode

EXAMPLES = int(os.environ.get("COLDSEAL_EXAMPLES", "200"))
AGENT = SigningAgent()
GOOD = AGENT.envelope([reading(second, 0.0) for second in range(5)])


def keyring(kid: str) -> Registered | None:
    """One registered agent."""
    return Registered("a1", AGENT.key.public, revoked=False) if kid == AGENT.kid else None


def fuzz(strategy: st.SearchStrategy[object]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As many examples as asked for, without a deadline."""

    def wrap(test: Callable[..., None]) -> Callable[..., None]:
        limits = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
        return limits(given(strategy)(test))

    return wrap


def refusal(load_it: Callable[[], object]) -> str:
    """What the world's error says; for a text that loads, the place alone."""
    try:
        load_it()
    except (ProfileError, ProgramError) as error:
        return str(error)
    return "fuzz.yaml: "


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A good envelope with a few bytes changed, cut, doubled or added."""
    data = bytearray(GOOD.payload)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "double"]))
        if kind == "flip":
            data[at] ^= draw(st.integers(1, 255))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 20))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=8))
        else:
            data[at:at] = data[at : at + 16]
        if not data:
            break
    return bytes(data)


@fuzz(spoiled())
def test_a_spoiled_envelope_is_never_believed(payload: bytes) -> None:
    """Any change to a signed envelope is refused with a reason."""
    verdict = verify(GOOD.topic, payload, keyring, DEPLOYMENT)

    assert isinstance(verdict, Rejected) or payload == GOOD.payload


@fuzz(st.binary(max_size=2_000))
def test_junk_is_refused(payload: bytes) -> None:
    """Anyone can publish junk; it is refused, and nothing crashes."""
    assert isinstance(verify(GOOD.topic, payload, keyring, DEPLOYMENT), Rejected)


@fuzz(st.text(max_size=80))
def test_any_topic_is_judged(topic: str) -> None:
    """A topic that is not the agent's own never carries its envelope in."""
    verdict = verify(topic, GOOD.payload, keyring, DEPLOYMENT)

    assert isinstance(verdict, Rejected) or topic == GOOD.topic


@fuzz(st.tuples(st.sampled_from(names()), st.lists(st.integers(0, 0xFFFF), min_size=60, max_size=60)))
def test_any_words_decode_to_a_number_or_a_reason(case: tuple[str, list[int]]) -> None:
    """Whatever a meter answers is a finite number or says why it is none."""
    name, words = case
    profile = find(name).profile
    spans = [(r.function, a) for r in profile.registers for a in r.span]
    image = {place: words[i % len(words)] & (1 if place[0] < 3 else 0xFFFF) for i, place in enumerate(spans)}

    for quantity, value in decode(image, profile).items():
        assert isinstance(quantity, Quantity)
        assert isinstance(value, Unreadable) or abs(value) < float("inf")


@fuzz(st.text(max_size=300))
def test_any_text_as_a_profile(text: str) -> None:
    """A profile file loads or is refused in one line."""
    assert refusal(lambda: load(text, "fuzz.yaml")).startswith("fuzz.yaml: ")


@fuzz(st.text(alphabet='t_s,active_power_w0123456789.-\n "', max_size=200))
def test_any_text_as_a_trace(text: str) -> None:
    """A trace file loads or is refused with its place."""
    assert refusal(lambda: trace_file.parse(text, "fuzz.csv")).startswith("fuzz.")


def test_the_good_envelope_is_believed() -> None:
    """The fuzzers' starting point is accepted: they do not pass for another reason."""
    assert isinstance(verify(GOOD.topic, GOOD.payload, keyring, DEPLOYMENT), Accepted)
