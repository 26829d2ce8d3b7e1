"""Who is calling, and in what sort of process. Celery, gevent and eventlet are looked at only if they are there."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any, TypeAlias

Caller: TypeAlias = tuple[int, object, object]


def present_caller() -> Caller:
    """What is the same for one thread, greenlet and asyncio task, and different for any other that lives."""
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no loop runs here
        task = None
    greenlet: Any = sys.modules.get("greenlet")
    return threading.get_ident(), greenlet and greenlet.getcurrent(), task


def threads_are_greenlets() -> bool:
    """Whether gevent or eventlet has replaced threads in this process, as Celery's pools of these names do."""
    # Imported already, if they have.
    gevent: Any = sys.modules.get("gevent.monkey")
    eventlet: Any = sys.modules.get("eventlet.patcher")
    return bool(
        (gevent and gevent.is_module_patched("threading")) or (eventlet and eventlet.is_monkey_patched("thread"))
    )


def is_in_worker_task() -> bool:
    """Whether the caller is a task that a Celery worker runs: not a call of it, nor one in eager mode."""
    state: Any = sys.modules.get("celery._state")
    task: Any = state.get_current_task() if state else None
    return task is not None and not task.request.called_directly and not task.request.is_eager
