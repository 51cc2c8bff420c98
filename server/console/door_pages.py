"""How the door's pages are made: a form with its words, what was typed (never a password), and what is wrong."""

import math
import secrets
from http import HTTPStatus
from typing import Literal

import msgspec
import nicegui
from fastapi import Request
from fastapi.responses import HTMLResponse, Response

from server.console import palette
from server.console.html import render, static
from server.console.words import HOMES, Words

FONTS = f"/_nicegui/{nicegui.__version__}/static/fonts.css"
POLICY = (
    "default-src 'none'; style-src 'self' 'nonce-{nonce}'; font-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

Lang = Literal["zh", "en"]


class Form(msgspec.Struct, frozen=True):
    """A page of the door.

    Attributes:
        page: sign_in, enter, first_admin, choose_password or change_password.
        words: the language.
        goes: where the form leads (sign_in), or where it is sent (the others).
        name: the account's, where it is known already.
        shown_as: how the account is called, where it is known already.
        typed: what was typed and stays, by input.
        field: the input that is wrong, "" where none is.
        problem: what is wrong, and what to do.
        note: what should be known beforehand.
        wait_ms: how long no password is taken.
    """

    page: str
    words: Words
    goes: str
    name: str = ""
    shown_as: str = ""
    typed: dict[str, str] = {}
    field: str = ""
    problem: str = ""
    note: str = ""
    status: HTTPStatus = HTTPStatus.OK
    wait_ms: int = 0

    def with_typed(self, **typed: str) -> "Form":
        """The same form with what was typed."""
        return msgspec.structs.replace(self, typed=typed)

    def wrong(
        self, field: str, problem: str, status: HTTPStatus = HTTPStatus.UNPROCESSABLE_ENTITY, wait_ms: int = 0
    ) -> "Form":
        """The same form with what is wrong."""
        return msgspec.structs.replace(self, field=field, problem=problem, status=status, wait_ms=wait_ms)


def form(shown: Form) -> Response:
    """A page as it is sent; nothing on it may run, and only its own style applies."""
    headers = {"Retry-After": str(math.ceil(shown.wait_ms / 1000))} if shown.wait_ms else {}
    return _page(shown.words, shown.status, headers, template=f"door_{shown.page}", shown=shown)


def hop(request: Request, words: Words) -> Response:
    """A page that goes on to the sign-in by itself.

    A visit that begins in a message or on another site carries no strict cookie, and its redirects neither; a visit
    that this page begins does, so that whoever is signed in comes to the page in the message.
    """
    return _page(
        words, HTTPStatus.OK, {}, template="door_hop", further=str(request.url.include_query_params(here="1").query)
    )


def inside(address: str) -> str:
    """An address on this server: whoever wrote the link must not lead a person elsewhere."""
    is_inside = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_inside and address.isprintable() else HOMES["zh"]


def told_wait(words: Words, wait_ms: int) -> str:
    """A time to wait, in seconds up to two minutes."""
    seconds = math.ceil(wait_ms / 1000)
    return words("wait_s", n=seconds) if seconds <= 120 else words("wait_min", n=math.ceil(seconds / 60))


def _page(words: Words, status: HTTPStatus, headers: dict[str, str], *, template: str, **values: object) -> Response:
    nonce = secrets.token_urlsafe(16)
    page = render(
        template,
        words,
        style=palette.css() + static("console.css") + static("door.css"),
        fonts=FONTS,
        nonce=nonce,
        other="en" if words.language == "zh" else "zh",
        **values,
    )
    headers |= {"Content-Security-Policy": POLICY.format(nonce=nonce), "Cache-Control": "no-store"}
    return HTMLResponse(page, status, headers)
