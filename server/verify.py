"""Whether a message is believed. The only place where a WireError is caught.

Steps, in this order; the first that fails gives the reason:
  0. the topic is ours and names an agent
  1. the outer bytes are an envelope's
  2. the header says batch, and its kid is registered, for this agent, and not revoked
  3. the registered key signed these very bytes
  4. the body reads strictly as a batch
  5. deployment and agent are the ones that signed
  6. every column has its rows
What it does not say: whether the envelope fits the chain (ingest), and whether its values are true (detect).
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from wire import batch as batches
from wire import envelope, topics
from wire.batch import Batch, Row
from wire.errors import BadSignature, TopicError, UnknownVersion, WireError
from wire.keys import PublicKey


class Why(StrEnum):
    """Why a message was rejected."""

    TOPIC = "topic"
    MALFORMED = "malformed"
    UNKNOWN_KEY = "unknown_key"
    REVOKED_KEY = "revoked_key"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_VERSION = "unknown_version"
    WRONG_DEPLOYMENT = "wrong_deployment"
    WRONG_AGENT = "wrong_agent"
    FORK = "fork"
    OUR_MISTAKE = "our_mistake"


class Registered(msgspec.Struct, frozen=True):
    """A key and whose it is."""

    agent: str
    key: PublicKey
    revoked: bool


class Accepted(msgspec.Struct, frozen=True):
    """A believed batch."""

    agent: str
    batch: Batch
    rows: list[Row]
    sha: bytes


class Rejected(msgspec.Struct, frozen=True):
    """A message that is stored but not believed."""

    agent: str | None
    why: Why
    detail: str


Keyring = Callable[[str], Registered | None]


def verify(topic: str, payload: bytes, keyring: Keyring, deployment: str) -> Accepted | Rejected:
    """The verdict on one message from an agent's `up` topic."""
    agent = None
    try:
        agent = topics.parse(topic).agent  # (0)
        sealed = envelope.take_apart(payload)  # (1)
        registered = keyring(sealed.header.kid)  # (2)
        refused = _refuse_key(registered, sealed.header, agent)
        if refused is not None or registered is None:
            return refused or Rejected(agent, Why.UNKNOWN_KEY, sealed.header.kid)
        envelope.check_signature(sealed, registered.key)  # (3)
        body = envelope.parse(sealed.body, Batch)  # (4)
        if body.dep != deployment:  # (5)
            return Rejected(agent, Why.WRONG_DEPLOYMENT, f"expected {deployment!r}, got {body.dep[:60]!r}")
        if body.agt != agent:
            return Rejected(agent, Why.WRONG_AGENT, f"topic and key are {agent}'s, the body says {body.agt[:40]!r}")
        return Accepted(agent, body, batches.rows(body), envelope.digest(payload))  # (6)
    except WireError as error:
        return Rejected(agent, _why(error), str(error))


def _refuse_key(registered: Registered | None, header: envelope.Header, agent: str) -> Rejected | None:
    if header.typ != envelope.Kind.BATCH.value:
        return Rejected(agent, Why.MALFORMED, f"expected typ {envelope.Kind.BATCH.value}, got {header.typ}")
    if registered is None:
        return Rejected(agent, Why.UNKNOWN_KEY, f"kid {header.kid[:60]!r} is not registered; add it if it is yours")
    if registered.agent != agent:
        return Rejected(agent, Why.WRONG_AGENT, f"kid {header.kid!r} is {registered.agent}'s, the topic {agent}'s")
    if registered.revoked:
        return Rejected(agent, Why.REVOKED_KEY, f"kid {header.kid!r} was revoked")
    return None


def _why(error: WireError) -> Why:
    if isinstance(error, TopicError):
        return Why.TOPIC
    if isinstance(error, BadSignature):
        return Why.BAD_SIGNATURE
    return Why.UNKNOWN_VERSION if isinstance(error, UnknownVersion) else Why.MALFORMED
