"""What a route gets from the server that it belongs to, and how its inputs are written."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer
from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

from server.api.auth import COOKIE, author
from server.api.errors import ErrorAnswer
from server.settings import Settings
from server.store import Store
from server.times import parse_ms
from server.worker import Worker
from wire.clock import Clock
from wire.keys import PublicKey


@dataclass(frozen=True)
class Context:
    """The server behind an application.

    Attributes:
        server_key: the public half of the key that signs receipts.
        worker: None where the server was built without a broker.
    """

    settings: Settings
    store: Store
    clock: Clock
    server_key: PublicKey
    worker: Worker | None


def context(request: Request) -> Context:
    """The server that this application belongs to."""
    here: Context = request.app.state.context
    return here


class Input(BaseModel):
    """A body that is read strictly: unknown keys and other types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


Here = Annotated[Context, Depends(context)]
Author = Annotated[str, Depends(author)]
TimeMs = Annotated[
    int,
    BeforeValidator(parse_ms),
    WithJsonSchema({"type": "string", "description": "ISO 8601; Beijing time where no offset is given"}),
]
"""A time in a query, as milliseconds since 1970."""

WITH_TOKEN = [
    Security(HTTPBearer(auto_error=False, description="a token; the guard has checked it before the route runs")),
    Security(APIKeyCookie(name=COOKIE, auto_error=False, description="the same token, as the page carries it")),
]
"""Tells OpenAPI what the guard asks for."""

ERRORS: dict[int | str, dict[str, object]] = {
    "4XX": {"model": ErrorAnswer, "description": "What is wrong, and what to do"},
    422: {"model": ErrorAnswer, "description": "An input that cannot be meant"},
}
