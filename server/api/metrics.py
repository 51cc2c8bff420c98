"""The server's own numbers for Prometheus."""

from fastapi import APIRouter, Response

from server import metrics
from server.access.rights import Right
from server.api.context import ERRORS, WITH_TOKEN, Here, needs
from server.api.health import release
from server.metrics import CONTENT_TYPE, Sources

router = APIRouter(tags=["health"], dependencies=[*WITH_TOKEN, needs(Right.METRICS)], responses=ERRORS)


@router.get(
    "/metrics",
    summary="The server's numbers, as Prometheus reads them",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def numbers(here: Here) -> Response:
    """Names end in their unit; what is not known now is absent."""
    sources = Sources(
        store=here.store,
        clock=here.clock,
        folder=here.settings.data,
        silent_after_s=here.settings.silent_after_s,
        worker=here.worker,
        notifier=here.notifier,
        troubles=here.watch.present,
        release=release(),
    )
    return Response(metrics.text(sources), media_type=CONTENT_TYPE)
