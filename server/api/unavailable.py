"""What is answered while the database takes no transaction: 503, and when to ask again."""

import logging
from http import HTTPStatus

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.api.errors import answer
from server.store import StoreUnavailable

log = logging.getLogger("coldseal.server.api")

AGAIN_S = "5"
PROGRAMS_BELOW = "/api/"
MESSAGE = "the database does not answer now, and the server goes on trying; ask again in a moment"
MESSAGE_ZH = "数据库暂时不可用，服务器正在重试，请稍后再试"


class Unavailable:
    """Stands around guard and routes: each of them uses the database, and it is down for all of them alike."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except StoreUnavailable as error:
            if begun or scope["type"] not in ("http", "websocket"):
                raise
            log.error("%s", error)  # noqa: TRY400 - the world's, no traceback; the answer must not name the database
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1013})
                return
            await _said(scope["path"])(scope, receive, send)


def _said(path: str) -> Response:
    headers = {"Retry-After": AGAIN_S}
    if path.startswith(PROGRAMS_BELOW):
        return answer(HTTPStatus.SERVICE_UNAVAILABLE, "unavailable", MESSAGE, None, **headers)
    return PlainTextResponse(f"{MESSAGE_ZH}\n{MESSAGE}\n", HTTPStatus.SERVICE_UNAVAILABLE, headers)
