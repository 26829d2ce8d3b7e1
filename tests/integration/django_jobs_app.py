"""The Celery app of a Django project whose jobs are in its own database."""

import os
from typing import Any

from celery import Celery
from django.db import connection, transaction

from chanx.bridge import JobError, JobTask, install
from chanx.bridge.contrib.store import DjangoJobStore
from chanx.layers import LayerSpec

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")

app = Celery("django_jobs_app", broker=URL, backend=URL, set_as_current=False)
app.conf.update(task_track_started=True, broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)
install(app, store=DjangoJobStore(), layer=LayerSpec.redis_pubsub(URL))


@app.task(bind=True, base=JobTask)
def write_and_give_up(self: Any, rows: int) -> None:
    """Everything it writes is rolled back, all but what it says."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE written_rows (number int)")
        for number in self.job.track(range(rows), total=rows):
            self.job.log(f"row {number}")
        raise JobError("There was no row to keep.", code="no_rows")
