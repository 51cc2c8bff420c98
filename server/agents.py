"""Which edge agents are believed: the public half of each one's key, and where its chain begins."""

import re

import msgspec
from sqlmodel import Session, col, select

from server.settings import Settings
from server.tables import Agent
from wire import chain, topics
from wire.errors import Malformed, SettingsError
from wire.keys import PublicKey
from wire.limits import AGENT_ID_CHARS_MAX

_KID = re.compile(r"(?P<agent>[a-z0-9-]+)#[1-9][0-9]{0,5}")


class AgentError(SettingsError):
    """An agent cannot be registered or revoked as asked.

    Attributes:
        field: the input that is wrong: id, key or kid.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class UnknownAgent(AgentError):
    """No agent has this id."""


class AgentTaken(AgentError):
    """The id, kid or key is registered already."""


class Registration(msgspec.Struct, frozen=True):
    """An agent with what its settings file needs of this server."""

    agent: str
    kid: str
    public_key: str
    deployment: str
    server_key: str


def add(session: Session, agent_id: str, key: str, kid: str | None, *, deployment: str, now_ms: int) -> Agent:
    """Register an agent; the very same registration again changes nothing.

    Args:
        session: the transaction.
        agent_id: as its settings and its MQTT user name have it.
        key: its public key, ALG:BASE64URL.
        kid: its key's id, <agent>#<epoch>; <agent>#1 where left out.
        deployment: the server's; it goes into the hash that the first envelope must follow.
        now_ms: server time.

    Raises:
        AgentTaken: the id, kid or key is registered, but not like this.
        AgentError: not an id, a key or a kid.
    """
    public, kid = _check(agent_id, key, kid or f"{agent_id}#1")
    known = session.get(Agent, agent_id)
    if known is not None:
        if known.public_key == str(public) and known.kid == kid and known.revoked_ms is None:
            return known
        state = f"revoked; its chain has ended, choose another id: {agent_id}-2" if known.revoked_ms else "registered"
        raise AgentTaken("id", f"{agent_id!r} is {state} with key {known.public_key} as {known.kid}")
    same_key = session.exec(select(Agent.id).where(Agent.public_key == str(public))).first()
    if same_key is not None:
        raise AgentTaken(
            "key", f"belongs to {same_key!r}; expected a key of its own for {agent_id!r}, make a new one there"
        )
    agent = Agent(
        id=agent_id,
        kid=kid,
        public_key=str(public),
        added_ms=now_ms,
        ack_sha=chain.genesis(deployment, agent_id, kid, public),
    )
    session.add(agent)
    session.flush()
    return agent


def revoke(session: Session, agent_id: str, now_ms: int) -> Agent:
    """Believe an agent no longer, for good; what it sent before stays. A second time changes nothing.

    Raises:
        UnknownAgent: no such id.
    """
    agent = session.get(Agent, agent_id)
    if agent is None:
        raise UnknownAgent("id", f"{agent_id!r} is not registered; see: coldseal server agents list")
    agent.revoked_ms = agent.revoked_ms or now_ms
    session.add(agent)
    session.flush()
    return agent


def check_deployment(session: Session, deployment: str) -> None:
    """Refuse to serve under another name than the agents were registered for: each first envelope would be a fork.

    Raises:
        SettingsError: an agent that was not heard yet belongs to another deployment.
    """
    waiting = session.exec(select(Agent).where(Agent.ack_seq == 0, col(Agent.revoked_ms).is_(None))).all()
    for agent in waiting:
        if agent.ack_sha != chain.genesis(deployment, agent.id, agent.kid, PublicKey.parse(agent.public_key)):
            raise SettingsError(
                f"deployment: agent {agent.id!r} was added for another one than {deployment!r}; "
                "start with the --deployment that `server agents add` was given"
            )


def registration(agent: Agent, settings: Settings, server_key: PublicKey) -> Registration:
    """What the person who sets up the agent must be told."""
    return Registration(agent.id, agent.kid, agent.public_key, settings.deployment, str(server_key))


def _check(agent_id: str, key: str, kid: str) -> tuple[PublicKey, str]:
    if not topics.is_agent_id(agent_id):
        raise AgentError("id", f"expected a-z, 0-9, '-' and at most {AGENT_ID_CHARS_MAX} characters, got {agent_id!r}")
    match = _KID.fullmatch(kid)
    if match is None or match["agent"] != agent_id:
        raise AgentError("kid", f"expected {agent_id}#1 (a number after '#'), got {kid!r}")
    try:
        return PublicKey.parse(key), kid
    except Malformed as error:
        raise AgentError("key", f"{error}; e.g. Ed25519:BASE64URL, as the agent prints it") from error
