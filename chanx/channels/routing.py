"""Routes to consumers, written like Django's: ``path``, ``re_path`` and ``include`` for ``URLRouter``.

websocket_application = URLRouter([path("ws/", include("shop.routing"))])    # the module's `router`
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

from channels.routing import URLRouter
from django.urls import URLPattern
from django.urls.resolvers import RegexPattern, RoutePattern

from chanx.errors import ConfigurationError
from chanx.routing.traversal import traverse_middleware_stack

if TYPE_CHECKING:  # what the types of URLRouter ask for: Django's own class, whose view is an ASGI application
    from channels.routing import _ExtendedURLPattern as Route  # pyright: ignore[reportPrivateUsage] -- has no public name
else:
    Route = URLPattern

ROUTER_NAME: Final = "router"


def path(route: str, view: Any, kwargs: Mapping[str, Any] | None = None, name: str = "") -> Route:
    """A route such as ``path("ws/room/<int:pk>/", RoomConsumer.as_asgi())``, to an ASGI application or a router.

    ``kwargs`` are added to the parameters of the URL. To a router, also inside middleware, it is a prefix.
    """
    return _route(RoutePattern, route, view, kwargs, name)


def re_path(route: str, view: Any, kwargs: Mapping[str, Any] | None = None, name: str = "") -> Route:
    """``path`` with a regular expression, whose named groups are the parameters."""
    return _route(RegexPattern, route, view, kwargs, name)


def include(source: URLRouter | ModuleType | str) -> URLRouter:
    """The router itself, or the one that a module, given as such or by its dotted name, has as ``router``.

    Raises ``ConfigurationError`` if there is none.
    """
    module = import_module(source) if isinstance(source, str) else source
    router = getattr(module, ROUTER_NAME, None) if isinstance(module, ModuleType) else module
    if not isinstance(router, URLRouter):
        raise ConfigurationError(
            f"include() found no URLRouter in {source!r}: write `{ROUTER_NAME} = URLRouter([...])` in that module."
        )
    return router


def _route(
    pattern_type: Callable[..., RoutePattern | RegexPattern],
    route: str,
    view: Any,
    kwargs: Mapping[str, Any] | None,
    name: str,
) -> Route:
    application = _application(view)
    pattern = pattern_type(route, name=name or None, is_endpoint=not _leads_to_router(application))
    return cast("Route", URLPattern(pattern, application, dict(kwargs or {}), name or None))


def _application(view: Any) -> Any:
    as_asgi = getattr(view, "as_asgi", None) if isinstance(view, type) else None
    if as_asgi is not None:
        return as_asgi()
    if not callable(view):
        raise ConfigurationError(f"{view!r} is no ASGI application: route to MyConsumer.as_asgi() or include(...).")
    return view


def _leads_to_router(application: Any) -> bool:
    return any(isinstance(layer, URLRouter) for layer in traverse_middleware_stack(application))
