"""What a route gets from the server that it belongs to, and how its inputs are written."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema, model_validator

from server.access.who import Who
from server.api.auth import COOKIE
from server.api.errors import ErrorAnswer
from server.api.rights import anyone, asker, needs, signed_in
from server.news import News
from server.notify.notifier import Notifier
from server.settings import Settings
from server.store import Store
from server.times import EXPECTED, parse_ms
from server.watch import Watch
from server.worker import Worker
from wire.clock import Clock
from wire.keys import PublicKey

__all__ = [
    "ERRORS", "WITH_TOKEN", "Asker", "Context", "Here", "Input", "TimeMs", "anyone", "context", "needs", "signed_in", "time_ms",
]  # fmt: skip


@dataclass(frozen=True)
class Context:
    """The server behind an application.

    Attributes:
        server_key: the public half of the key that signs receipts.
        worker: None where the server was built without a broker.
        news: rung after a commit that changed what pages show.
        watch: knows the server's own troubles.
        notifier: tells people.
    """

    settings: Settings
    store: Store
    clock: Clock
    server_key: PublicKey
    worker: Worker | None
    news: News
    watch: Watch
    notifier: Notifier


def context(request: Request) -> Context:
    """The server that this application belongs to."""
    here: Context = request.app.state.context
    return here


class Input(BaseModel):
    """A body that is read strictly: unknown keys, other types, and the character NUL are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _no_nul(cls, given: object) -> object:
        if _has_nul(given):
            raise ValueError("body: expected text without the character NUL, which no database keeps")
        return given


def _has_nul(given: object) -> bool:
    if isinstance(given, dict):
        return any(_has_nul(one) for pair in given.items() for one in pair)
    return any(map(_has_nul, given)) if isinstance(given, list) else isinstance(given, str) and "\0" in given


def time_ms(value: object) -> int:
    """A time as it is written, as milliseconds since 1970; anything but a text is refused."""
    if not isinstance(value, str):
        raise ValueError(f"{EXPECTED}, got {value!r:.60}")  # noqa: TRY004 - what pydantic turns into an answer
    return parse_ms(value)


Here = Annotated[Context, Depends(context)]
Asker = Annotated[Who, Depends(asker)]
"""Who asks, with all that it may do."""

TimeMs = Annotated[
    int,
    BeforeValidator(time_ms),
    WithJsonSchema({"type": "string", "description": "ISO 8601; Beijing time where no offset is given"}),
]
"""A written time in a query or a body, as milliseconds since 1970."""

WITH_TOKEN = [
    Security(
        HTTPBearer(auto_error=False, description="a program's key; the guard has checked it before the route runs")
    ),
    Security(APIKeyCookie(name=COOKIE, auto_error=False, description="a browser's session; __Host-coldseal over TLS")),
]
"""Tells OpenAPI what the guard asks for."""

ERRORS: dict[int | str, dict[str, object]] = {
    "4XX": {"model": ErrorAnswer, "description": "What is wrong, and what to do"},
    422: {"model": ErrorAnswer, "description": "An input that cannot be meant"},
}
