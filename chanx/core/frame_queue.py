"""The frames of one connection that wait for a handler or are in one."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from chanx.core.failures import log_failure
from chanx.core.own_context import in_own_context
from chanx.core.turns import TURNS


class FrameQueue:
    """Handles text frames in order of arrival, at most ``concurrency`` at a time, and none after ``close()``.

    Whoever puts a frame calls ``work`` afterwards, which handles it in the task it is called in. What ``process``
    raises is logged and ends nothing; context variables it sets are not seen by the next frame. ``waiting`` holds the
    frames that nobody has begun with.
    """

    __slots__ = (
        "_closed",
        "_concurrency",
        "_max_characters",
        "_max_frames",
        "_process",
        "_waiting_characters",
        "_workers",
        "waiting",
    )

    def __init__(
        self,
        process: Callable[[str], Coroutine[Any, Any, None]],
        *,
        concurrency: int,
        max_frames: int,
        max_characters: int,
    ) -> None:
        self._process = process
        self._concurrency = max(1, concurrency)
        self._max_frames = max_frames
        self._max_characters = max_characters
        self.waiting: deque[str] | None = None  # most of a connection's life nothing waits, and a deque is 760 bytes
        self._waiting_characters = 0
        self._workers: list[asyncio.Task[Any]] = []  # a few: an empty set takes four times the memory
        self._closed = False

    def put(self, frame: str) -> bool:
        """Take a frame, or return False when as much waits as may."""
        if self._closed:
            return True
        if self.waiting is None:
            self.waiting = deque()
        if len(self.waiting) >= self._max_frames or self._waiting_characters + len(frame) > self._max_characters:
            return False
        self.waiting.append(frame)
        self._waiting_characters += len(frame)
        return True

    async def work(self, task: asyncio.Task[Any], on_wait: Callable[[], None]) -> None:
        """Handle frames in ``task``, the current one, until none waits, if so many as may are not at work yet.

        ``on_wait`` is called each time that a frame's handler waits for the first time, before it does.
        """
        if len(self._workers) >= self._concurrency:
            return
        self._workers.append(task)
        try:
            handled = 0
            while self.waiting:
                frame = self.waiting.popleft()
                self._waiting_characters -= len(frame)
                try:
                    await in_own_context(self._process(frame), on_wait)
                except Exception as error:
                    log_failure("frame_failed", error)
                handled += 1
                if handled % TURNS == 0:
                    await asyncio.sleep(0)
        finally:
            self._workers.remove(task)

    async def close(self) -> None:
        """Drop what waits, cancel what runs, and return when nothing does any more."""
        self._closed = True
        self.waiting = None
        workers = [worker for worker in self._workers if worker is not asyncio.current_task()]
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
