"""The channels of a hub on its layer: one a connection, and one a group that is joined."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, TypeAlias

from chanx.core.channel_layer import ChannelLayer
from chanx.core.hub.mailbox import Mailbox
from chanx.core.hub.reader import ChannelReader

Members: TypeAlias = Collection[Mailbox]
"""Who takes what comes on a channel: as they are then, for a group."""

Put: TypeAlias = Callable[[Members, Any, Callable[[Any], dict[str, Any]]], None]
"""Takes what has come for members, as the layer has it, and how to decode that."""


class Channels(ABC):
    """Opens and closes channels; what comes on one is ``put`` to the members it was opened for, in order."""

    @abstractmethod
    async def open(self, members: Members) -> str:
        """A connection's own channel, which anybody may send to; its name."""

    @abstractmethod
    async def open_for_group(self, group: str, members: Members) -> str:
        """A channel for one group's messages, to join the group with; nobody else knows its name."""

    @abstractmethod
    async def close(self, name: str) -> None:
        """Close a connection's channel: nothing is taken from it any more, and the layer forgets it."""

    @abstractmethod
    async def close_for_group(self, name: str) -> None:
        """The same for a group's channel, which has left the group."""

    @abstractmethod
    def is_open(self, name: str) -> bool:
        """Whether messages come on a channel still: a layer that is flushed forgets all of them."""


class ReceivedChannels(Channels):
    """Of any layer: a task receives from each channel. Those of different channels do not wait for each other."""

    def __init__(self, layer: ChannelLayer, put: Put) -> None:
        self._layer = layer
        self._put = put
        self._readers: dict[str, ChannelReader] = {}

    async def open(self, members: Members) -> str:
        name = await self._layer.new_channel()
        self._readers[name] = ChannelReader(self._layer, name, partial(self._put, members))
        return name

    async def open_for_group(self, group: str, members: Members) -> str:
        return await self.open(members)

    async def close(self, name: str) -> None:
        reader = self._readers.pop(name, None)
        if reader is not None:
            await reader.close()

    async def close_for_group(self, name: str) -> None:
        await self.close(name)

    def is_open(self, name: str) -> bool:
        return name in self._readers
