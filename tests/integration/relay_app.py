"""The Celery app of a site, and of its worker on the event bus: CHANX_TEST_STORE says which."""

import os
import time
from typing import Any, Literal

from celery import Celery

from chanx.bridge import JobEvent, JobTask, install, start_job_sync
from chanx.messages.base import BaseMessage

AWAY = "redis://127.0.0.1:1/0"

app = Celery(
    "relayed",
    broker=os.environ.get("CHANX_TEST_BROKER", AWAY),
    backend=os.environ.get("CHANX_TEST_RESULTS", AWAY),
)
app.conf.update(
    broker_connection_retry_on_startup=True,
    result_backend_always_retry=True,
    task_routes={"tests.plain.double": {"queue": "plain"}},
)
install(app, store=os.environ.get("CHANX_TEST_STORE", AWAY))


class Counted(JobEvent):
    action: Literal["counted"] = "counted"
    payload: int


class Greeting(BaseMessage):
    action: Literal["greeting"] = "greeting"
    payload: str


@app.task(bind=True, base=JobTask)
def count(self: Any, events: int, pause: float = 0.0) -> dict[str, float]:
    """How many, and the slowest event in seconds."""
    slowest = 0.0
    for n in range(events):
        before = time.perf_counter()
        self.job.emit(Counted(payload=n))
        slowest = max(slowest, time.perf_counter() - before)
        time.sleep(pause)
    return {"events": events, "slowest": slowest}


@app.task(bind=True, base=JobTask)
def run_until_cancelled(self: Any) -> None:
    while True:
        self.job.progress(1, 2)
        time.sleep(0.05)


@app.task(bind=True, base=JobTask)
def spread(self: Any, tasks: int) -> int:
    """Publishes tasks, which the job waits for."""
    for _ in range(tasks):
        count.delay(2)
    return tasks


@app.task(name="tests.plain.double")
def double(number: int) -> int:
    """Run by the worker of plain_app."""
    raise NotImplementedError


@app.task
def gathered(results: list[dict[str, float]]) -> float:
    return sum(result["events"] for result in results)


@app.task(bind=True, base=JobTask)
def greet(self: Any, group: str) -> str:
    """Tells a group, and starts another job; its id."""
    self.job.notify(Greeting(payload="hello"), groups=group)
    return start_job_sync(count, 3, owner="user:2").job_id
