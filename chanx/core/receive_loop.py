"""Reading a connection's two sources, client and channel layer, each in order and neither waiting for the other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from chanx.core.turns import TURNS

Receive = Callable[[], Awaitable[dict[str, Any]]]
Dispatch = Callable[[dict[str, Any]], Awaitable[None]]


async def receive_loop(
    receive: Receive, receive_event: Receive | None, dispatch: Dispatch, on_cancel: Callable[[], Awaitable[None]]
) -> None:
    """Dispatch messages until ``dispatch`` or a source raises; that exception is raised here, and nothing runs on.

    The first message of the client, which opens the connection, is dispatched before any event is read. ``on_cancel``
    is awaited at once when this is cancelled: a server that shuts down may wait for a single turn of the event loop.
    """
    pumps: list[asyncio.Task[None]] = []
    try:
        await dispatch(await receive())
        if receive_event is None:
            await _pump(receive, dispatch)
            return
        pumps = [asyncio.create_task(_pump(source, dispatch)) for source in (receive, receive_event)]
        done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in done:
            pump.result()
    except asyncio.CancelledError:
        await on_cancel()
        raise
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(source: Receive, dispatch: Dispatch) -> None:
    while True:
        # A source that has much ready never waits: everything else has to get its turn all the same.
        for _ in range(TURNS):
            await dispatch(await source())
        await asyncio.sleep(0)
