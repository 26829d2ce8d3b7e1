"""Channels of layers that keep a queue a channel in the process: what comes in is had at once, in the order it comes.

The layers of Channels and fast-channels keep such queues, in a dict by the channel's name. In it a `Tap` stands for the
queue: no task waits for its messages, and those of different channels keep their order, which queues that are read by
different tasks do not. It is the layers' inside, so a contract test holds every installed one to it.
"""

import asyncio
import hashlib
from abc import abstractmethod
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

from chanx.core.channel_layer import ChannelLayer
from chanx.core.hub.channels import Channels, Members, Put
from chanx.core.hub.reader import ChannelReader

Decode: TypeAlias = Callable[[Any], dict[str, Any]]


class Tap:
    """Stands for the ``asyncio.Queue`` of a channel, and is always empty: what is put is the members' at once."""

    __slots__ = ("_channels", "_members")

    def __init__(self, channels: "_TappedChannels", members: Members) -> None:
        self._channels = channels
        self._members = members

    @property
    def is_abandoned(self) -> bool:
        """Whether its loop was closed with the connection open."""
        return self._channels.loop.is_closed()

    def put_nowait(self, item: Any) -> None:
        channels = self._channels
        if asyncio.get_running_loop() is channels.loop:
            channels.put(self._members, item, channels.decode)
        else:  # an in-memory layer knows no loops
            with suppress(RuntimeError):  # that loop was closed with its connections open
                channels.loop.call_soon_threadsafe(channels.put, self._members, item, channels.decode)

    async def get(self) -> Any:
        """Raise ``TimeoutError``, on which a layer forgets the channel that it was about to receive from."""
        raise TimeoutError

    def get_nowait(self) -> Any:
        raise asyncio.QueueEmpty

    def empty(self) -> bool:
        return True

    def full(self) -> bool:
        return False

    def qsize(self) -> int:
        return 0


class _TappedChannels(Channels):
    """``queues`` are the layer's, ``stem`` begins the names of groups' channels."""

    def __init__(self, layer: ChannelLayer, put: Put) -> None:
        self._layer = layer
        self.put = put
        self.loop = asyncio.get_running_loop()
        for name, queue in list(self._queues.items()):  # a copy: other threads have loops, too
            if isinstance(queue, Tap) and queue.is_abandoned:
                self._forget(name)

    @property
    def _queues(self) -> MutableMapping[str, Any]:
        inside: Any = self._layer
        queues: MutableMapping[str, Any] = inside.channels
        return queues

    @abstractmethod
    def _stem(self) -> str: ...

    @abstractmethod
    def decode(self, item: Any) -> dict[str, Any]:
        """The message in what was put."""

    def _forget(self, name: str) -> None:
        """Drop a channel that nobody is left to close."""
        self._queues.pop(name, None)

    async def open(self, members: Members) -> str:
        name = await self._layer.new_channel()
        self._queues[name] = Tap(self, members)
        return name

    async def open_for_group(self, group: str, members: Members) -> str:
        # The same name each time: what a layer that could not be reached has kept of it, it forgets at the next chance.
        name = f"{self._stem()}{hashlib.sha256(f'{id(self.loop)} {group}'.encode()).hexdigest()[:32]}"
        self._queues[name] = Tap(self, members)
        return name

    async def close(self, name: str) -> None:
        self._queues.pop(name, None)

    async def close_for_group(self, name: str) -> None:
        self._queues.pop(name, None)

    def is_open(self, name: str) -> bool:
        return name in self._queues


class MemoryChannels(_TappedChannels):
    """Of the ``InMemoryChannelLayer``."""

    def _stem(self) -> str:
        return "chanx.hub!"

    def decode(self, item: Any) -> dict[str, Any]:
        message: dict[str, Any] = item[1]  # after its expiry
        return message

    def _forget(self, name: str) -> None:
        super()._forget(name)
        inside: Any = self._layer
        for group, members in list(inside.groups.items()):  # or the group's next message makes it a queue again
            members.pop(name, None)
            if not members:
                inside.groups.pop(group, None)


class PubSubChannels(_TappedChannels):
    """Of the ``RedisPubSubChannelLayer``: messages are bytes; to a group's channel nothing is subscribed."""

    def _stem(self) -> str:
        return "chanx.hub."

    def decode(self, item: Any) -> dict[str, Any]:
        inside: Any = self._layer
        message: dict[str, Any] = inside.deserialize(item)
        return message

    async def close(self, name: str) -> None:
        # It unsubscribes when a `receive` ends without a message.
        if name in self._queues:
            try:
                await self._layer.receive(name)
            except TimeoutError:
                return


class CoreChannels(_TappedChannels):
    """Of the ``RedisChannelLayer``: one task receives, and takes the messages for all channels of the process along."""

    def __init__(self, layer: ChannelLayer, put: Put) -> None:
        super().__init__(layer, put)
        self._open = 0
        self._readers = 0
        self._reader: ChannelReader | None = None

    @property
    def _queues(self) -> MutableMapping[str, Any]:
        inside: Any = self._layer
        queues: MutableMapping[str, Any] = inside.receive_buffer
        return queues

    def _stem(self) -> str:
        inside: Any = self._layer
        return f"specific.{inside.client_prefix}!"

    def decode(self, item: Any) -> dict[str, Any]:
        message: dict[str, Any] = item
        return message

    async def open(self, members: Members) -> str:
        self._open += 1
        if self._reader is None:
            # Of a name of its own: one that is cancelled deletes its queue, of which another would still receive.
            self._readers += 1
            self._reader = ChannelReader(self._layer, f"{self._stem()}hub{self._readers}", _ignore)
        return await super().open(members)

    async def close(self, name: str) -> None:
        await super().close(name)
        self._open -= 1
        if self._open == 0 and self._reader is not None:
            reader, self._reader, name = self._reader, None, f"{self._stem()}hub{self._readers}"
            try:
                await reader.close()
            finally:
                self._queues.pop(name, None)  # left behind by a `receive` that was about to ask Redis


def _ignore(item: Any, decode: Decode) -> None:
    """Nobody sends to the channel that is received from only for what comes along."""


_MODULES: Final[Mapping[tuple[str, str], Callable[[ChannelLayer, Put], Channels]]] = {
    ("channels.layers", "InMemoryChannelLayer"): MemoryChannels,
    ("channels_redis.pubsub", "RedisPubSubChannelLayer"): PubSubChannels,
    ("channels_redis.core", "RedisChannelLayer"): CoreChannels,
    ("fast_channels.layers.in_memory", "InMemoryChannelLayer"): MemoryChannels,
    ("fast_channels.layers.redis.pubsub", "RedisPubSubChannelLayer"): PubSubChannels,
    ("fast_channels.layers.redis.core", "RedisChannelLayer"): CoreChannels,
}
"""By class, so that nothing is imported; exactly, because a subclass may receive in another way."""


def tapped_channels(layer: ChannelLayer, put: Put) -> Channels | None:
    """The channels of a layer that is known, on the running loop; None for any other layer."""
    known = _MODULES.get((type(layer).__module__, type(layer).__qualname__))
    return None if known is None else known(layer, put)
