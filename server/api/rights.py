"""Which right each route needs: stated at the route, checked before it runs, and written into the OpenAPI document."""

from collections.abc import Iterator

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.params import Depends as DependsParam
from fastapi.routing import APIRoute

from server.access.rights import Right
from server.access.who import Who

DOCUMENTED_AS = "x-coldseal-right"
ANYONE = "anyone"
SIGNED_IN = "signed in"


class _Needs:
    """A dependency that refuses who lacks a right.

    Attributes:
        told: what the document says.
    """

    def __init__(self, right: Right | None, told: str) -> None:
        self._right, self.told = right, told

    def __call__(self, request: Request) -> None:
        if self._right is not None:
            asker(request).need(self._right)


class RouteWithoutRight(Exception):
    """A route does not say who may ask it: a mistake of ours."""


def asker(request: Request) -> Who:
    """Who asks; the guard has found out."""
    who: Who | None = request.state.who
    assert who is not None  # noqa: S101 - the guard lets nobody else pass to a route that asks
    return who


def needs(right: Right) -> DependsParam:
    """Of a route: who asks needs this right."""
    return _depends(_Needs(right, right.value))


def signed_in() -> DependsParam:
    """Of a route: whoever is signed in, or has a key, may ask."""
    return _depends(_Needs(None, SIGNED_IN))


def anyone() -> DependsParam:
    """Of a route: strangers may ask; the guard names the path too."""
    return _depends(_Needs(None, ANYONE))


def document(router: APIRouter) -> None:
    """Write the right of each route of a router into what OpenAPI tells of it.

    Raises:
        RouteWithoutRight: a route states none, or two.
    """
    for route in router.routes:
        if not isinstance(route, APIRoute):
            continue
        told = {need.told for need in _stated(route.dependant)}
        if len(told) != 1:
            raise RouteWithoutRight(
                f"{route.methods} {route.path}: expected one right, dependencies=[needs(Right.…)], got {sorted(told)}"
            )
        route.openapi_extra = (route.openapi_extra or {}) | {DOCUMENTED_AS: told.pop()}


def _depends(need: _Needs) -> DependsParam:
    depends: DependsParam = Depends(need)
    return depends


def _stated(dependant: Dependant) -> Iterator[_Needs]:
    for one in dependant.dependencies:
        if isinstance(one.call, _Needs):
            yield one.call
