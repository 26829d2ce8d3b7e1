"""A connection's own channel on the channel layer, from its opening to its end."""

import asyncio
from typing import Any, Final

from chanx.core.channel_layer import ChannelLayer
from chanx.core.interruptible import Interruptible

LOST_SECONDS: Final = 0.5
"""After which a cancellation of ``receive`` counts as lost: redis-py loses some before Python 3.12."""


class EventSource:
    """Reads the messages of one channel, and has the layer forget the channel at the end.

    Layers have no call for that: a channel ends when a ``receive`` of it is cancelled. Whoever is cancelled between two
    of them would leave the channel behind, and with the pub/sub layer its queue and its subscription; and so would a
    message that comes after the cancellation, while the groups are not left yet.
    """

    __slots__ = ("_is_closed", "_layer", "_receiving", "name")

    def __init__(self, layer: ChannelLayer, name: str) -> None:
        self.name = name
        self._layer = layer
        self._receiving = Interruptible()
        self._is_closed = False

    async def receive(self) -> dict[str, Any]:
        """The next message; once closed none comes any more."""
        if not self._is_closed:
            with self._receiving:
                message = await self._layer.receive(self.name)
                if not self._is_closed:
                    return message
                await asyncio.sleep(0)
        never: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        return await never

    async def close(self) -> None:
        """Drop what was not received, and release the channel; called once, when all its groups are left.

        Never are there two receivers: Redis's core layer leaves a queue behind when both are cancelled.
        """
        self._is_closed = True
        if self._receiving.is_running:
            await self._receiving.interrupt(again_after=LOST_SECONDS)
            return
        while True:
            receiving = asyncio.create_task(self._layer.receive(self.name))
            await asyncio.sleep(0)  # until it waits, or has taken a message that was there
            while not receiving.done():
                receiving.cancel()
                await asyncio.wait((receiving,), timeout=LOST_SECONDS)
            if receiving.cancelled() or receiving.exception() is not None:
                return  # it did wait; or the layer has forgotten the channel, or cannot be reached
