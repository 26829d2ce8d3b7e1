"""Tasks that nobody awaits: kept alive until they end, their failures logged."""

import asyncio
import logging
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, Final, TypeVar

from chanx.log import logger

_Result = TypeVar("_Result")

global_background_tasks: Final[set[asyncio.Task[Any]]] = set()
"""Every task of ``create_task`` that was given no set of its own, until it is done."""


async def wrap_task(coro: Coroutine[Any, Any, _Result]) -> _Result:
    """Await ``coro``; what it raises is logged with its traceback and raised again."""
    try:
        return await coro
    except Exception as error:
        if logger.isEnabledFor(logging.ERROR):
            logger.error("background_task_failed task=%r", getattr(coro, "__qualname__", coro), exc_info=error)
        raise


def create_task(
    coro: Coroutine[Any, Any, _Result],
    background_tasks: set[asyncio.Task[Any]] | None = None,
    name: str | None = None,
    context: Context | None = None,
) -> asyncio.Task[_Result]:
    """Start ``coro`` as a task that a set keeps alive until it is done, as the event loop itself would not.

    ``background_tasks`` is that set (default: ``global_background_tasks``). A failure is logged, whether or not anybody
    awaits the task.
    """
    tasks = global_background_tasks if background_tasks is None else background_tasks
    task = asyncio.get_running_loop().create_task(wrap_task(coro), name=name, context=context)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    # One that was cancelled before it began would warn that it was never awaited.
    task.add_done_callback(lambda _: coro.close())
    return task
