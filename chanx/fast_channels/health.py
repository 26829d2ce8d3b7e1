"""The health endpoints of a FastAPI application: ``app.include_router(health_router(), prefix="/health")``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fast_channels.layers import get_channel_layer
from fastapi import APIRouter, Response

from chanx.bridge.web.health import store_checks
from chanx.core.health import ALIVE, Check, Health, Readiness, check_name, layer_check

if TYPE_CHECKING:
    from chanx.bridge.installed import Bridge


def health_router(bridge: Bridge | None = None, *, layers: Sequence[str] = ("default",)) -> APIRouter:
    """``/live/`` answers without asking anything else; ``/ready/`` asks the channel layers and the job store.

    ``bridge`` is by default that of the current Celery app, if it has one; ``layers`` are the aliases of the layers
    that have to answer.
    """
    router = APIRouter()
    readiness = Readiness(
        lambda: {**{check_name(alias): _layer_check(alias) for alias in layers}, **store_checks(bridge)}
    )

    @router.api_route("/live/", methods=["GET", "HEAD"], include_in_schema=False)
    async def live() -> Response:
        return _response(ALIVE)

    @router.api_route("/ready/", methods=["GET", "HEAD"], include_in_schema=False)
    async def ready() -> Response:
        return _response(await readiness())

    return router


def _layer_check(alias: str) -> Check:
    """One that fails where the layer is not registered."""

    async def ask() -> None:
        layer: Any = get_channel_layer(alias)
        if layer is None:
            raise LookupError(f"There is no channel layer {alias!r}: call register_channel_layer({alias!r}, ...)")
        await layer_check(layer)()

    return ask


def _response(health: Health) -> Response:
    return Response(health.content, status_code=health.status_code, headers=health.headers)
