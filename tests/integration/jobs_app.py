"""The Celery app of the integration tests' worker: small tasks that each do one thing a job can do."""

import os
import time
from typing import Any, Literal

from celery import Celery
from pydantic import BaseModel

from chanx.bridge import JobError, JobEvent, JobTask, current_job, install

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")

app = Celery("jobs_app", broker=URL, backend=os.environ.get("CHANX_RESULT_URL", URL))
app.conf.update(task_track_started=True, broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)
bridge = install(app, store=os.environ.get("CHANX_STORE_URL", URL), owner="user:9")


class RowPayload(BaseModel):
    line: int


class Row(JobEvent):
    action: Literal["row"] = "row"
    payload: RowPayload


@app.task(bind=True, base=JobTask)
def count(self: Any, n: int) -> dict[str, int]:
    self.job.log("counting")
    for i in self.job.track(range(n), message="rows"):
        if i % 100 == 0:
            self.job.emit(Row(payload=RowPayload(line=i)))
    return {"rows": n}


@app.task(bind=True, base=JobTask)
def refuse(self: Any) -> None:
    raise JobError("The file is empty.", code="empty_file")


@app.task(bind=True, base=JobTask)
def crash(self: Any) -> None:
    raise RuntimeError("password=hunter2")


@app.task(bind=True, base=JobTask)
def retry_once(self: Any) -> str:
    if self.request.retries == 0:
        raise self.retry(countdown=0.1, exc=JobError("The server is busy."))
    return "done"


@app.task(bind=True, base=JobTask)
def run_until_cancelled(self: Any, started_file: str) -> None:
    with open(started_file, "w") as started:
        started.write("x")
    try:
        while True:
            try:
                self.job.progress(1, 2)
                time.sleep(0.01)
            except Exception:
                raise AssertionError("a cancellation is no Exception") from None
    finally:
        os.unlink(started_file)


@app.task(bind=True, base=JobTask)
def outer(self: Any, done_file: str | None = None) -> str:
    inner.delay(done_file)
    return "outer"


@app.task(bind=True, base=JobTask)
def inner(self: Any, done_file: str | None) -> str:
    for _ in self.job.track(range(3)):
        self.job.log("from the inner task")
    if done_file:
        open(done_file, "w").close()
    return "inner"


@app.task(bind=True, base=JobTask)
def total(self: Any, numbers: list[int]) -> int:
    """The body of a chord."""
    return sum(numbers)


@app.task(bind=True, base=JobTask)
def huge_result(self: Any) -> list[str]:
    return ["x" * 1000] * 400


@app.task(bind=True, base=JobTask)
def wait_for_file(self: Any, path: str) -> str:
    """Waits between two events, so that a test can break something in between."""
    self.job.log("before")
    open(path + ".ready", "w").close()
    while not os.path.exists(path):
        time.sleep(0.01)
    self.job.log("after")
    return "done"


@app.task
def plain(x: int) -> int:
    """No JobTask: it can be started as a job all the same."""
    return x + 1


@app.task(watch=True)
def watched(x: int) -> int:
    """Becomes a job by being published."""
    current_job().log("seen")
    return x + 1


@app.task
def run_plainly_until_cancelled(started_file: str) -> None:
    """No JobTask; the cancellation is an exception like any other here."""
    open(started_file, "w").close()
    while True:
        current_job().progress(1, 2)
        time.sleep(0.01)
