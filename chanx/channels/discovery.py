"""The WebSocket routes of a Django project."""

from typing import Any

from channels.routing import URLRouter

from chanx.channels.utils.asgi import get_websocket_application
from chanx.routing.discovery import DEFAULT_BASE_URL, RouteDiscovery, RouteInfo, consumer_of
from chanx.routing.patterns import get_pattern_string_and_params
from chanx.routing.traversal import traverse_middleware_stack


class DjangoRouteDiscovery(RouteDiscovery):
    """Walks the project's ``URLRouter``\\ s, through the middleware around and between them."""

    def get_websocket_application(self) -> Any:
        """The ``"websocket"`` entry of the project's ASGI application, or None."""
        return get_websocket_application()

    def extract_routes_from_router(self, router: Any, prefix: str, routes: list[RouteInfo], base_url: str) -> None:
        """Append the routes of a ``URLRouter``, which may be inside middleware, to ``routes``."""
        for route in _routes_in(router):
            path = prefix + get_pattern_string_and_params(route)[0]
            self._add(route.callback, path, routes, base_url)

    def _add(self, application: Any, path: str, routes: list[RouteInfo], base_url: str) -> None:
        consumer = consumer_of(application)
        if consumer is None:
            self.extract_routes_from_router(application, path, routes, base_url)
        else:
            params = get_pattern_string_and_params(path)[1]
            routes.append(RouteInfo(path, application, base_url, consumer, params))


def get_websocket_routes(base_url: str = DEFAULT_BASE_URL) -> list[RouteInfo]:
    """Every route of the project to a chanx consumer, in the order they are tried."""
    return DjangoRouteDiscovery().discover_routes(base_url)


def _routes_in(application: Any) -> list[Any]:
    for layer in traverse_middleware_stack(application):
        if isinstance(layer, URLRouter):
            return list(layer.routes)
    return []
