"""What the AsyncAPI document of an application says, where the project does not say it."""

from typing import Any, cast

from chanx.asyncapi.constants import DEFAULT_ASYNCAPI_TITLE, DEFAULT_ASYNCAPI_VERSION
from chanx.core.config import config
from chanx.fast_channels.type_defs import AsyncAPIConfig
from chanx.routing.traversal import traverse_middleware_stack


def build_default_config_from_app(request: Any, app: Any) -> AsyncAPIConfig:
    """What the application says about itself, and the request's host and scheme as the server."""
    server = AsyncAPIConfig(
        server_url=request.url.netloc, server_protocol="wss" if request.url.scheme in {"https", "wss"} else "ws"
    )
    return merge_configs(server, config_from_app(app))


def config_from_app(app: Any) -> AsyncAPIConfig:
    """The application's title, version and description, and whether consumers write keys in camelCase.

    ``app``: also what middleware is around the application.
    """
    inner = next((layer for layer in traverse_middleware_stack(app) if hasattr(layer, "title")), None)
    title = getattr(inner, "title", None)
    return AsyncAPIConfig(
        title=f"{title} AsyncAPI documentation" if title else DEFAULT_ASYNCAPI_TITLE,
        version=getattr(inner, "version", None) or DEFAULT_ASYNCAPI_VERSION,
        description=getattr(inner, "description", None) or None,
        camelize=config.camelize,
    )


def merge_configs(default_config: AsyncAPIConfig, user_config: AsyncAPIConfig | None) -> AsyncAPIConfig:
    """The defaults with what the project says over them; None there says nothing."""
    said = {name: value for name, value in (user_config or {}).items() if value is not None}
    return cast("AsyncAPIConfig", {**default_config, **said})
