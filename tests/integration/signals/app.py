"""The Celery app of these tests, in the test process and in the workers: one small task per way to go."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import redis
from celery import Celery, Task
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from celery.signals import before_task_publish

from chanx.bridge import JobError, JobTask, current_job, detach, install

BROKER_URL = os.environ.get("CHANX_TEST_BROKER", "redis://127.0.0.1:1/0")
BACKEND_URL = os.environ.get("CHANX_TEST_BACKEND", "redis://127.0.0.1:1/1")
STORE_URL = os.environ.get("CHANX_TEST_STORE", "redis://127.0.0.1:1/2")

app = Celery("signals", broker=BROKER_URL, backend=BACKEND_URL)
app.conf.update(
    task_track_started=True,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    worker_prefetch_multiplier=1,
    result_chord_retry_interval=0.1,
    # Restoring what the visibility timeout took is then up to the test alone.
    broker_transport_options={"visibility_timeout": 3600} if BROKER_URL.startswith("redis") else {},
)
install(app, store=STORE_URL)

NEVER_GOES_OUT = "never goes out"


@before_task_publish.connect(weak=False)
def die_while_publishing(body: Any = None, **_: Any) -> None:
    """After the bridge's own receiver, which has noted the message by then."""
    if body[1].get("label") == NEVER_GOES_OUT:
        os.kill(os.getpid(), signal.SIGKILL)


def runs(task: Task[Any, Any]) -> int:
    """How many runs of this task there were, this one included; across processes."""
    with redis.Redis.from_url(STORE_URL) as notes:
        return notes.incr(f"runs:{task.request.id}")


def record(key: str, label: str, job_id: str) -> None:
    """Notes an execution, and the job that it belongs to."""
    with redis.Redis.from_url(STORE_URL) as notes:
        notes.rpush(f"executions:{key}", json.dumps([label, job_id]))


def wait_for(path: str) -> None:
    while not os.path.exists(path):
        time.sleep(0.01)


@app.task(bind=True, base=JobTask)
def add(self: Any, x: int, y: int) -> int:
    return x + y


@app.task
def plain_add(x: int, y: int) -> int:
    """No JobTask."""
    return x + y


@app.task(bind=True, base=JobTask)
def fail(self: Any) -> None:
    raise JobError("The file is empty.", code="empty_file")


@app.task(bind=True, base=JobTask)
def wait(self: Any, started: str, go: str) -> str:
    Path(started).touch()
    wait_for(go)
    return "done"


@app.task(bind=True, base=JobTask, acks_late=True)
def wait_late(self: Any, started: str, go: str) -> str:
    Path(f"{started}{runs(self)}").touch()
    wait_for(go)
    return "done"


@app.task(bind=True, base=JobTask, acks_late=True)
def fail_late_at_first(self: Any, started: str, go: str) -> str:
    """The first run fails once it may, any other succeeds."""
    run = runs(self)
    Path(f"{started}{run}").touch()
    wait_for(f"{go}{run}")
    if run == 1:
        raise JobError("The first run fails.")
    return "done"


@app.task(bind=True, base=JobTask)
def report_on_and_on(self: Any, started: str, stopped: str) -> None:
    try:
        for _ in self.job.track(iter(int, 1)):
            self.job.log("still here")
            Path(started).touch()
            time.sleep(0.05)
    finally:
        Path(stopped).touch()


@app.task(bind=True, base=JobTask)
def retry_and_go_on(self: Any, pid: str, again: str) -> str:
    """Publishes its next attempt, and does not end; that one does."""
    if self.request.retries:
        Path(again).touch()
        return "the second attempt"
    self.retry(countdown=0, throw=False)
    Path(pid).write_text(str(os.getpid()))
    wait_for(f"{pid}.never")
    return "the first attempt"


@app.task(bind=True, base=JobTask)
def wait_nesting(self: Any, started: str, go: str, *, key: str) -> None:
    """Publishes a task, and waits."""
    step.delay(key=key, label="nested")
    Path(started).touch()
    wait_for(go)


@app.task(bind=True, base=JobTask)
def handle_soft_limit(self: Any, started: str) -> str:
    try:
        wait_for(f"{started}.never")
    except SoftTimeLimitExceeded:
        return "in time"
    return "never"


@app.task(bind=True, base=JobTask)
def fail_twice(self: Any) -> str:
    if self.request.retries < 2:
        raise self.retry(countdown=0.05, exc=JobError("The server is busy."))
    return "done"


@app.task(bind=True, base=JobTask)
def retry_detached(self: Any) -> str:
    if self.request.retries == 0:
        with detach():
            raise self.retry(countdown=0)
    return "done"


@app.task(bind=True, base=JobTask)
def fork(self: Any) -> str:
    """A process that the task forks reports to the job too."""
    self.job.log("before")
    child = os.fork()
    if not child:
        for line in ("child 1", "child 2", "child 3"):
            self.job.log(line)
        os._exit(0)
    os.waitpid(child, 0)
    self.job.log("after")
    return "done"


