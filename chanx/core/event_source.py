"""A connection's own channel on the channel layer, from its opening to its end."""

import asyncio
from typing import Any

from chanx.core.channel_layer import ChannelLayer


class EventSource:
    """Reads the messages of one channel, and has the layer forget the channel at the end.

    Layers have no call for that: a channel ends when a ``receive`` of it is cancelled. Whoever is cancelled between two
    of them would leave the channel behind, and with the pub/sub layer its queue and its subscription.
    """

    __slots__ = ("_is_released", "_layer", "name")

    def __init__(self, layer: ChannelLayer, name: str) -> None:
        self.name = name
        self._layer = layer
        self._is_released = False

    async def receive(self) -> dict[str, Any]:
        """The next message."""
        try:
            return await self._layer.receive(self.name)
        except asyncio.CancelledError:
            self._is_released = True
            raise

    async def close(self) -> None:
        """Drop what was not received, and release the channel if that is still to do."""
        while not self._is_released:
            receiving = asyncio.create_task(self.receive())
            await asyncio.sleep(0)  # until it waits, or has taken a message that was there
            receiving.cancel()
            outcomes = await asyncio.gather(receiving, return_exceptions=True)
            if isinstance(outcomes[0], Exception):
                return  # a layer that cannot be reached has nothing to release
