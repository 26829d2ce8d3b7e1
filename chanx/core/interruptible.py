"""Ending what a task does at the moment, but not the task."""

import asyncio
from collections.abc import Awaitable


class Interruptible:
    """Runs one awaitable after the other in its caller's task, until ``interrupt()`` cancels the one that runs."""

    __slots__ = ("_interrupted", "_task")

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._interrupted: asyncio.Future[None] | None = None

    async def run(self, awaitable: Awaitable[object]) -> None:
        """Await it. Returns when it is interrupted; a cancellation of the task itself is raised as ever."""
        self._task = task = asyncio.current_task()
        try:
            await awaitable
            if self._interrupted is not None:
                await asyncio.sleep(0)  # a cancellation that came after the last await must not hit the caller's next
        except asyncio.CancelledError:
            if self._interrupted is None or task is None or task.cancelling() > 1:
                raise
        finally:
            self._task = None
            if self._interrupted is not None:
                if task is not None:
                    task.uncancel()
                if not self._interrupted.done():
                    self._interrupted.set_result(None)

    async def interrupt(self) -> None:
        """Cancel what runs, if anything does, and wait until it has ended. To be called once."""
        if self._task is not None:
            self._interrupted = asyncio.get_running_loop().create_future()
            self._task.cancel()
            await self._interrupted
