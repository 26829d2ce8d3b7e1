"""What observers are told of one run of a task: its span, how long its message waited, and how long it took."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Final

from chanx.bridge.context import JobContext
from chanx.bridge.entry import Execution
from chanx.bridge.states import JobState
from chanx.metrics import JOB_QUEUE_DURATION, JOB_RUN_DURATION
from chanx.telemetry import SpanStart, begin_span, measure, seconds_since

_UNKNOWN: Final = "unknown"


class ObservedRun:
    """It begins when it is made, and its span is the current one until ``close``. ``outcome`` is how it ended.

    ``eta`` is Celery's: when the task was not to begin before, None for at once.
    """

    def __init__(self, context: JobContext, execution: Execution, *, eta: object) -> None:
        self.outcome: JobState | None = None
        self._task = execution.task_name
        self._began = time.perf_counter()
        self._is_over = False
        if context.published_at is not None:
            due = max(context.published_at, _unix_time(eta))
            measure(JOB_QUEUE_DURATION, seconds_since(due), {"chanx.task": self._task})
        attributes: dict[str, str | bool | int] = {
            "chanx.task": self._task,
            "chanx.task.id": execution.task_id,
            "chanx.job.id": context.job_id,
            "chanx.attempt": execution.attempt,
        }
        self._span = begin_span(SpanStart(f"run {self._task}", "consumer", attributes, parent=context.trace))

    def close(self) -> None:
        """The task is over. More than once is as good as once."""
        if self._is_over:
            return
        self._is_over = True
        outcome = self.outcome.value if self.outcome else _UNKNOWN
        seconds = time.perf_counter() - self._began
        measure(JOB_RUN_DURATION, seconds, {"chanx.task": self._task, "chanx.outcome": outcome})
        if self._span is not None:
            self._span.note({"chanx.outcome": outcome})
            self._span.end(outcome if self.outcome is JobState.FAILED else None)


def _unix_time(eta: object) -> float:
    """0 for none."""
    try:
        when = datetime.fromisoformat(eta) if isinstance(eta, str) else eta
        return when.timestamp() if isinstance(when, datetime) else 0.0
    except (ValueError, OverflowError, OSError):  # each for years that the platform does not know
        return 0.0
