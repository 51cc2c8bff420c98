"""What every answer tells the browser, and how long a request may be."""

from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api.errors import answer

BODY_BYTES_MAX = 262_144
"""Nothing that the interface takes is near it."""

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # a one-time link is a secret; with less, browsers would not say where forms are from
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
ON_TLS = {
    "Strict-Transport-Security": "max-age=31536000",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""Browsers ignore these without TLS, and say so in their log."""

INTERFACE = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


class BrowserRules:
    """Adds the headers to each answer, and refuses a request that says it is too long, or that no database could keep."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rules = EVERYWHERE | (INTERFACE if scope["path"].startswith("/api/") else {})
        rules |= ON_TLS if scope["scheme"] == "https" else {}

        async def send_with_rules(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in rules.items():
                    headers.setdefault(name, value)
            await send(message)

        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            message = "expected an address without the character NUL, got one with %00"
            await answer(HTTPStatus.BAD_REQUEST, "wrong_input", message)(scope, receive, send_with_rules)
            return
        if _declared_bytes(scope) > BODY_BYTES_MAX:
            message = f"expected a body of at most {BODY_BYTES_MAX} bytes, got {_declared_bytes(scope)}"
            refusal = answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_long", message)
            await refusal(scope, receive, send_with_rules)
            return
        await self._app(scope, receive, send_with_rules)


def _declared_bytes(scope: Scope) -> int:
    declared = Headers(scope=scope).get("content-length", "0")
    return int(declared) if declared.isascii() and declared.isdigit() else 0
