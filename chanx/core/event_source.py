"""A connection's own channel on the channel layer, from its opening to its end."""

import asyncio
from typing import Any

from chanx.core.channel_layer import ChannelLayer


class EventSource:
    """Reads the messages of one channel, and has the layer forget the channel at the end.

    Layers have no call for that: a channel ends when a ``receive`` of it is cancelled. Whoever is cancelled between two
    of them would leave the channel behind, and with the pub/sub layer its queue and its subscription; and so would a
    message that comes after the cancellation, while the groups are not left yet.
    """

    __slots__ = ("_layer", "name")

    def __init__(self, layer: ChannelLayer, name: str) -> None:
        self.name = name
        self._layer = layer

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        return await self._layer.receive(self.name)

    async def close(self) -> None:
        """Drop what was not received, and release the channel; called once all its groups are left."""
        while True:
            receiving = asyncio.create_task(self.receive())
            await asyncio.sleep(0)  # until it waits, or has taken a message that was there
            receiving.cancel()
            outcomes = await asyncio.gather(receiving, return_exceptions=True)
            if isinstance(outcomes[0], BaseException):
                return  # it did wait; or the layer has forgotten the channel, or cannot be reached
