"""The names of a topic class, and what goes to all its subscribers: nothing of it needs a connection.

a URL's parameters ─┐
                    ├─> pattern ─> name ─> group of the channel layer
a client's frame  ──┘
"""

from collections.abc import Mapping
from types import new_class
from typing import Any, ClassVar

from chanx.core.channel_layer import ChannelLayer, configured
from chanx.core.topic_pattern import TopicPattern, topic_pattern
from chanx.errors import InvalidNameError
from chanx.layers import publisher_for
from chanx.messages.base import BaseMessage
from chanx.telemetry import stamped
from chanx.utils.framework import channel_layer, consumer_base
from chanx.utils.groups import safe_group_name


class TopicAddress:
    """The part of a topic class that tells where its subscribers are. See ``Topic`` for its attributes."""

    pattern: ClassVar[str]
    channel_layer_alias: ClassVar[str] = "default"

    _parsed_pattern: ClassVar[TopicPattern]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "pattern" in vars(cls):
            cls._parsed_pattern = topic_pattern(cls.pattern)

    @classmethod
    def parameters(cls) -> tuple[str, ...]:
        """The names of the pattern's parameters, in order."""
        return cls._parsed_pattern.parameters

    @classmethod
    def as_consumer(cls, base: type[Any] | None = None, **attributes: Any) -> type[Any]:
        """A consumer class for a route of this topic alone: ``path("room/<id>/", Room.as_consumer().as_asgi())``.

        The URL's parameters fill the pattern. The topic opens on connecting, or the connection is refused; the client
        needs no envelope. ``base``: the consumer class to extend, by default that of the framework in use;
        ``attributes``: class attributes such as ``authenticator_class``.
        """
        own = {"__module__": cls.__module__, "__doc__": cls.__doc__, "default_topic": cls}
        if cls.channel_layer_alias != TopicAddress.channel_layer_alias:
            own["channel_layer_alias"] = cls.channel_layer_alias
        own.update(attributes)
        return new_class(f"{cls.__name__}Consumer", (base or consumer_base(),), exec_body=lambda body: body.update(own))

    @classmethod
    def topic_of(cls, url_params: Mapping[str, object]) -> str:
        """The topic that the parameters of a URL name; raises ``InvalidNameError`` (a ``ValueError``) without one."""
        missing = [name for name in cls._parsed_pattern.parameters if name not in url_params]
        if missing:
            raise InvalidNameError(
                f"{cls.__name__} needs URL parameters {missing}: put them into the route, which has {list(url_params)}."
            )
        return cls._parsed_pattern.fill(url_params)

    @classmethod
    def parse(cls, topic: str) -> dict[str, str] | None:
        """The parameters in a topic's name, or None if it is none of this class's."""
        return cls._parsed_pattern.match(topic)

    @classmethod
    def group_name(cls, topic: str) -> str:
        """The channel-layer group of a topic: safe, and shorter than 100 characters."""
        return safe_group_name(cls.__name__, topic)

    @classmethod
    async def broadcast(cls, topic: str, event: BaseMessage, *, seq: int | None = None) -> None:
        """Send an event to every subscriber of a topic. Raises ``InvalidNameError`` for a name of another pattern."""
        message = cls._broadcast_message(topic, event, seq)
        await cls._layer().group_send(cls.group_name(topic), message)

    @classmethod
    def broadcast_sync(cls, topic: str, event: BaseMessage, *, seq: int | None = None) -> None:
        """``broadcast`` from synchronous code; never raises because the layer is unreachable."""
        message = cls._broadcast_message(topic, event, seq)
        publisher_for(cls._layer()).group_send(cls.group_name(topic), message)

    @classmethod
    def _broadcast_message(cls, topic: str, event: BaseMessage, seq: int | None) -> dict[str, Any]:
        if cls.parse(topic) is None:
            raise InvalidNameError(f"{topic!r} is no topic of {cls.__name__}: its names look like {cls.pattern!r}.")
        message: dict[str, Any] = {"type": "handle_topic_event", "topic": topic}
        message["event_data"] = event.model_dump(mode="json")
        if seq is not None:
            message["seq"] = seq
        return stamped(message)

    @staticmethod
    def get_channel_layer(alias: str) -> Any:
        """The channel layer of an alias, or None; a project may put another callable here."""
        return channel_layer(alias)

    @classmethod
    def _layer(cls) -> ChannelLayer:
        layer: ChannelLayer | None = cls.get_channel_layer(cls.channel_layer_alias)
        return configured(layer, cls.channel_layer_alias)
