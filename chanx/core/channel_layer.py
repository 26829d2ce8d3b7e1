"""The channel layer as chanx uses it, and handing a message to it, from asynchronous and from synchronous code."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from chanx.errors import ConfigurationError, PublisherError
from chanx.layers import attach_loop, is_channel_name, publisher_for
from chanx.layers.payload import size_of

_Layer = TypeVar("_Layer")


class ChannelLayer(Protocol):
    """The part of the channel layer specification that consumers use."""

    async def new_channel(self) -> str: ...
    async def receive(self, channel: str, /) -> dict[str, Any]: ...
    async def send(self, channel: str, message: dict[str, Any], /) -> None: ...
    async def group_add(self, group: str, channel: str, /) -> None: ...
    async def group_discard(self, group: str, channel: str, /) -> None: ...
    async def group_send(self, group: str, message: dict[str, Any], /) -> None: ...


def configured(layer: _Layer | None, alias: str) -> _Layer:
    """``layer``, or ``ConfigurationError`` if there is none."""
    if layer is None:
        raise ConfigurationError(
            f"There is no channel layer {alias!r}, which groups and events need: configure CHANNEL_LAYERS[{alias!r}] "
            f"(Django), or call register_channel_layer({alias!r}, ...) (fast-channels), or set channel_layer_alias to "
            "one that is configured."
        )
    return layer


def group_list(groups: Iterable[str] | str) -> list[str]:
    """The groups named by a collection or by a single name, each once, in order."""
    return [groups] if isinstance(groups, str) else list(dict.fromkeys(groups))


def refuse_too_large(layer: ChannelLayer, message: dict[str, Any]) -> None:
    """Raise ``EventTooLargeError`` for an event over the ``max_event_bytes`` of the layer's publisher."""
    # A layer that cannot be published to has no such limit.
    with suppress(PublisherError):
        publisher_for(layer).refuse_too_large(message, size_of(message))


async def send_to_name(layer: ChannelLayer, name: str, message: dict[str, Any]) -> None:
    """Send to one connection's own channel, or to the group of that name if it is no such channel."""
    if is_channel_name(name):
        await layer.send(name, message)
    else:
        await layer.group_send(name, message)


def send_to_name_sync(layer: ChannelLayer, name: str, message: dict[str, Any]) -> None:
    """``send_to_name`` from synchronous code."""
    publisher = publisher_for(layer)
    if is_channel_name(name):
        publisher.send(name, message)
    else:
        publisher.group_send(name, message)


def open_to_synchronous_code(layer: ChannelLayer) -> None:
    """Let synchronous code of this process publish to receivers on the running loop; called when one opens."""
    # A layer that cannot be published to is a mistake of who publishes, not of who receives.
    with suppress(PublisherError):
        attach_loop(layer)
