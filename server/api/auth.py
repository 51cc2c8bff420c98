"""Who asks. Nothing is answered to a stranger, but for the paths that are named here.

The guard stands before every route, so that a route that somebody adds is closed until it is named.
"""

from http import HTTPStatus
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from server.access import keys, sessions
from server.access.links import FIRST
from server.access.who import Who
from server.api.errors import answer
from server.store import Store
from wire.clock import Clock

COOKIE = "coldseal"
COOKIE_ON_TLS = "__Host-coldseal"
"""A browser takes a cookie of this name only over TLS, for this host alone and for every path of it."""

SIGN_IN = "/sign-in"
FREE_PATHS = ("/api/v1/health", "/api/v1/public/seals", SIGN_IN, "/favicon.ico")
FREE_BELOW = (FIRST, "/_nicegui/")
"""One-time links, and the page's scripts and styles, which are the same for everyone. Its live line is not here."""

PROGRAMS_BELOW = "/api/"
"""Where a key opens anything: pages are for people."""

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_OURS = ("same-origin", "none")
_REFUSALS = {
    "wrong_key": "expected a key that is good, got one that is unknown, revoked or over: ask an administrator for another",
    "session_over": "this session is over (signed out, ended, idle for 30 min, or 12 h old): sign in again on the page",
    "not_signed_in": "expected a key, header 'Authorization: Bearer KEY', or a session: sign in on the page",
}


class Guard:
    """Lets a request pass whose sender is known, or that asks for a free path.

    Attributes of the request's state:
        who: who asks; None on a free path.
    """

    def __init__(self, app: ASGIApp, store: Store, clock: Clock) -> None:
        self._app, self._store, self._clock = app, store, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        asked.state.who = None if is_free(scope["path"]) else await run_in_threadpool(self._who, asked)
        if _from_elsewhere(asked):
            message = "asked by another site's page; expected this server's own page, or a program with a key"
            await answer(HTTPStatus.FORBIDDEN, "other_site", message)(scope, receive, send)
        elif asked.state.who is None and not is_free(scope["path"]):
            await _refuse(asked, receive, send)
        else:
            await self._app(scope, receive, send)

    def _who(self, asked: HTTPConnection) -> Who | None:
        now_ms, place = self._clock.wall_ms(), address(asked)
        if "authorization" in asked.headers:
            scheme, _, key = asked.headers["authorization"].partition(" ")
            if scheme.lower() != "bearer" or not asked.scope["path"].startswith(PROGRAMS_BELOW):
                return None
            with self._store.transaction() as session:
                return keys.who(session, key.strip(), now_ms, place)
        if gained := secret(asked):
            with self._store.transaction() as session:
                return sessions.who(session, gained, now_ms, place)
        return None


def is_free(path: str) -> bool:
    """Whether a path is answered to anyone."""
    return path in FREE_PATHS or path.startswith(FREE_BELOW)


def address(asked: HTTPConnection) -> str:
    """Where a request comes from: the connection's other end, or what a trusted proxy says it is."""
    return asked.client.host if asked.client is not None else ""


def secret(asked: HTTPConnection) -> str:
    """The secret of the browser's session, "" where it has none; `sessions.who` asks again with it."""
    return asked.cookies.get(_cookie(asked), "")


def set_cookie(request: Request, response: Response, secret: str) -> None:
    """Sign a browser in: the secret travels in a cookie that scripts cannot read and other sites cannot send."""
    response.set_cookie(
        _cookie(request),
        secret,
        max_age=sessions.ABSOLUTE_MS // 1000,
        path="/",
        httponly=True,
        samesite="strict",
        secure=_is_tls(request),
    )


def forget_cookie(request: Request, response: Response) -> None:
    """Sign a browser out."""
    response.delete_cookie(_cookie(request), path="/", httponly=True, samesite="strict", secure=_is_tls(request))


def sign_in_page(path: str) -> str:
    """Where a browser without a session is sent; it comes back to the path, which may have a query."""
    return f"{SIGN_IN}?next={quote(path)}"


def from_here(asked: HTTPConnection) -> str:
    """Path and query that were asked for."""
    query = asked.url.query
    return f"{asked.url.path}?{query}" if query else asked.url.path


def _cookie(asked: HTTPConnection) -> str:
    return COOKIE_ON_TLS if _is_tls(asked) else COOKIE


def _is_tls(asked: HTTPConnection) -> bool:
    return asked.scope.get("scheme") in ("https", "wss")


def _from_elsewhere(asked: HTTPConnection) -> bool:
    """Whether another site's page makes a browser change something here, with our cookie or by signing it in.

    The cookie is strict, but a page on another port of this host counts as the same site. A browser says where the
    page is from in Sec-Fetch-Site, or, without TLS on another machine, only in Origin.
    """
    if "authorization" in asked.headers or asked.scope.get("method") in SAFE_METHODS:
        return False
    if "sec-fetch-site" in asked.headers:
        return asked.headers["sec-fetch-site"] not in _OURS
    origin = asked.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != asked.headers.get("host", "").lower()


async def _refuse(asked: HTTPConnection, receive: Receive, send: Send) -> None:
    if asked.scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    is_page = not asked.url.path.startswith(PROGRAMS_BELOW)
    if is_page and asked.scope["method"] in SAFE_METHODS:
        await RedirectResponse(sign_in_page(from_here(asked)), HTTPStatus.SEE_OTHER)(asked.scope, receive, send)
        return
    code = (
        "wrong_key" if "authorization" in asked.headers
        else "session_over" if secret(asked)
        else "not_signed_in"
    )  # fmt: skip
    refusal = answer(HTTPStatus.UNAUTHORIZED, code, _REFUSALS[code], None, **{"WWW-Authenticate": "Bearer"})
    await refusal(asked.scope, receive, send)
