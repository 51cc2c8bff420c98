"""Whether the server does its work: /api/v1/health, for anyone who watches it."""

import sqlite3
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from server.api.context import Here
from server.store import Store, StoreUnavailable, wal_is_safe
from server.tables import Token
from wire.clock import iso

router = APIRouter(tags=["health"])


class Database(BaseModel):
    """Whether rows can be read, and how this SQLite is used.

    Attributes:
        sqlite_wal_safe: whether this SQLite keeps a WAL intact; where not, the server uses TRUNCATE.
    """

    ok: bool
    sqlite_version: str
    sqlite_wal_safe: bool
    journal: str


class Ingest(BaseModel):
    """The way in.

    Attributes:
        trouble: why nothing can be stored now; null where all is well.
        last_message_age_s: time since the last message; null where none came since the start.
        accepted, duplicates, rejected: messages since the start.
    """

    broker_connected: bool
    working: bool
    trouble: str | None
    last_message_age_s: float | None
    accepted: int
    duplicates: int
    rejected: int


class Health(BaseModel):
    """How the server is; `ingest` is null where it was built without a broker."""

    status: Literal["ok", "degraded"]
    version: str
    time: str
    database: Database
    ingest: Ingest | None


@router.get("/health", summary="How the server is", responses={503: {"model": Health, "description": "Degraded"}})
def health(here: Here, response: Response) -> Health:
    """200 while it can read its database and hears its broker, else 503; both with the same body."""
    now_ms = here.clock.wall_ms()
    database = _database(here.store)
    ingest = None if here.worker is None else _ingest(here.worker.health(), now_ms)
    ok = database.ok and (ingest is None or (ingest.broker_connected and ingest.working and not ingest.trouble))
    response.status_code = HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE
    return Health(
        status="ok" if ok else "degraded", version=release(), time=iso(now_ms), database=database, ingest=ingest
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
            session.exec(select(Token.id).limit(1)).all()
        ok = True
    except (StoreUnavailable, SQLAlchemyError):
        ok = False
    return Database(
        ok=ok,
        sqlite_version=sqlite3.sqlite_version,
        sqlite_wal_safe=wal_is_safe(sqlite3.sqlite_version_info[:3]),
        journal=store.journal,
    )


def _ingest(told: dict[str, object], now_ms: int) -> Ingest:
    last_ms = told["last_message_ms"]
    age_s = (now_ms - last_ms) / 1000 if isinstance(last_ms, int) else None
    return Ingest.model_validate(
        {name: told[name] for name in told if name != "last_message_ms"} | {"last_message_age_s": age_s}
    )
