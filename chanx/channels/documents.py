"""The AsyncAPI document of a Django project: its routes, and what the ``CHANX`` setting says about it."""

from __future__ import annotations

from typing import Any

from chanx.asyncapi.exporting import Wanted
from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.asyncapi.servers import Server, server_at, with_pathname
from chanx.channels.discovery import DjangoRouteDiscovery
from chanx.channels.settings import chanx_settings
from chanx.routing.discovery import DEFAULT_BASE_URL


def exported_document(wanted: Wanted) -> dict[str, Any]:
    """The document that a command line asks for; the server is ``WEBSOCKET_BASE_URL`` where it does not say one."""
    return project_document(server_at(wanted.base_url or chanx_settings.WEBSOCKET_BASE_URL or DEFAULT_BASE_URL), wanted)


def project_document(server: Server, wanted: Wanted | None = None) -> dict[str, Any]:
    """The document of every route of the ``ASGI_APPLICATION``, or of those that ``wanted`` has a class to find.

    What it does not say is as the settings ``ASYNCAPI_TITLE``, ``ASYNCAPI_VERSION`` and ``ASYNCAPI_DESCRIPTION`` are.
    """
    wanted = wanted or Wanted()
    routes = (wanted.discovery() or DjangoRouteDiscovery()).discover_routes(f"{server.protocol}://{server.host}")
    generator = AsyncAPIGenerator(
        routes,
        title=_first(wanted.title, chanx_settings.ASYNCAPI_TITLE),
        version=_first(wanted.version, chanx_settings.ASYNCAPI_VERSION),
        description=_first(wanted.description, chanx_settings.ASYNCAPI_DESCRIPTION),
        server_url=server.host,
        server_protocol=server.protocol,
        camelize=bool(chanx_settings.CAMELIZE),
    )
    return with_pathname(generator.generate(), server.pathname)


def _first(said: str | None, default: Any) -> Any:
    return default if said is None else said
