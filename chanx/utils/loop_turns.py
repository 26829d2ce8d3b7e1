"""Long work of many tasks on one event loop, in small portions, so that everything else is not kept waiting."""

from __future__ import annotations

import asyncio
from collections import deque


class LoopTurns:
    """Gives its callers one turn after the other, in the order they ask: one in each pass of the event loop.

    However many tasks have much to do, what else the loop has to do waits for one portion of one of them. A turn is
    over when the task waits for anything; who waits long holds up nobody.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_giving = False

    async def next(self) -> None:
        """Waits for the caller's turn."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append(turn)
        if not self._is_giving:
            self._is_giving = True
            loop.call_soon(self._give, loop)
        await turn

    def _give(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # else its task was cancelled meanwhile
                turn.set_result(None)
                break
        self._is_giving = bool(self._waiting)
        if self._is_giving:
            loop.call_soon(self._give, loop)
