"""Who asks. Nothing is answered without a token, but for the paths that are named here.

The guard stands before every route, so that a route that somebody adds is closed until it is named.
"""

from http import HTTPStatus
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from server import tokens
from server.api.errors import answer
from server.store import Store
from server.tables import Token
from wire.clock import Clock

COOKIE = "coldseal"
SIGN_IN = "/sign-in"
FIRST = "/first/"
FREE_PATHS = ("/api/v1/health", "/api/v1/public/seals", SIGN_IN, "/favicon.ico")
FREE_BELOW = (FIRST, "/_nicegui/")
"""One-time links, and the page's scripts and styles, which are the same for everyone. Its live line is not here."""

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_OURS = ("same-origin", "none")


class Guard:
    """Lets a request pass that carries a token, or asks for a free path.

    Attributes of the request's state:
        token: who asks; None on a free path.
    """

    def __init__(self, app: ASGIApp, store: Store, clock: Clock) -> None:
        self._app, self._store, self._clock = app, store, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        asked.state.token = None if is_free(scope["path"]) else await run_in_threadpool(self._bearer, asked)
        if _from_elsewhere(asked):
            message = "asked by another site's page; expected this server's own page, or a program with a bearer token"
            await answer(HTTPStatus.FORBIDDEN, "other_site", message)(scope, receive, send)
        elif asked.state.token is None and not is_free(scope["path"]):
            await _refuse(asked, receive, send)
        else:
            await self._app(scope, receive, send)

    def _bearer(self, asked: HTTPConnection) -> Token | None:
        secret = _secret(asked)
        if secret is None:
            return None
        with self._store.transaction() as session:
            return tokens.bearer(session, secret, self._clock.wall_ms())


def is_free(path: str) -> bool:
    """Whether a path is answered to anyone."""
    return path in FREE_PATHS or path.startswith(FREE_BELOW)


def author(request: Request) -> str:
    """The name that stands in the record for what this request does."""
    token: Token = request.state.token
    return token.name


def set_cookie(request: Request, response: Response, secret: str) -> None:
    """Sign a browser in: the token travels in a cookie that scripts cannot read and other sites cannot send."""
    response.set_cookie(
        COOKIE,
        secret,
        max_age=tokens.SIGNED_IN_MS // 1000,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def sign_in_page(path: str) -> str:
    """Where a browser without a token is sent; it comes back to the path."""
    return f"{SIGN_IN}?next={quote(path)}"


def _secret(asked: HTTPConnection) -> str | None:
    scheme, _, secret = asked.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret.strip():
        return secret.strip()
    return asked.cookies.get(COOKIE)


def _from_elsewhere(asked: HTTPConnection) -> bool:
    """Whether another site's page makes a browser change something here, with our cookie or by signing it in.

    The cookie is strict, but a page on another port of this host counts as the same site.
    """
    if "authorization" in asked.headers or asked.scope.get("method") in SAFE_METHODS:
        return False
    return asked.headers.get("sec-fetch-site", "none") not in _OURS


async def _refuse(asked: HTTPConnection, receive: Receive, send: Send) -> None:
    if asked.scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    if asked.scope["method"] in SAFE_METHODS and not asked.url.path.startswith("/api/"):
        await RedirectResponse(sign_in_page(asked.url.path), HTTPStatus.SEE_OTHER)(asked.scope, receive, send)
        return
    message = "expected a token that is good: header 'Authorization: Bearer TOKEN', or sign in on the page"
    refusal = answer(HTTPStatus.UNAUTHORIZED, "no_token", message, None, **{"WWW-Authenticate": "Bearer"})
    await refusal(asked.scope, receive, send)
