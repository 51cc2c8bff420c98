"""What pages may run: this server's own scripts, and those written into the page that carry the answer's own word.

NiceGUI writes its start into each page and compiles its parts in the browser, so that inline scripts and eval are
needed. An inline script gets a nonce, which is new for each answer; whatever else looks like a script, such as an
`onerror` in a text that somebody typed, does not run.
"""

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_HEADER = "Content-Security-Policy"


class PagePolicy:
    """Gives pages their policy, but for those that bring one of their own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and not scope["path"].startswith("/api/"):
            await self._app(_plain(scope), receive, _Answer(send))
        else:
            await self._app(scope, receive, send)


class _Answer:
    """An answer on its way out; a page is held until all of it is there."""

    def __init__(self, send: Send) -> None:
        self._send, self._nonce = send, secrets.token_urlsafe(16)
        self._start: Message | None = None
        self._body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            has_own = _HEADER in headers
            headers.setdefault(_HEADER, POLICY.format(nonce=self._nonce))
            if not has_own and headers.get("content-type", "").startswith("text/html"):
                self._start = message
                return
        elif message["type"] == "http.response.body" and self._start is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._finish(self._start)
            return
        await self._send(message)

    async def _finish(self, start: Message) -> None:
        body = bytes(self._body).replace(b"<script", f'<script nonce="{self._nonce}"'.encode())
        MutableHeaders(scope=start)["content-length"] = str(len(body))
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _plain(scope: Scope) -> Scope:
    """The same request, with its page asked for uncompressed: it is still to be written in."""
    if "text/html" not in Headers(scope=scope).get("accept", ""):
        return scope
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]}
