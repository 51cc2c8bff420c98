"""What is asked of the interface and is not there: the pages behind it would answer with a page."""

from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Nowhere:
    """Answers 404, or 405 with the methods that the address does take, for every method there is."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        """Stand behind the routes that there are by now."""
        self._routes = tuple(routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Refuse one request."""
        allowed = [method for method in METHODS if self._takes({**scope, "method": method})]
        if allowed:
            raise HTTPException(405, headers={"Allow": ", ".join(allowed)})
        raise HTTPException(404)

    def _takes(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] is Match.FULL for route in self._routes)
