"""Which agents are believed: registration, its refusals, and revocation."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session

from server import agents
from server.agents import AgentError, AgentTaken, UnknownAgent
from server.tables import Agent
from tests.server.stores import a_store
from wire import chain
from wire.errors import SettingsError
from wire.keys import PrivateKey, PublicKey

KEY = "Ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
"""RFC 8032's first test key."""


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A transaction on an empty database."""
    store = a_store(tmp_path)
    with store.transaction() as session:
        yield session
    store.close()


def add(session: Session, agent: str = "fz-1", key: str = KEY, kid: str | None = None) -> Agent:
    """Register an agent at time 7."""
    return agents.add(session, agent, key, kid, deployment="fuzhou/1", now_ms=7)


def test_a_new_agent_begins_at_the_genesis_of_its_key(session: Session) -> None:
    """The first envelope must follow the hash of this very registration."""
    agent = add(session)

    assert (agent.kid, agent.public_key, agent.added_ms, agent.ack_seq) == ("fz-1#1", KEY, 7, 0)
    assert agent.ack_sha == chain.genesis("fuzhou/1", "fz-1", "fz-1#1", PublicKey.parse(KEY))


def test_a_key_of_a_secure_element_is_taken(session: Session) -> None:
    """P-256 keys are registered as well as Ed25519."""
    key = str(PrivateKey.generate("ES256").public)

    assert add(session, key=key).public_key == key


def test_the_same_registration_again_changes_nothing(session: Session) -> None:
    """A script may run twice: the chain that has begun is left alone."""
    add(session).ack_seq = 41

    assert add(session).ack_seq == 41


@pytest.mark.parametrize(
    ("agent", "key", "kid", "message"),
    [
        ("FZ-1", KEY, None, "id: expected a-z, 0-9, '-' and at most 32 characters, got 'FZ-1'"),
        ("", KEY, None, "id: expected a-z, 0-9, '-' and at most 32 characters, got ''"),
        ("fz-1", "11qYAYKx", None, "key: public key: expected Ed25519 or ES256 before ':', got '11qYAYKx'; e.g."),
        ("fz-1", "RSA:11qYAYKx", None, "key: public key: expected Ed25519 or ES256 before ':', got 'RSA'"),
        ("fz-1", "Ed25519:AAAA", None, "key: public key: not a valid Ed25519 key"),
        ("fz-1", "ES256:" + KEY[8:], None, "key: public key: not a valid ES256 key"),
        ("fz-1", KEY, "fz-2#1", "kid: expected fz-1#1 (a number after '#'), got 'fz-2#1'"),
        ("fz-1", KEY, "fz-1", "kid: expected fz-1#1 (a number after '#'), got 'fz-1'"),
        ("fz-1", KEY, "fz-1#0", "kid: expected fz-1#1 (a number after '#'), got 'fz-1#0'"),
    ],
)
def test_refused(session: Session, agent: str, key: str, kid: str | None, message: str) -> None:
    """What is no id, key or kid is refused, and the message says which and why."""
    with pytest.raises(AgentError, match=r"^(id|key|kid): ") as error:
        add(session, agent, key, kid)

    assert message in str(error.value)
    assert error.value.exit_code == 2


def test_an_id_with_another_key(session: Session) -> None:
    """Nobody takes over a registered agent's name."""
    add(session)

    with pytest.raises(AgentTaken, match=r"^id: 'fz-1' is registered with key Ed25519:11qY.* as fz-1#1$"):
        add(session, key=str(PrivateKey.generate().public))


def test_a_key_of_another_agent(session: Session) -> None:
    """A cloned memory card shows itself at registration."""
    add(session)

    with pytest.raises(
        AgentTaken, match="key: belongs to 'fz-1'; expected a key of its own for 'fz-2', make a new one there"
    ):
        add(session, "fz-2")


def test_revoked_is_for_good(session: Session) -> None:
    """A revoked agent keeps its first revocation, and its name is not given again."""
    add(session)
    agents.revoke(session, "fz-1", 8)

    assert agents.revoke(session, "fz-1", 9).revoked_ms == 8
    with pytest.raises(AgentTaken, match="'fz-1' is revoked; its chain has ended, choose another id: fz-1-2"):
        add(session)


def test_nobody_to_revoke(session: Session) -> None:
    """An unknown id is told with where to look."""
    with pytest.raises(UnknownAgent, match="id: 'fz-9' is not registered; see: coldseal server agents list"):
        agents.revoke(session, "fz-9", 8)


def test_another_deployment_is_noticed_at_the_start(session: Session) -> None:
    """A server under another name than its new agents were registered for says so, instead of finding forks."""
    add(session)

    agents.check_deployment(session, "fuzhou/1")
    with pytest.raises(SettingsError, match="agent 'fz-1' was added for another one than 'fuzhou/2'"):
        agents.check_deployment(session, "fuzhou/2")


def test_agents_that_have_spoken_or_are_revoked_hinder_no_start(session: Session) -> None:
    """Only a chain that has not begun tells which deployment it was registered for."""
    add(session).ack_seq = 1
    add(session, "fz-2", str(PrivateKey.generate().public))
    agents.revoke(session, "fz-2", 8)

    agents.check_deployment(session, "fuzhou/2")
