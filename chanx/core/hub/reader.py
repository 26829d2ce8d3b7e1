"""A task that receives from one channel, for as long as that is open."""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final

from chanx.core.channel_layer import ChannelLayer
from chanx.core.event_source import EventSource
from chanx.core.stray_cancellation import stray_cancellation_fails
from chanx.core.turns import TURNS
from chanx.log import log_throttled
from chanx.utils.asyncio import create_task

RETRY_SECONDS: Final = 0.5


class ChannelReader:
    """Hands what is received to ``take``. A layer that fails is asked again, and its connections stay open."""

    def __init__(
        self, layer: ChannelLayer, name: str, take: Callable[[Any, Callable[[Any], dict[str, Any]]], None]
    ) -> None:
        self._layer = layer
        self._take = take
        self._source = EventSource(layer, name)
        # Not by the loop's task factory: an eager one (Python 3.12) would receive before the channel's name is known.
        # In the context of no connection: it reads for all.
        self._task = asyncio.Task(
            self._read(), loop=asyncio.get_running_loop(), name=f"chanx-reader-{name}", context=Context()
        )

    async def close(self) -> None:
        """Receive no more, and have the layer forget the channel; which is done although this is cancelled."""
        await asyncio.shield(create_task(self._close(), name=f"{self._task.get_name()}-close"))

    async def _close(self) -> None:
        await self._source.close()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            try:
                with stray_cancellation_fails("The channel layer"):
                    for _ in range(TURNS):
                        self._take(await self._source.receive(), _as_it_is)
                await asyncio.sleep(0)
            except Exception as error:
                # redis-py 8 raises such a one every 5 s where nothing comes, which Django's checks warn of.
                if "TimeoutError" not in type(error).__name__:
                    log_throttled("channel_layer_not_read", key=id(self._layer), error=repr(error))
                    await asyncio.sleep(RETRY_SECONDS)
                else:
                    await asyncio.sleep(0)


def _as_it_is(message: dict[str, Any]) -> dict[str, Any]:
    return message
