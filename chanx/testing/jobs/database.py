"""Django's connections to databases, of tasks that run in threads of their own.

A worker closes them after each task. Tasks that run at once leave that to their caller, whose connection they use; but
that of ``start_job`` is a thread, which nobody closes anything for.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from celery import signals

from chanx.utils.framework import django_has_settings


class TaskConnections:
    """Between ``watch`` and ``forget``, what a task has opened, where nothing was open, is closed after it."""

    def __init__(self) -> None:
        self._thread = _Thread()

    def watch(self) -> None:
        signals.task_prerun.connect(self._begin)
        signals.task_postrun.connect(self._end)

    def forget(self) -> None:
        signals.task_prerun.disconnect(self._begin)
        signals.task_postrun.disconnect(self._end)

    def _begin(self, **_: Any) -> None:
        self._thread.depth += 1
        if self._thread.depth == 1:
            self._thread.open = {connection.alias for connection in _opened()}

    def _end(self, **_: Any) -> None:
        self._thread.depth -= 1
        if self._thread.depth:
            return
        for connection in _opened():
            if connection.alias not in self._thread.open and not connection.in_atomic_block:
                connection.close()


class _Thread(threading.local):
    """How many tasks are running in this thread, one in another, and what was open before the first."""

    def __init__(self) -> None:
        self.depth = 0
        self.open: set[str] = set()


def _opened() -> list[Any]:
    """This thread's."""
    database: Any = sys.modules.get("django.db")
    if database is None or not django_has_settings():
        return []
    return [one for one in database.connections.all(initialized_only=True) if one.connection is not None]
