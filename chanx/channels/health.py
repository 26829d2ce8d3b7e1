"""The health endpoints of a Django project: ``path("health/", include("chanx.channels.health"))``.

``live/`` answers without asking anything else; ``ready/`` asks the channel layers and the job store. Neither takes
sign-in, nor opens a transaction of ``ATOMIC_REQUESTS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from chanx.bridge.web.health import store_checks
from chanx.core.health import ALIVE, Check, Health, Readiness, check_name, layer_check

app_name = "chanx_health"


def _public(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    view.login_required = False  # type: ignore[attr-defined]  # what Django's LoginRequiredMiddleware asks, from 5.1 on
    return require_safe(transaction.non_atomic_requests(view))


@_public
def live(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return _response(ALIVE)


@_public
def ready(request: HttpRequest) -> HttpResponse:
    """The channel layers and the job store answer as well: 200, or else 503."""
    return _response(async_to_sync(_readiness.__call__)())


urlpatterns = [
    path("live/", live, name="live"),
    path("ready/", ready, name="ready"),
]


def _checks() -> dict[str, Check]:
    aliases: dict[str, Any] = getattr(settings, "CHANNEL_LAYERS", {})
    layers = {alias: get_channel_layer(alias) for alias in aliases}
    of_layers = {check_name(alias): layer_check(layer) for alias, layer in layers.items() if layer is not None}
    return {**of_layers, **store_checks()}


_readiness = Readiness(_checks)


def _response(health: Health) -> HttpResponse:
    return HttpResponse(health.content, status=health.status_code, headers=health.headers)
