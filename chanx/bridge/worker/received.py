"""What the worker's parent process has received: whose a task is, where Celery tells no more than its id.

Older Celery reports a lost child without the request, and an errback published by the parent has no current task.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from chanx.bridge.context import JobContext
from chanx.bridge.installed import Bridge, bridge_or_none
from chanx.bridge.worker.run import attempt_of, context_of
from chanx.utils.process import PerProcess

LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class ReceivedTask:
    """One delivery of a task of a job; ``acks_late``: it is delivered again if the worker stops."""

    bridge: Bridge
    context: JobContext
    task_id: str
    task_name: str
    attempt: int
    acks_late: bool = False


class ReceivedTasks:
    """The newest 10,000 by task id. Thread-safe."""

    def __init__(self) -> None:
        self._tasks: OrderedDict[str, ReceivedTask] = OrderedDict()
        self._repeated: set[str] = set()
        self._lock = threading.RLock()

    def add(self, task: ReceivedTask) -> None:
        with self._lock:
            earlier = self._tasks.get(task.task_id)
            if earlier is not None and earlier.context.publish_id != task.context.publish_id:
                self._repeated.add(task.task_id)
            self._tasks[task.task_id] = task
            self._tasks.move_to_end(task.task_id)
            if len(self._tasks) > LIMIT:
                oldest, _ = self._tasks.popitem(last=False)
                self._repeated.discard(oldest)

    def get(self, *task_ids: str | None) -> ReceivedTask | None:
        """The first of them that is known."""
        with self._lock:
            return next((self._tasks[task_id] for task_id in task_ids if task_id and task_id in self._tasks), None)

    def only(self, task_id: str) -> ReceivedTask | None:
        """The one delivery of that task; None of one that was delivered in several attempts."""
        with self._lock:
            return None if task_id in self._repeated else self._tasks.get(task_id)


def received_with(task: Any, request: Any) -> ReceivedTask | None:
    """What a Celery request says of itself; None without a job."""
    context = context_of(request)
    bridge = bridge_or_none(task.app)
    if context is None or bridge is None:
        return None
    return ReceivedTask(
        bridge, context, request.id, task.name, attempt_of(request), acks_late=bool(getattr(task, "acks_late", False))
    )


# Per process: a child is forked by a thread of its own, maybe while another one adds here.
RECEIVED = PerProcess(ReceivedTasks)
