"""The frames of one connection that wait for a handler or are in one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from chanx.core.failures import log_failure
from chanx.core.turns import TURNS

_Frame = TypeVar("_Frame")


class FrameQueue(Generic[_Frame]):
    """Runs frames in order of arrival, at most ``concurrency`` at a time, and none after ``close()``.

    ``put`` never waits, so the connection keeps noticing its end while handlers are slow. What ``process`` raises is
    logged and ends nothing.
    """

    __slots__ = ("_closed", "_concurrency", "_max_frames", "_max_size", "_pending", "_process", "_size", "_workers")

    def __init__(
        self, process: Callable[[_Frame], Awaitable[None]], *, concurrency: int, max_frames: int, max_size: int
    ) -> None:
        self._process = process
        self._concurrency = max(1, concurrency)
        self._max_frames = max_frames
        self._max_size = max_size
        self._pending: deque[tuple[_Frame, int]] = deque()
        self._size = 0
        self._workers: set[asyncio.Task[None]] = set()
        self._closed = False

    def put(self, frame: _Frame, size: int) -> bool:
        """Take a frame of ``size`` characters, or return False when as much waits as may."""
        if self._closed:
            return True
        if len(self._pending) >= self._max_frames or self._size + size > self._max_size:
            return False
        self._pending.append((frame, size))
        self._size += size
        if len(self._workers) < self._concurrency:
            self._workers.add(asyncio.create_task(self._work()))
        return True

    async def close(self) -> None:
        """Drop what waits, cancel what runs, and return when nothing does any more."""
        self._closed = True
        self._pending.clear()
        workers = self._workers - {asyncio.current_task()}
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self) -> None:
        try:
            handled = 0
            while self._pending:
                frame, size = self._pending.popleft()
                self._size -= size
                try:
                    await self._process(frame)
                except Exception as error:
                    log_failure("frame_failed", error)
                handled += 1
                if handled % TURNS == 0:
                    await asyncio.sleep(0)
        finally:
            # Here, not in a done callback: that runs later, and a frame put in between would find no free worker.
            self._workers.discard(asyncio.current_task())
