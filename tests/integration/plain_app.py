"""The Celery app of a worker without chanx: it has a task that the site of relay_app starts as a job."""

import os
import time

from celery import Celery

app = Celery("plain", broker=os.environ["CHANX_TEST_BROKER"], backend=os.environ["CHANX_TEST_RESULTS"])
app.conf.update(broker_connection_retry_on_startup=True, task_routes={"tests.plain.double": {"queue": "plain"}})


@app.task(name="tests.plain.double")
def double(number: int) -> int:
    time.sleep(0.2)
    if number < 0:
        raise ValueError("negative")
    return 2 * number
