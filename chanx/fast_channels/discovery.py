"""The WebSocket routes of a FastAPI or Starlette application."""

from typing import Any

from fastapi import routing

from chanx.routing.discovery import RouteDiscovery, RouteInfo, consumer_of
from chanx.routing.patterns import extract_path_parameters
from chanx.routing.traversal import traverse_middleware_stack


class FastAPIRouteDiscovery(RouteDiscovery):
    """Walks an application's routes, those of included routers and mounted applications too."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def get_websocket_application(self) -> Any:
        """The application itself."""
        return self.app

    def extract_routes_from_router(self, router: Any, prefix: str, routes: list[RouteInfo], base_url: str) -> None:
        """Append the routes of an application or router, which may be inside middleware, to ``routes``."""
        for route in _routes_in(router):
            path = prefix + (getattr(route, "path", None) or "")
            handler = getattr(route, "app", None)
            consumer = consumer_of(handler) or consumer_of(getattr(route, "endpoint", None))
            if consumer is not None:
                routes.append(RouteInfo(path, handler, base_url, consumer, extract_path_parameters(path)))
            elif handler is not None:
                self.extract_routes_from_router(handler, path, routes, base_url)


def _routes_in(application: Any) -> Any:
    """The routes of the outermost layer that has any; those of included routers with their prefixes."""
    for layer in traverse_middleware_stack(application):
        routes: Any = getattr(layer, "routes", None)
        if routes:
            # FastAPI that has this function keeps an included router as one opaque route.
            open_included: Any = getattr(routing, "iter_route_contexts", iter)
            return open_included(routes)
    return ()
