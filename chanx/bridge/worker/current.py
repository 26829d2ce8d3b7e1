"""The job of the running task, for code anywhere below it."""

from __future__ import annotations

from chanx.bridge.scope import current_scope
from chanx.bridge.worker.job import Job
from chanx.bridge.worker.run import Run, null_job


def current_job() -> Job:
    """The job of the task that is running, in whatever function of its; also in a task that is no ``JobTask``.

    Without a job it is one that works like any other and reports to nobody; its ``job_id`` is empty.
    """
    scope = current_scope()
    return scope.job if isinstance(scope, Run) else null_job()
