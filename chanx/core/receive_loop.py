"""Reading what the client of a connection sends, in order.

client ─> dispatch ─> queues of frames ─> handlers, in the reading task; when one waits, another task reads on
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

from chanx.core.ending import stopped
from chanx.core.frame_queue import FrameQueue
from chanx.core.stray_cancellation import as_failure
from chanx.core.turns import TURNS

STOP_SECONDS: Final = 2.0

Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Dispatch: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]


async def receive_loop(
    receive: Receive,
    dispatch: Dispatch,
    queues: Sequence[FrameQueue],
    ended: asyncio.Future[None],
    on_open: Callable[[], None],
    on_cancel: Callable[[], Awaitable[None]],
) -> None:
    """Dispatch messages until ``dispatch`` or ``receive`` raises; that is raised here, and nothing is read on.

    Whoever else ends the connection sets ``ended``. ``on_open`` is called when the client's first message, which opens
    the connection, was dispatched. What dispatching puts into the ``queues`` is handled; to close them is left to the
    caller. ``on_cancel`` is awaited at once when this is cancelled: a server that shuts down may wait for a single turn
    of the event loop.
    """
    reader = _Reader(receive, dispatch, queues, ended)
    try:
        await dispatch(await receive())
        on_open()
        reader.start()
        await ended
    except asyncio.CancelledError:
        await on_cancel()
        raise
    finally:
        await stopped(reader.stop(), seconds=STOP_SECONDS)


class _Reader:
    """Reads the client's messages and handles their frames, in one task until a handler waits for something.

    A frame whose handler never waits costs no task and no turn of the event loop. Otherwise the task is the handler's
    from there on, and reading goes on in a new one.
    """

    def __init__(
        self, receive: Receive, dispatch: Dispatch, queues: Sequence[FrameQueue], ended: asyncio.Future[None]
    ) -> None:
        self._receive = receive
        self._dispatch = dispatch
        self._queues = queues
        self._ended = ended
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = False

    def start(self) -> None:
        # Not by the loop's task factory: an eager one (Python 3.12) would run it before it is known to be the reader.
        self._task = asyncio.Task(self._run(), loop=asyncio.get_running_loop())

    def stop(self) -> list[asyncio.Task[None]]:
        """Let no other task read on, and return the one that still does, to be cancelled."""
        self._is_stopped = True
        return [] if self._task is None else [self._task]

    async def _run(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            await self._read(task)
        except asyncio.CancelledError:
            if self._task is task:
                self._ended.cancel()
            raise
        except BaseException as error:
            end_with(self._ended, error)

    async def _read(self, task: asyncio.Task[Any]) -> None:
        taken = 0
        while True:
            for queue in self._queues:
                if queue.waiting:
                    await queue.work(task, self._hand_on)
                    if task.cancelling():  # by the handler itself, and that is no reason to stop reading
                        self._hand_on()
                    if self._task is not task:
                        return
            taken += 1
            # A source that has much ready never waits: everything else has to get its turn all the same.
            if taken % TURNS == 0:
                await asyncio.sleep(0)
            try:
                message = await self._receive()
            except asyncio.CancelledError:
                if self._is_stopped:
                    raise
                self._hand_on()  # somebody cancelled the task of a handler that ended in this one long ago
                return
            await self._dispatch(message)

    def _hand_on(self) -> None:
        """Let another task read on, if the current one still reads."""
        if self._task is asyncio.current_task():
            self.start()


def end_with(ended: asyncio.Future[None], error: BaseException) -> None:
    """Raise ``error`` in the loop, as a failure if it is none; what ends the event loop itself is raised here."""
    failure = error if isinstance(error, Exception) else as_failure("An overridden method", error)
    if failure is None:
        raise error
    if failure is not error:
        failure.__cause__ = error
    if not ended.done():
        ended.set_exception(failure)
