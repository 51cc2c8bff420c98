"""Signing in: by a token that is pasted, or by a link that works once."""

from http import HTTPStatus
from typing import Annotated, Literal

import nicegui
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from server import tokens
from server.api.auth import COOKIE, FIRST, SIGN_IN, set_cookie
from server.console import palette
from server.console.html import render, static
from server.console.words import HOMES, Words
from server.store import Store
from wire.clock import Clock

HOME = HOMES["zh"]
FONTS = f"/_nicegui/{nicegui.__version__}/static/fonts.css"

Lang = Literal["zh", "en"]


def router(store: Store, clock: Clock) -> APIRouter:
    """The routes that let a person in and out."""
    routes = APIRouter(include_in_schema=False)

    @routes.get(SIGN_IN)
    def sign_in(lang: Lang | None = None, next: str = HOME) -> Response:  # noqa: A002 - its name in the address
        """The form, in the language of the page that was asked for."""
        following = _inside(next)
        return _form(Words(lang or ("en" if following.startswith(HOMES["en"]) else "zh")), following)

    @routes.post(SIGN_IN)
    def signed(
        request: Request,
        token: Annotated[str, Form()] = "",
        next: Annotated[str, Form()] = HOME,  # noqa: A002 - its name in the form
        lang: Lang = "zh",
    ) -> Response:
        """A token was pasted."""
        secret = token.strip()
        with store.transaction() as session:
            is_good = tokens.bearer(session, secret, clock.wall_ms()) is not None
        if not is_good:
            words = Words(lang)
            return _form(words, _inside(next), words("token_wrong"), HTTPStatus.UNAUTHORIZED)
        response = RedirectResponse(_inside(next), HTTPStatus.SEE_OTHER)
        set_cookie(request, response, secret)
        return response

    @routes.get(FIRST + "{secret}")
    def first(request: Request, secret: str) -> Response:
        """A link that works once.

        It answers with a page that goes on by itself: a redirect would carry on the visit of the site or chat that
        the link stood in, and a strict cookie is not sent there.
        """
        with store.transaction() as session:
            gained = tokens.redeem(session, secret, clock.wall_ms())
        words = Words("zh")
        if gained is None:
            return _form(words, HOME, words("link_used"), HTTPStatus.UNAUTHORIZED)
        response = HTMLResponse(render("signed_in", words, style=_style(), fonts=FONTS, next=HOME))
        set_cookie(request, response, gained)
        return response

    @routes.post("/sign-out")
    def sign_out() -> Response:
        """Forget the token in this browser."""
        response = RedirectResponse(SIGN_IN, HTTPStatus.SEE_OTHER)
        response.delete_cookie(COOKIE)
        return response

    return routes


def _form(words: Words, following: str, problem: str = "", status: HTTPStatus = HTTPStatus.OK) -> Response:
    page = render("sign_in", words, style=_style(), fonts=FONTS, next=following, problem=problem)
    return HTMLResponse(page, status)


def _inside(address: str) -> str:
    """An address on this server: whoever wrote the link must not lead a person elsewhere."""
    inside = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if inside and address.isprintable() else HOME


def _style() -> str:
    return palette.css() + static("console.css")
