"""The Celery app of the task-cost benchmark: an empty task in two forms, and how long this process took over each."""

import os
import time
from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from chanx.bridge import JobTask, install

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")

app = Celery("task_cost", broker=URL, backend=URL)
app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)
if "CHANX_BENCH_BRIDGE" in os.environ:
    install(app, store=URL)

_timed: list[tuple[float, float]] = []


@app.task
def empty() -> None:
    pass


@app.task(bind=True, base=JobTask)
def empty_job(self: Any) -> None:
    pass


@app.task
def take_times() -> list[tuple[float, float]]:
    """Of each empty task since the last call: seconds from the message to the stored result, and of the processor."""
    taken = _timed[:]
    _timed.clear()
    return taken


@worker_process_init.connect
def time_tasks(**_: Any) -> None:
    for task in (empty, empty_job):
        task.__trace__ = timed(task.__trace__)


def timed(trace: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        began, used = time.perf_counter(), time.thread_time()
        try:
            return trace(*args, **kwargs)
        finally:
            _timed.append((time.perf_counter() - began, time.thread_time() - used))

    return run
