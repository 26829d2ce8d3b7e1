"""The AsyncAPI document of a FastAPI or Starlette application."""

from __future__ import annotations

from typing import Any

from chanx.asyncapi.constants import DEFAULT_ASYNCAPI_TITLE, DEFAULT_ASYNCAPI_VERSION
from chanx.asyncapi.exporting import Wanted
from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.asyncapi.servers import Server, server_at, with_pathname
from chanx.fast_channels.discovery import FastAPIRouteDiscovery
from chanx.fast_channels.type_defs import AsyncAPIConfig
from chanx.fast_channels.utils import config_from_app, merge_configs
from chanx.routing.discovery import DEFAULT_BASE_URL, RouteDiscovery


def exported_document(app: Any, wanted: Wanted) -> dict[str, Any]:
    """The document of an application that a command line asks for."""
    said = AsyncAPIConfig(title=wanted.title, version=wanted.version, description=wanted.description)
    return application_document(
        app,
        server_at(wanted.base_url or DEFAULT_BASE_URL),
        merge_configs(config_from_app(app), said),
        discovery=wanted.discovery(app),
    )


def application_document(
    app: Any, server: Server, config: AsyncAPIConfig, *, discovery: RouteDiscovery | None = None
) -> dict[str, Any]:
    """The document of every route that ``discovery`` finds, by default those of ``app``."""
    routes = (discovery or FastAPIRouteDiscovery(app)).discover_routes(f"{server.protocol}://{server.host}")
    generator = AsyncAPIGenerator(
        routes,
        title=config.get("title") or DEFAULT_ASYNCAPI_TITLE,
        version=config.get("version") or DEFAULT_ASYNCAPI_VERSION,
        description=config.get("description"),
        server_url=server.host,
        server_protocol=server.protocol,
        camelize=bool(config.get("camelize")),
    )
    return with_pathname(generator.generate(), server.pathname)
