"""Waiting for the end of a job that runs elsewhere: on a worker, or in another thread."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from celery import current_app

from chanx.bridge.installed import bridge_of
from chanx.testing.jobs.events import AnyJob, job_id_of
from chanx.testing.jobs.observed import ObservedJob, observed
from chanx.testing.jobs.store import RecordingStore

_INTERVAL: Final = 0.05
"""Seconds between two questions to a store that tells nobody of its news."""


def wait_for_job(job: AnyJob, *, timeout: float = 10.0, app: Any = None) -> ObservedJob:
    """The job, once it has ended. Blocking; :func:`wait_for_job_async` is for coroutines.

    ``app`` is the Celery app, by default the current one. Of a job in a real store ``events`` has no progress: the log
    has only its newest report, in the snapshot. Raises ``TimeoutError``, with the events so far, and
    :class:`~chanx.errors.JobNotFoundError`.
    """
    bridge, job_id = bridge_of(app or current_app), job_id_of(job)
    store, deadline = bridge.store, time.monotonic() + timeout
    while not (found := bridge.job(job_id)).state.is_terminal:
        if time.monotonic() >= deadline:
            events = observed(bridge, job_id).events
            raise TimeoutError(f"The job {job_id} is still {found.state} after {timeout:g} s.\n{events!r}")
        if isinstance(store, RecordingStore):
            store.wait_for_end(job_id, timeout=deadline - time.monotonic())
        else:
            time.sleep(_INTERVAL)
    return observed(bridge, job_id)


async def wait_for_job_async(job: AnyJob, *, timeout: float = 10.0, app: Any = None) -> ObservedJob:
    """As :func:`wait_for_job`, while the event loop goes on."""
    return await asyncio.to_thread(wait_for_job, job, timeout=timeout, app=app)