@app.task(bind=True, base=JobTask)
def always_retry(self: Any) -> None:
    raise self.retry(countdown=0, max_retries=1, exc=JobError("The server is busy.", code="busy"))


@app.task(bind=True, base=JobTask)
def die(self: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(bind=True, base=JobTask, acks_late=True, reject_on_worker_lost=True)
def die_once(self: Any) -> str:
    if runs(self) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


@app.task(bind=True, base=JobTask)
def leave(self: Any) -> None:
    sys.exit(3)


@app.task(bind=True, base=JobTask, acks_late=True)
def reject(self: Any) -> None:
    raise Reject("no", requeue=False)


@app.task(bind=True, base=JobTask, acks_late=True)
def reject_once(self: Any) -> str:
    if runs(self) == 1:
        raise Reject("not now", requeue=True)
    return "done"


@app.task(bind=True, base=JobTask)
def ignore(self: Any, state: str | None = None) -> None:
    if state == "SUCCESS":
        self.update_state(state=state, meta="by hand")
    elif state == "FAILURE":
        self.backend.mark_as_failure(self.request.id, ValueError("by hand"), request=self.request)
    raise Ignore


@app.task(bind=True, base=JobTask)
def unserialisable(self: Any) -> object:
    return object()


@app.task(bind=True, base=JobTask)
def replace(self: Any, x: int, y: int) -> object:
    return self.replace(add.si(x, y))


# Tasks of canvases: each notes its execution under ``key`` as ``label``, and takes any results that precede it.


@app.task(bind=True, base=JobTask)
def step(self: Any, *results: Any, key: str, label: str) -> str:
    record(key, label, self.job.job_id)
    return label


@app.task
def plain_step(*results: Any, key: str, label: str) -> str:
    """No JobTask."""
    record(key, label, current_job().job_id)
    return label


@app.task(bind=True, base=JobTask)
def failing_step(self: Any, *results: Any, key: str, label: str) -> None:
    record(key, label, self.job.job_id)
    raise JobError("This step fails.", code=label)


@app.task(bind=True, base=JobTask)
def dying_step(self: Any, *results: Any, key: str, label: str) -> None:
    record(key, label, self.job.job_id)
    os.kill(os.getpid(), signal.SIGKILL)


@app.task(bind=True, base=JobTask, acks_late=True)
def rejecting_step(self: Any, *results: Any, key: str, label: str) -> None:
    record(key, label, self.job.job_id)
    raise Reject("no", requeue=False)


@app.task(bind=True, base=JobTask, time_limit=0.5)
def endless_step(self: Any, *results: Any, key: str, label: str) -> None:
    record(key, label, self.job.job_id)
    while True:
        time.sleep(1)


@app.task(bind=True, base=JobTask)
def errback(self: Any, failed_id: str, *, key: str, label: str) -> None:
    """An errback of the old kind: published as a task of its own."""
    record(key, label, self.job.job_id)


@app.task(bind=True, base=JobTask)
def retrying_step(self: Any, *results: Any, key: str, label: str) -> str:
    """Three executions."""
    record(key, f"{label}{self.request.retries}", self.job.job_id)
    if self.request.retries < 2:
        raise self.retry(countdown=0)
    return label


@app.task(bind=True, base=JobTask)
def nesting_step(self: Any, *results: Any, key: str, label: str, inner: list[str]) -> str:
    """Publishes a task for each label of ``inner`` and does not wait for it."""
    record(key, label, self.job.job_id)
    for inner_label in inner:
        step.delay(key=key, label=inner_label)
    return label


@app.task(bind=True, base=JobTask)
def applying_step(self: Any, *results: Any, key: str, label: str, inner: list[str]) -> str:
    """Runs a task for each label of ``inner`` in its own process."""
    record(key, label, self.job.job_id)
    for inner_label in inner:
        step.apply(kwargs={"key": key, "label": inner_label})
    return label


@app.task(bind=True, base=JobTask)
def sending_step(self: Any, *results: Any, key: str, label: str, inner: list[str]) -> str:
    """Publishes tasks by their name only."""
    record(key, label, self.job.job_id)
    for inner_label in inner:
        self.app.send_task(step.name, kwargs={"key": key, "label": inner_label}, countdown=0.2)
    return label


@app.task(bind=True, base=JobTask)
def caring_step(self: Any, *results: Any, key: str, label: str) -> str:
    """Publishes a task that fails and has an errback."""
    record(key, label, self.job.job_id)
    on_error = errback.s(key=key, label=f"{label}-errback")
    failing_step.apply_async(kwargs={"key": key, "label": f"{label}-failing"}, link_error=on_error)
    return label


@app.task(bind=True, base=JobTask)
def replaced_step(self: Any, *results: Any, key: str, label: str, by: Any) -> object:
    """Replaces itself with the signature ``by``."""
    record(key, label, self.job.job_id)
    return self.replace(self.app.signature(by))
