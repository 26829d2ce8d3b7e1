"""Ending what a task does at the moment, but not the task."""

import asyncio
from types import TracebackType


class Interruptible:
    """``with`` it, a task does something that another task can cancel with ``interrupt()``, and then goes on.

    A cancellation of the task itself is raised as ever. What the other task cancels too late takes effect at the next
    ``await``: so a block that may have been interrupted ends with one.
    """

    __slots__ = ("_cancellations", "_interrupted", "_task")

    def __init__(self) -> None:
        self._task: asyncio.Task[object] | None = None
        self._interrupted: asyncio.Future[None] | None = None
        self._cancellations = 0

    def __enter__(self) -> None:
        self._task = asyncio.current_task()

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        task, self._task = self._task, None
        if self._interrupted is None or task is None:
            return False
        if not self._interrupted.done():
            self._interrupted.set_result(None)
        for _ in range(self._cancellations):
            task.uncancel()
        is_cancelled_itself = task.cancelling() > 0
        return exc_type is asyncio.CancelledError and not is_cancelled_itself

    @property
    def is_running(self) -> bool:
        """Whether something is done now."""
        return self._task is not None

    async def interrupt(self, *, again_after: float | None = None) -> None:
        """Cancel what is done, if anything is, and wait until it has ended. To be called once.

        Code that may lose a cancellation, as ``asyncio.wait_for`` does before Python 3.12, is cancelled once more after
        so many seconds.
        """
        if self._task is not None:
            self._interrupted = asyncio.get_running_loop().create_future()
        while self._task is not None and self._interrupted is not None:
            self._cancellations += 1
            self._task.cancel()
            await asyncio.wait((self._interrupted,), timeout=again_after)
