"""The WebSocket routes of an application as values, and the topics on them as routes of their own."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.routing.patterns import plain_path
from chanx.routing.traversal import traverse_middleware_stack

DEFAULT_BASE_URL: Final = "ws://localhost:8000"

ConsumerType: TypeAlias = type[ChanxWebsocketConsumerMixin[Any]]


@dataclass(frozen=True, slots=True)
class RouteInfo:
    """One route that leads to a consumer, or to a topic.

    ``path``: the patterns from the outermost router to the route, joined as they are. ``handler``: the route's ASGI
    application. ``path_params``: each parameter's converter or regular expression. A topic's route has the topic class
    as ``consumer`` and ``topic``, and the consumer it is reached through as ``host`` (None on a dedicated route).
    """

    path: str
    handler: Any
    base_url: str
    consumer: ConsumerType | type[Topic]
    path_params: Mapping[str, str] | None = None
    topic: type[Topic] | None = None
    host: ConsumerType | None = None

    @property
    def channel_path(self) -> str:
        """The path with every parameter as ``{name}``."""
        return plain_path(self.path)


class RouteDiscovery(ABC):
    """Finds an application's routes to chanx consumers; one implementation for each framework."""

    @abstractmethod
    def get_websocket_application(self) -> Any:
        """The application that serves WebSockets, or None if there is none."""

    @abstractmethod
    def extract_routes_from_router(self, router: Any, prefix: str, routes: list[RouteInfo], base_url: str) -> None:
        """Append the routes of a router to ``routes``, those of routers in it included; other routes are ignored."""

    def discover_routes(self, base_url: str = DEFAULT_BASE_URL) -> list[RouteInfo]:
        """Every route to a chanx consumer, in the order the application tries them; empty without an application."""
        routes: list[RouteInfo] = []
        application = self.get_websocket_application()
        if application is not None:
            self.extract_routes_from_router(application, "", routes, base_url)
        return routes


def consumer_of(handler: Any) -> ConsumerType | None:
    """The chanx consumer class that an ASGI application, or what it wraps, was made of by ``as_asgi()``; else None."""
    for layer in traverse_middleware_stack(handler):
        consumer: Any = getattr(layer, "consumer_class", None)
        if isinstance(consumer, type) and issubclass(consumer, ChanxWebsocketConsumerMixin):
            return consumer  # pyright: ignore[reportUnknownVariableType] -- issubclass cannot name the type parameter
    return None


def expand_topic_routes(routes: Iterable[RouteInfo]) -> list[RouteInfo]:
    """The routes, with one more for each topic of a consumer, at the same address.

    A consumer that has topics keeps its own route only if it takes or sends messages itself. The route of a dedicated
    topic becomes that topic.
    """
    return [expanded for route in routes for expanded in _expanded(route)]


def _expanded(route: RouteInfo) -> Iterator[RouteInfo]:
    consumer = route.consumer
    if issubclass(consumer, Topic):
        yield route
        return
    default = consumer.default_topic
    table = consumer.handler_table
    if table.handlers or table.sends or not (consumer.topics or default):
        yield route
    if default is not None:
        yield replace(route, consumer=default, topic=default)
    for topic in consumer.topics:
        if topic is not default:
            yield replace(route, consumer=topic, topic=topic, host=consumer)
