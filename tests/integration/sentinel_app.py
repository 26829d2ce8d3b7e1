"""The Celery app of a worker whose jobs are kept behind Sentinel; it notes the events that the log has acknowledged."""

import json
import os
import time
from collections.abc import Callable
from typing import Any

from celery import Celery

from chanx.bridge import JobTask, install
from chanx.bridge.entry import Appended, AppendStatus, NewEntry
from chanx.bridge.store.redis import RedisJobStore
from chanx.layers import LayerSpec, Publisher
from tests.integration.many_events_app import Counted

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")
STORE_URL = os.environ.get("CHANX_STORE_URL", URL)
LAYER = json.loads(os.environ.get("CHANX_LAYER_HOST", "null")) or URL


class NotingStore(RedisJobStore):
    """Writes the number of each event that the log has acknowledged to the file CHANX_NOTES."""

    def announcing_append(self, publisher: Publisher) -> Callable[[NewEntry], Appended] | None:
        append = super().announcing_append(publisher)
        assert append is not None, "log and layer are on one server, by the same Sentinels"
        notes = os.open(os.environ["CHANX_NOTES"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def noted(entry: NewEntry) -> Appended:
            appended = append(entry)
            if entry.action == "counted" and appended.status in (AppendStatus.APPENDED, AppendStatus.DUPLICATE):
                os.write(notes, b"%d\n" % json.loads(entry.event)["payload"])
            return appended

        return noted


app = Celery("sentinel", broker=URL, backend=URL)
app.conf.update(broker_connection_retry_on_startup=True)
if STORE_URL != URL:
    install(app, store=NotingStore(STORE_URL), layer=LayerSpec.redis_pubsub(LAYER))


@app.task(bind=True, base=JobTask)
def emit_until(self: Any, file: str, per_second: float) -> int:
    """Emits numbers, until there is the file; and some after it. Returns how many."""
    n, last = 0, None
    while last is None or n < last:
        self.job.emit(Counted(payload=n))
        n += 1
        time.sleep(1 / per_second)
        if last is None and os.path.exists(file):
            last = n + 100
    return n
