"""The console on the server's application: NiceGUI's pages, the sign-in, the chart's data."""

import json
from typing import Literal, Protocol

import nicegui
from fastapi import FastAPI, Request
from nicegui import ui
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from server.api.auth import COOKIE
from server.console import charts, door, palette
from server.console.board import Board, Visitor
from server.console.feed import Feed, Listened
from server.console.html import static
from server.console.words import HOMES, Language, Words
from server.store import Store
from server.tables import Token
from wire.clock import Clock

RESPONSE_TIMEOUT_S = 15.0
"""A page may have to wait for the worker's turn on the database."""

_FEED = "coldseal.feed"

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><path d="M10 1.8 17 5.9v8.2l-7 4.1-7-4.1V5.9z M5.6 10h8.8" '
    'fill="none" stroke="#6B7F93" stroke-width="1.8"/></svg>'
)


class Host(Protocol):
    """The server that the pages belong to."""

    @property
    def store(self) -> Store:
        """Its database."""
        ...

    @property
    def clock(self) -> Clock:
        """What now means."""
        ...

    @property
    def worker(self) -> Listened | None:
        """Who tells of news; None where nothing arrives."""
        ...


def register(app: FastAPI, server: Host) -> None:
    """Add the pages to an application; the guard before it lets nobody in without a token.

    Args:
        app: the server's application, its other routes already there: the pages take what is left.
        server: whose data is shown.
    """
    feed = Feed(server.store, server.clock, server.worker)
    app.include_router(door.router(server.store, server.clock))
    app.include_router(charts.router(server.store))
    _mount(app, feed)


def _mount(app: FastAPI, feed: Feed) -> None:
    """NiceGUI has one application and one event loop for the whole process.

    Each server hands its own feed in with each request, so that any number may be built; one at a time may be served.
    """
    nicegui.app.user_middleware.clear()  # run_with adds its own again, which a started application refuses
    nicegui.app.middleware_stack = None
    for language, path in HOMES.items():
        _page(path, language)
    ui.run_with(
        app,
        title="ColdSeal",
        favicon=ICON,
        dark=None,
        language="zh-CN",
        tailwind=False,
        show_welcome_message=False,
    )
    mounted = app.routes[-1]
    assert isinstance(mounted, Mount)  # noqa: S101 - what run_with has just added
    mounted.app = _Carrying(mounted.app, feed)


class _Carrying:
    """Hands a server's feed to the pages that are asked for through it."""

    def __init__(self, app: ASGIApp, feed: Feed) -> None:
        self._app, self._feed = app, feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_FEED] = self._feed
        await self._app(scope, receive, send)


def _page(path: str, language: Language) -> None:
    words = Words(language)

    async def page(request: Request, v: str = "", s: str = "") -> None:
        token: Token = request.state.token
        feed: Feed = request.scope[_FEED]
        picked = f"v:{v}" if v else f"s:{s}" if s else ""
        ui.add_head_html(_head(words, feed.clock.wall_ms()))
        await Board(feed, words, Visitor(token.name, request.cookies.get(COOKIE, "")), picked).refresh()

    html_language: Literal["zh-CN", "en-US"] = "zh-CN" if language == "zh" else "en-US"
    ui.page(path, title=words("title"), language=html_language, response_timeout=RESPONSE_TIMEOUT_S)(page)


def _head(words: Words, now_ms: int) -> str:
    told = json.dumps(words.starting("age.") | {"failed": words("chart_failed"), "now_ms": now_ms})
    style, script = palette.css() + static("console.css"), static("console.js")
    return f"<style>{style}</style><script>window.coldsealWords={told};\n{script}</script>"
