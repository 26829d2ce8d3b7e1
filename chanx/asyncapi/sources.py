"""What the channels of a document are made from: each route's consumer, and each of its topics.

routes ─> expand_topic_routes() ─> ChannelSource (a class at an address, under a key of its own)
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, count
from typing import Any

from chanx.asyncapi.descriptions import channel_info
from chanx.core.field_names import Direction
from chanx.core.handlers import HandlerTable
from chanx.core.registry import Wire
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import ACTION
from chanx.routing.discovery import ConsumerType, RouteInfo, consumer_of, expand_topic_routes
from chanx.utils.naming import camel_case


@dataclass(frozen=True, slots=True)
class ChannelSource:
    """One channel: a consumer's own messages, or a topic. ``title`` is its key before ``camelize``.

    ``consumer`` is the one that the connection is to (None where a topic's route does not tell).
    """

    key: str
    title: str
    route: RouteInfo
    consumer: ConsumerType | None
    topic: type[Topic] | None
    camelize: bool

    @property
    def cls(self) -> Any:
        """The class that has the handlers."""
        return self.topic or self.consumer

    @property
    def name(self) -> str:
        """The name of that class, without Consumer or Topic behind it."""
        name: str = self.cls.name
        return name

    @property
    def is_hosted(self) -> bool:
        """Whether it is one of several topics of its consumer."""
        return self.route.host is not None

    @property
    def topic_name(self) -> str:
        """What clients call the topic, its consumer's name apart."""
        return _own_name(self.cls)

    @property
    def discriminator(self) -> str:
        """The key that messages are told apart by."""
        return ACTION if self.consumer is None else self.consumer.wire_discriminator()

    @property
    def table(self) -> HandlerTable:
        """Its handlers."""
        table: HandlerTable = self.cls.handler_table
        return table.under(self.discriminator)

    def wire(self, direction: Direction, *, is_protocol: bool = False) -> Wire:
        """How its messages are on the wire; ``is_protocol``: those of a fixed protocol, if the topic has one."""
        is_fixed = is_protocol and self.topic is not None and self.topic.protocol is not None
        return Wire(direction, self.camelize and not is_fixed, self.discriminator)


def channel_sources(routes: Iterable[RouteInfo], *, camelize: bool) -> list[ChannelSource]:
    """A source for each channel of the routes, in their order; these may be expanded to topics already.

    Where a route's channels would have the keys of another's, their consumer's name gets a number. ``camelize`` is for
    keys, and for consumers that say nothing about it themselves.
    """
    sources: list[ChannelSource] = []
    given = list(routes)
    is_expanded = any(route.host is not None for route in given)
    for route in given:
        expanded = [route] if is_expanded else expand_topic_routes([route])
        consumer = _consumer(route)
        own = consumer.camelize if consumer is not None else None
        taken = {source.title for source in sources}
        for part, title in zip(expanded, _titles(expanded, taken), strict=True):
            source = ChannelSource(
                key=camel_case(title) if camelize else title,
                title=title,
                route=part,
                consumer=consumer,
                topic=part.consumer if issubclass(part.consumer, Topic) else None,
                camelize=camelize if own is None else own,
            )
            sources.append(source)
    return sources


def _consumer(route: RouteInfo) -> ConsumerType | None:
    if issubclass(route.consumer, ChanxWebsocketConsumerMixin):
        return route.consumer
    return route.host or consumer_of(route.handler)


def _titles(routes: Sequence[RouteInfo], taken: Collection[str]) -> list[str]:
    others = {camel_case(title) for title in taken}
    number = 1
    while True:
        suffix = "" if number == 1 else f"_{number}"
        titles = [_title(route, suffix) for route in routes]
        if not others.intersection(map(camel_case, titles)):
            return _apart(titles)
        number += 1


def _apart(titles: Iterable[str]) -> list[str]:
    """The titles, with a number behind one that another has already, in camelCase at least."""
    found: dict[str, str] = {}
    for title in titles:
        numbered = (f"{title}_{number}" for number in count(2))
        free = next(name for name in chain([title], numbered) if camel_case(name) not in found)
        found[camel_case(free)] = free
    return list(found.values())


def _title(route: RouteInfo, suffix: str) -> str:
    name = _own_name(route.consumer)
    return name + suffix if route.host is None else f"{route.host.snake_name}{suffix}_{name}"


def _own_name(cls: Any) -> str:
    """The name in ``@channel``, else that of the class."""
    info = channel_info(cls)
    name: str = cls.snake_name
    return name if info is None or info.name is None else info.name
