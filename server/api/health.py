"""Whether the server does its work: /api/v1/health, for anyone who watches it."""

from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from server.api.context import Here, anyone
from server.notify.notifier import Notifier
from server.store import Store, StoreUnavailable
from server.tables import Agent
from server.troubles import Obstacle, Topic
from wire.clock import iso

router = APIRouter(tags=["health"])


class Database(BaseModel):
    """Whether rows can be read, and what they stand on.

    Attributes:
        kind: SQLite or PostgreSQL.
        version: the release of that program.
        journal: WAL, or TRUNCATE where this SQLite can lose a write-ahead log.
    """

    ok: bool
    kind: str
    version: str
    journal: str


class Ingest(BaseModel):
    """The way in.

    Attributes:
        trouble: why nothing can be taken in now, in a word; null where all is well. The server's log has the rest.
        last_message_age_s: time since the last message; null where none came since the start.
        inbox: messages that arrived and are not taken yet.
        lag_s: age of the oldest message that waits for its commit.
        accepted, duplicates, rejected: messages since the start.
    """

    broker_connected: bool
    working: bool
    trouble: Obstacle | None
    last_message_age_s: float | None
    inbox: int
    lag_s: float
    accepted: int
    duplicates: int
    rejected: int


class Notifying(BaseModel):
    """The way out to people.

    Attributes:
        working: whether it runs.
        trouble: failing (all or some of what is to be told could not be), or null. The server's log has the rest.
    """

    working: bool
    trouble: Literal["failing"] | None


class Health(BaseModel):
    """How the server is.

    Attributes:
        ingest: null where it was built without a broker.
        notifier: null where it was built without a broker, and where its database cannot be read.
        troubles: the server's own, of which staff were told and which are not over.
    """

    status: Literal["ok", "degraded"]
    version: str
    time: str
    database: Database
    ingest: Ingest | None
    notifier: Notifying | None
    troubles: list[Topic]


@router.get(
    "/health",
    summary="How the server is",
    responses={503: {"model": Health, "description": "Degraded"}},
    dependencies=[anyone()],
)
def health(here: Here, response: Response) -> Health:
    """200 while it can read its database, hears its broker and its notifier runs, else 503; both with the same body."""
    now_ms = here.clock.wall_ms()
    database = _database(here.store)
    ingest = None if here.worker is None else _ingest(here.worker.health(), now_ms)
    notifier = None if here.worker is None else _notifier(here.notifier)
    ok = (
        database.ok
        and (ingest is None or (ingest.broker_connected and ingest.working and not ingest.trouble))
        and (notifier is None or notifier.working)
    )
    response.status_code = HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE
    return Health(
        status="ok" if ok else "degraded",
        version=release(),
        time=iso(now_ms),
        database=database,
        ingest=ingest,
        notifier=notifier,
        troubles=sorted(here.watch.present),
    )


def release() -> str:
    """The installed release, or that this is a checkout which nobody installed."""
    try:
        return version("coldseal")
    except PackageNotFoundError:
        return "not installed"


def _database(store: Store) -> Database:
    try:
        with store.transaction() as session:
            session.exec(select(Agent.id).limit(1)).all()
        ok = True
    except (StoreUnavailable, SQLAlchemyError):
        ok = False
    return Database(ok=ok, kind=store.kind, version=store.version, journal=store.journal)


def _notifier(notifier: Notifier) -> Notifying | None:
    try:
        told = notifier.health()
    except (StoreUnavailable, SQLAlchemyError):
        return None
    return Notifying(working=told.working, trouble=None if told.trouble is None else "failing")


def _ingest(told: dict[str, object], now_ms: int) -> Ingest:
    last_ms = told["last_message_ms"]
    age_s = (now_ms - last_ms) / 1000 if isinstance(last_ms, int) else None
    return Ingest.model_validate(
        {name: told[name] for name in told if name != "last_message_ms"} | {"last_message_age_s": age_s}
    )
