"""The console on the server's application: NiceGUI's pages, the sign-in, the charts' data."""

from typing import Protocol

import nicegui
from fastapi import FastAPI
from nicegui import ui
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from server.console import board, charts, door, finder, pages, palette, seal_page, sparks, violation_page
from server.console.feed import Feed
from server.console.html import render, static
from server.console.words import Words
from server.news import News
from server.store import Store
from wire.clock import Clock

PAGES = (board.PAGE, violation_page.PAGE, seal_page.PAGE)

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
    def news(self) -> News:
        """Rung when something changed."""
        ...


def register(app: FastAPI, server: Host) -> None:
    """Add the pages to an application; the guard before it lets nobody in who is not signed in.

    Args:
        app: the server's application, its other routes already there: the pages take what is left.
        server: whose data is shown.
    """
    app.include_router(door.router(server.store, server.clock))
    app.include_router(charts.router(server.store))
    app.include_router(sparks.router(server.store, server.clock))
    app.include_router(finder.router(server.store))
    _mount(app, Feed(server.store, server.clock, server.news))


def _mount(app: FastAPI, feed: Feed) -> None:
    """NiceGUI has one application and one event loop for the whole process.

    Each server hands its own feed in with each request, so that any number may be built; one at a time may be served.
    """
    nicegui.app.user_middleware.clear()  # run_with adds its own again, which a started application refuses
    nicegui.app.middleware_stack = None
    for kind in PAGES:
        pages.add(kind)
    nicegui.app.on_page_exception(_say_mistake)
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


def _say_mistake() -> None:
    """In place of a page that could not be built; what it was stands in the log, not on the page."""
    ui.add_head_html(f"<style>{palette.css()}{static('console.css')}</style>")
    zh, en = Words("zh"), Words("en")
    ui.html(render("mistake", zh, both=(zh, en)), sanitize=False)


class _Carrying:
    """Hands a server's feed to the pages that are asked for through it."""

    def __init__(self, app: ASGIApp, feed: Feed) -> None:
        self._app, self._feed = app, feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[pages.FEED] = self._feed
        await self._app(scope, receive, send)
