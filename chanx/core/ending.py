"""Clean-up that comes to its end although whoever waits for it is cancelled."""

import asyncio
from collections.abc import Collection
from typing import Any

from chanx.log import log_event


async def ended(task: asyncio.Task[Any], *, seconds: float) -> None:
    """Wait until ``task`` is done, at most so many seconds; a cancellation meanwhile is raised then, not at once.

    A server that shuts down may cancel again and again, and a clean-up cut in the middle leaves groups joined for ever.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        if loop.time() >= deadline:
            task.cancel()
            log_event("clean_up_took_too_long", seconds=seconds, task=task.get_name())
            break
        try:
            await asyncio.wait((task,), timeout=deadline - loop.time())
        except asyncio.CancelledError as error:
            cancelled = error
    if task.done() and not task.cancelled():
        task.exception()  # logged where it was raised
    if cancelled is not None:
        raise cancelled


async def stopped(tasks: Collection[asyncio.Task[Any]], *, seconds: float) -> None:
    """Cancel tasks and wait until they are done, at most so many seconds; what runs on after that is logged.

    Results and exceptions are dropped. Code that suppresses its cancellation must not keep a server from shutting down.
    """
    for task in tasks:
        task.cancel()
    if not tasks:
        return
    done, late = await asyncio.wait(tasks, timeout=seconds)
    for task in done:
        if not task.cancelled():
            task.exception()
    for task in late:
        log_event("cancellation_ignored", seconds=seconds, task=task.get_name())
