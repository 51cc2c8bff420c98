"""Agents: whose envelopes are believed, and what was rejected."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from sqlmodel import col, select

from server import agents
from server.access import audit, counties
from server.access.rights import Right
from server.api.context import ERRORS, WITH_TOKEN, Asker, Here, Input, needs
from server.tables import Agent, Rejected
from wire.clock import iso
from wire.keys import b64url

router = APIRouter(tags=["agents"], dependencies=WITH_TOKEN, responses=ERRORS)


class NewAgent(Input):
    """The public half of an agent's key.

    Attributes:
        id: as the agent's settings have it.
        key: ALG:BASE64URL, as the agent prints it.
        kid: the key's id; <id>#1 where left out.
    """

    id: str
    key: str
    kid: str | None = None


class AgentRow(BaseModel):
    """One agent.

    Attributes:
        stored_up_to: every envelope up to this number is stored, or its loss was declared.
        heard: server time of the last accepted envelope.
        last_row: time of the newest reading.
    """

    id: str
    kid: str
    public_key: str
    added: str
    revoked: str | None
    stored_up_to: int
    heard: str | None
    last_row: str | None


class Registration(BaseModel):
    """An agent, with what its settings file needs of this server."""

    agent: AgentRow
    deployment: str
    server_key: str


class RejectedRow(BaseModel):
    """A message that is stored but not believed.

    Attributes:
        agent: whose topic it came on; null where the topic names none.
        reason: a word of a closed list.
        sha256: of topic, a line feed and the message, base64url.
    """

    id: int
    received: str
    topic: str
    agent: str | None
    reason: str
    detail: str
    size_bytes: int
    sha256: str


class RejectedPage(BaseModel):
    """Rejected messages, the newest first; `next` is the `before` of the next page, null at the end."""

    rows: list[RejectedRow]
    next: int | None


@router.get("/agents", summary="Registered agents", dependencies=[needs(Right.READ)])
def every_agent(here: Here, who: Asker) -> list[AgentRow]:
    """All with a meter at a seal that one sees, revoked ones included."""
    chosen = select(Agent).where(*counties.of_agents(col(Agent.id), who.counties)).order_by(col(Agent.id))
    with here.store.transaction() as session:
        return [agent_row(agent) for agent in session.exec(chosen).all()]


@router.post("/agents", summary="Register an agent", status_code=HTTPStatus.CREATED, dependencies=[needs(Right.AGENTS)])
def add_agent(new: NewAgent, here: Here, who: Asker) -> Registration:
    """From now on its envelopes are believed. The very same registration again changes nothing."""
    now_ms, deployment = here.clock.wall_ms(), here.settings.deployment
    with here.store.transaction() as session:
        agent = agents.add(session, new.id, new.key, new.kid, deployment=deployment, now_ms=now_ms)
        audit.write(session, who, "agent.add", agent.id, now_ms, kid=agent.kid, key=agent.public_key)
    return Registration(agent=agent_row(agent), deployment=deployment, server_key=str(here.server_key))


@router.post("/agents/{agent_id}/revoke", summary="Believe an agent no longer", dependencies=[needs(Right.AGENTS)])
def revoke_agent(agent_id: str, here: Here, who: Asker) -> AgentRow:
    """For good; what it sent before stays."""
    now_ms = here.clock.wall_ms()
    with here.store.transaction() as session:
        agent = agents.revoke(session, agent_id, now_ms)
        audit.write(session, who, "agent.revoke", agent.id, now_ms)
    return agent_row(agent)


@router.get("/rejected", summary="Messages that were not accepted, with the reason", dependencies=[needs(Right.AGENTS)])
def rejected(
    here: Here,
    agent: str | None = None,
    reason: str | None = None,
    before: Annotated[int | None, Field(ge=1, le=2**63 - 1, description="the `next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> RejectedPage:
    """The newest first; of one agent or for one reason where asked."""
    chosen = select(Rejected).order_by(col(Rejected.id).desc()).limit(limit)
    for column, value in ((Rejected.agent_id, agent), (Rejected.reason, reason)):
        if value is not None:
            chosen = chosen.where(column == value)
    if before is not None:
        chosen = chosen.where(col(Rejected.id) < before)
    with here.store.transaction() as session:
        rows = [_rejected_row(row) for row in session.exec(chosen).all()]
    return RejectedPage(rows=rows, next=rows[-1].id if len(rows) == limit else None)


def agent_row(agent: Agent) -> AgentRow:
    """An agent as it is shown."""
    return AgentRow(
        id=agent.id,
        kid=agent.kid,
        public_key=agent.public_key,
        added=iso(agent.added_ms),
        revoked=_iso(agent.revoked_ms),
        stored_up_to=agent.ack_seq,
        heard=_iso(agent.heard_ms),
        last_row=_iso(agent.last_row_ms),
    )


def _rejected_row(row: Rejected) -> RejectedRow:
    return RejectedRow(
        id=row.id or 0,
        received=iso(row.received_ms),
        topic=row.topic,
        agent=row.agent_id,
        reason=row.reason,
        detail=row.detail,
        size_bytes=len(row.raw),
        sha256=b64url(row.sha),
    )


def _iso(wall_ms: int | None) -> str | None:
    return None if wall_ms is None else iso(wall_ms)
