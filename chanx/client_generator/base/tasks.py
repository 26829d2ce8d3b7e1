"""Tasks of one client: kept while they run, ended with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger("chanx.client")


class Tasks:
    """What a task raises is logged: nobody waits for it."""

    def __init__(self) -> None:
        self._all: set[asyncio.Task[None]] = set()

    def start(self, doing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(doing)
        self._all.add(task)
        task.add_done_callback(self._done)

    async def end(self) -> None:
        """Cancels all but the one that calls this, and waits until they have ended."""
        left = [task for task in self._all if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._all.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("What the client was asked to run has failed", exc_info=error)
