"""Tasks that mostly wait to be woken: all that have nothing else to wait for share one task of the event loop.

So 1,000 clients that watch a job cost no task each, and a live event wakes one task, not 1,000.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from types import CoroutineType, coroutine
from typing import Any, Final, cast
from weakref import WeakKeyDictionary

from chanx.core.failures import log_failure
from chanx.core.stray_cancellation import as_failure

PORTION: Final = 32
"""How many of them do something in a row before everything else gets a turn."""


class Bell:
    """What a ``LightTask`` waits for, and nobody else can: that it is rung, or was rung since ``clear``."""

    __slots__ = ("is_rung", "waiting")

    def __init__(self) -> None:
        self.is_rung = False
        self.waiting: LightTask | None = None

    def ring(self) -> None:
        self.is_rung = True
        waiting, self.waiting = self.waiting, None
        if waiting is not None:
            waiting.go_on()

    def clear(self) -> None:
        self.is_rung = False

    @coroutine
    def wait(self) -> Generator[Bell]:
        """Return once it is rung, at once if it was."""
        if not self.is_rung:
            yield self


class LightTask:
    """Runs ``coro`` as a task does, in a context of its own, from the next turn of the event loop on.

    While it waits for a :class:`Bell` it is no task. Rung, it goes on in the one that all of an event loop share. Where
    it waits for anything else, that task becomes its own until it waits for its bell again, and the others go on in a
    new one. So what it awaits sees one task from beginning to end, and may use ``asyncio.timeout``.
    """

    __slots__ = ("__weakref__", "_context", "_coro", "_name", "_shared", "_task", "is_done")

    def __init__(self, coro: Coroutine[Any, Any, None], *, name: str) -> None:
        self._coro = coro
        self._name = name
        self._context: Context = copy_context()
        self._shared = _shared_task()
        self._task: asyncio.Task[None] | None = None  # the one that it has to itself
        self.is_done = False
        self.go_on()

    def go_on(self) -> None:
        """To be called by its bell."""
        self._shared.put(self)

    async def stop(self) -> None:
        """Cancel it and wait until it has ended; where it waits for its bell, its coroutine is closed.

        What it raises then is logged, as ever. One that is closed may not wait for anything any more.
        Called by itself this does nothing: it ends by returning.
        """
        if cast("CoroutineType[Any, Any, None]", self._coro).cr_running:
            return
        while self._task is not None:
            self._task.cancel()
            # gather, because suppressing the task's CancelledError would swallow one that is meant for us.
            await asyncio.gather(self._task, return_exceptions=True)
        if not self.is_done:
            self.is_done = True
            try:
                self._context.run(self._coro.close)
            except Exception as error:
                self._log(error)

    @coroutine
    def run(self, hand_on: Callable[[], None]) -> Generator[Any, None, None]:
        """Go on in the current task until it waits for its bell or ends; ``hand_on`` is called before any other wait.

        What it raises is logged.
        """
        try:
            yield from self._until_bell(hand_on)
        except BaseException as error:
            self.is_done = True
            failure = error if isinstance(error, Exception) else as_failure(self._name, error)
            if failure is None:
                raise
            self._log(failure)
        finally:
            self._task = None

    def _log(self, failure: Exception) -> None:
        log_failure("background_task_failed", failure, task=self._name)

    def _until_bell(self, hand_on: Callable[[], None]) -> Generator[Any]:
        run, coro = self._context.run, self._coro
        try:
            awaited = run(coro.send, None)
            if not isinstance(awaited, Bell):
                self._task = asyncio.current_task()
                hand_on()
                while not isinstance(awaited, Bell):
                    try:
                        yield awaited
                    except BaseException as error:  # a cancellation above all
                        awaited = run(coro.throw, error)
                    else:
                        awaited = run(coro.send, None)
        except StopIteration:
            self.is_done = True
        else:
            awaited.waiting = self


class _SharedTask:
    """That of one event loop; there is none while nothing is to be done."""

    def __init__(self) -> None:
        self._ready: deque[LightTask] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, light: LightTask) -> None:
        self._ready.append(light)
        if self._task is None:
            self._start()

    def _start(self) -> None:
        # In nobody's context; not by the loop's task factory, as an eager one (Python 3.12) would run it at once.
        loop = asyncio.get_running_loop()
        self._task = asyncio.Task(self._run(), loop=loop, name="chanx-light-tasks", context=Context())
        # However it ends: who cancels every task of the loop may do it before this one has begun.
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._task is task:
            self._hand_on()

    def _hand_on(self) -> None:
        self._task = None
        if self._ready:
            self._start()

    async def _run(self) -> None:
        task, done = asyncio.current_task(), 0
        assert task is not None
        while self._ready:
            light = self._ready.popleft()
            if light.is_done:
                continue
            await light.run(self._hand_on)
            # Cancelled by what ran in it, it ends: that is no reason to leave out the others.
            if self._task is not task or task.cancelling():
                return
            done += 1
            if done % PORTION == 0:
                await asyncio.sleep(0)


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, _SharedTask] = WeakKeyDictionary()


def _shared_task() -> _SharedTask:
    loop = asyncio.get_running_loop()
    shared = _shared.get(loop)
    if shared is None:
        shared = _shared[loop] = _SharedTask()
    return shared
