"""The Celery app of a worker whose job store can be cut off from it, beside its broker."""

import os
import time
from typing import Any

from celery import Celery

from chanx.bridge import JobTask, install
from tests.integration.many_events_app import Counted

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")

app = Celery("outage", broker=URL, backend=URL)
app.conf.update(broker_connection_retry_on_startup=True)
install(app, store=os.environ.get("CHANX_STORE_URL", URL))


@app.task(bind=True, base=JobTask)
def emit_steadily(self: Any, events: int) -> dict[str, float]:
    """As a task that works between its events; how long it took, and its slowest event, in seconds."""
    slowest, began = 0.0, time.perf_counter()
    for n in range(events):
        before = time.perf_counter()
        self.job.emit(Counted(payload=n))
        slowest = max(slowest, time.perf_counter() - before)
    return {"seconds": time.perf_counter() - began, "slowest": slowest}
