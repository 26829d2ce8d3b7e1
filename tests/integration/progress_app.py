"""The Celery app of a worker whose tasks report progress and output."""

import os
import time
from typing import Any

from celery import Celery

from chanx.bridge import JobTask, install

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")

app = Celery("progress_app", broker=URL, backend=URL)
app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)
bridge = install(app, store=URL)


@app.task(bind=True, base=JobTask)
def silent(self: Any, go: str, computes: bool) -> None:
    """Reports twice at once, then computes (or waits) without another word."""
    self.job.progress(1, 10)
    self.job.progress(2, 10)
    self.job.output("thinking")
    while not os.path.exists(go):
        if not computes:
            time.sleep(0.01)


@app.task(bind=True, base=JobTask)
def speak(self: Any, tokens: int) -> None:
    for i in range(tokens):
        self.job.output(f"{i} ")
        if i % 1000 == 0:
            self.job.log(str(i))


@app.task(bind=True, base=JobTask)
def repeat(self: Any, go: str) -> None:
    """Comes far at the first attempt, and not so far at the second."""
    if self.request.retries == 0:
        self.job.progress(9, 10)
        raise self.retry(countdown=0)
    while not os.path.exists(go):
        time.sleep(0.01)
    self.job.progress(1, 10)


@app.task(bind=True, base=JobTask)
def build(self: Any) -> None:
    self.job.steps(load=1, render=3)
    with self.job.step("load"):
        for _ in self.job.track(range(10)):
            pass
    with self.job.step("render"):
        for page in self.job.track(["a", "b"]):
            with self.job.step(page):
                if page == "b":
                    raise RuntimeError


@app.task
def part(number: int) -> int:
    """No JobTask, and it reports nothing."""
    return number


@app.task(bind=True, base=JobTask)
def join(self: Any, numbers: list[int]) -> int:
    return sum(self.job.track(numbers))
