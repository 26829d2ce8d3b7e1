"""The Celery app of a worker whose task emits events of its job as fast as it can."""

import os
from typing import Any, Literal

from celery import Celery

from chanx.bridge import JobEvent, JobTask, install

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")

app = Celery("many_events", broker=URL, backend=URL)
app.conf.update(broker_connection_retry_on_startup=True)
install(app, store=URL)


class Counted(JobEvent):
    action: Literal["counted"] = "counted"
    payload: int


@app.task(bind=True, base=JobTask)
def emit_many(self: Any, events: int) -> None:
    for n in range(events):
        self.job.emit(Counted(payload=n))
