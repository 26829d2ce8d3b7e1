"""The Celery app of the fault suite: its task emits numbered events at a pace; what the log acknowledged is noted."""

import os
import time
from collections.abc import Callable
from typing import Any, Literal

from celery import Celery

from chanx.bridge import JobEvent, JobTask, install
from chanx.bridge.entry import Appended, AppendStatus, NewEntry
from chanx.bridge.store.redis import RedisJobStore
from chanx.layers import LayerSpec, Publisher

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")
NOTES = os.environ.get("CHANX_NOTES", os.devnull)


class NotingStore(RedisJobStore):
    """Writes the seq of each event that the log acknowledged to a file: a process that is killed tells nothing."""

    def announcing_append(self, publisher: Publisher) -> Callable[[NewEntry], Appended] | None:
        append = super().announcing_append(publisher)
        assert append is not None
        notes = os.open(NOTES, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def noted(entry: NewEntry) -> Appended:
            appended = append(entry)
            if entry.delivery == "log" and appended.status is AppendStatus.APPENDED:
                os.write(notes, b"%d\n" % appended.seq)
            return appended

        return noted


app = Celery("noted", broker=URL, backend=URL)
app.conf.update(
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"socket_timeout": 2, "socket_connect_timeout": 2},
    # The task may end while nothing gets through to the result backend; without it that is a failure of the task.
    result_backend_always_retry=True,
)
install(app, store=NotingStore(URL), layer=LayerSpec.redis_pubsub(URL))


class Counted(JobEvent):
    action: Literal["counted"] = "counted"
    payload: int


@app.task(bind=True, base=JobTask)
def emit_paced(self: Any, events: int, per_second: float) -> int:
    began = time.monotonic()
    for n in range(events):
        self.job.emit(Counted(payload=n))
        time.sleep(max(0.0, began + n / per_second - time.monotonic()))
    return events
