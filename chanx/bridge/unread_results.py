"""Lets go of what Celery keeps of a canvas for somebody who might read its results, which nobody does here.

A group or chord waits for each of its tasks: Celery holds on to a result object and a Redis subscription per task until
it has ended and somebody has read that. A web process that only starts canvases would gather them for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chanx.core.failures import log_failure


def let_go(backend: Any, task_ids: Iterable[str]) -> None:
    """Stops waiting for these tasks. ``AsyncResult(task_id).get()`` still works, and waits anew."""
    waited_for: Iterable[Any] = getattr(backend, "_pending_results", None) or ()  # only backends with subscriptions
    try:
        for task_id in task_ids:
            for mapping in waited_for:
                for result in _results(mapping.get(task_id)):
                    backend.remove_pending_result(result)
    except Exception as error:  # Celery's own inside, or its connection: the job is on its way all the same
        log_failure("results_not_let_go", error)


def _results(waiting: Any) -> list[Any]:
    """Several wait for one task since Celery 5.7, before that the one that came last."""
    if waiting is None:
        return []
    several: Any = getattr(waiting, "values", None)
    return [waiting] if several is None else list(several())
