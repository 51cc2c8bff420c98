"""Pages on NiceGUI's application: each at one address a language, with its own style sheets."""

import json
from collections.abc import Awaitable, Callable
from functools import cache
from typing import Literal

import msgspec
from fastapi import Request
from nicegui import ui

from server.access.who import Who
from server.api import auth
from server.console import palette
from server.console.feed import Feed
from server.console.frame import Frame
from server.console.html import static
from server.console.visitor import Visitor
from server.console.words import HOMES, Language, Words

FEED = "coldseal.feed"
"""Where a server's feed stands in the scope of a request."""

SCRIPTS = ("console.js", "chart.js")

RESPONSE_TIMEOUT_S = 15.0
"""A page may have to wait for the worker's turn on the database."""

RECONNECT_S = 600.0
"""A line that was cut for less comes back without a reload."""

Build = Callable[[Frame], Awaitable[None]]


class PageKind(msgspec.Struct, frozen=True):
    """One of the console's pages.

    Attributes:
        path: its address in Chinese, with places in braces; the English one is below /en.
        title: the key of its title's words.
        build: puts elements on it; called once for every visit.
        styles: names of its own style sheets in `static`, after console.css.
    """

    path: str
    title: str
    build: Build
    styles: tuple[str, ...] = ()


def add(kind: PageKind) -> None:
    """Register a page in every language."""
    for language in HOMES:
        _add(kind, language)


def _add(kind: PageKind, language: Language) -> None:
    words = Words(language)
    prefix = HOMES[language].rstrip("/")

    async def page(request: Request) -> None:
        who: Who = request.state.who
        feed: Feed = request.scope[FEED]
        ui.add_head_html(_head(kind, words, feed.clock.wall_ms()))
        visitor = Visitor(auth.secret(request), who.address)
        path = request.url.path.removeprefix(prefix) or "/"
        await kind.build(Frame(feed, words, visitor, who, path, request.path_params, request.query_params))

    html_language: Literal["zh-CN", "en-US"] = "zh-CN" if language == "zh" else "en-US"
    ui.page(
        prefix + kind.path if kind.path != "/" else HOMES[language],
        title=f"{words(kind.title)} · ColdSeal",
        language=html_language,
        response_timeout=RESPONSE_TIMEOUT_S,
        reconnect_timeout=RECONNECT_S,
    )(page)


def _head(kind: PageKind, words: Words, now_ms: int) -> str:
    told = json.dumps(words.starting("js.") | {"now_ms": now_ms}, ensure_ascii=False)
    return f"<style>{_style(kind.styles)}</style><script>window.coldsealWords={told};\n{_script()}</script>"


@cache
def _style(names: tuple[str, ...]) -> str:
    return palette.css() + "".join(static(name) for name in ("console.css", "chart.css", *names))


@cache
def _script() -> str:
    return "".join(static(name) for name in SCRIPTS)
